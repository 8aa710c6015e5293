"""Paths of files as a person would type them here."""

from __future__ import annotations

import os


def as_typed(path: str, typed: str | None) -> str:
    """Gives the absolute `path` as people name it here: relative to the current folder, unless `typed` was absolute."""
    return path if typed is not None and os.path.isabs(os.path.expanduser(typed)) else os.path.relpath(path)
