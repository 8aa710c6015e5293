"""Bytes and text on disk, turned into values and back; no file is opened here."""
