"""All pointers of one revision, read from the working tree or straight from Git objects."""
