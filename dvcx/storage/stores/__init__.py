"""Kinds of stores that fsspec reaches: a file for each, with its options, its requests and its errors."""
