"""The user's files: scanning and hashing them, and making them equal to a tree."""
