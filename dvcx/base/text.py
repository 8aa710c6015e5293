"""Words in messages that depend on a number."""

from __future__ import annotations


def counted(count: int, one: str, many: str | None = None) -> str:
    """Gives `1 file`, `20,000 files`; `many` where an s at the end does not make it: `("file has", "files have")`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
