"""Results turned into text for people."""
