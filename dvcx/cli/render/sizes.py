"""Numbers for people: sizes in binary units, counts with their noun, ages."""

from __future__ import annotations

from dvcx.base.text import size_text

__all__ = ["age_text", "content_text", "count_text", "size_text"]


def count_text(count: int, noun: str, plural: str | None = None) -> str:
    """Gives `1 file`, `20,000 files`; `plural` where an s does not make it."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def content_text(size: int, files: int | None) -> str:
    """Gives what tracked data amounts to: `12 B` for a file (no `files`), `3 files, 36 B` for a folder."""
    return size_text(size) if files is None else f"{count_text(files, 'file')}, {size_text(size)}"


def age_text(seconds: float) -> str:
    """Gives a length of time by its largest whole unit: `12 seconds`, `3 hours`, `40 days`."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            return count_text(int(seconds // length), unit)
    return count_text(max(0, int(seconds)), "second")
