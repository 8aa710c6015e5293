"""Words in messages that depend on a number: counts with their noun, sizes in binary units."""

from __future__ import annotations

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def counted(count: int, one: str, many: str | None = None) -> str:
    """Gives `1 file`, `20,000 files`; `many` where an s at the end does not make it: `("file has", "files have")`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


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
