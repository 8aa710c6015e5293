"""Sizes as people type them."""

from __future__ import annotations

import re

from dvcx.base.errors import UsageError

_UNITS = {"": 0, "B": 0, "K": 1, "M": 2, "G": 3, "T": 4}


def parse_size(text: str) -> int:
    """Gives the bytes that `text` means: `500`, `500KiB`, `5 MiB`, `1.5G`; raises `UsageError`."""
    found = re.fullmatch(r"\s*(\d{1,12}(?:\.\d{1,6})?)\s*([BKMGT]?)(?:i?B)?\s*", text, re.IGNORECASE)
    if found is None:
        raise UsageError(f"{text!r} is not a size", "type it like 500KiB, 5MiB or 1GiB")
    return int(float(found[1]) * 1024 ** _UNITS[found[2].upper()])
