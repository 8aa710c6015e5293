"""Commands that are killed, or failed by the system, at every call that changes the file system."""
