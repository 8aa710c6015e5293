"""Configuration files: their levels, their schema, reading and editing."""
