"""The terminal: commands, rendering, progress and exit codes."""
