"""Numbers for people: sizes in binary units, counts with their noun, ages."""

from __future__ import annotations

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def size_text(size: int) -> str:
    """Gives `size` in bytes as three digits and a binary unit: `0 B`, `999 B`, `1.5 KiB`, `64.0 MiB`, `734 GiB`."""
    if size < 0:
        return f"-{size_text(-size)}"
    if size < 1024:
        return f"{size} B"
    value, unit = float(size), 0
    # 999.5 would be shown with four digits, so the next unit starts a little before 1024 of the last one.
    while value >= 999.5 and unit < len(_UNITS) - 1:
        value /= 1024
        unit += 1
    return f"{value:.2f} {_UNITS[unit]}" if value < 0.995 else f"{value:.{1 if value < 99.95 else 0}f} {_UNITS[unit]}"


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
