"""Lengths of time as people type them."""

from __future__ import annotations

import re

from dvcx.base.errors import UsageError

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_AGE = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")


def parse_age(text: str | None) -> float | None:
    """Gives `30d`, `12h`, `90m`, `45s`, `2w` or `0` in seconds; None for None. Raises `UsageError` for other texts."""
    if text is None:
        return None
    if text == "0":
        return 0.0
    found = _AGE.fullmatch(text.strip().lower())
    if found is None:
        raise UsageError(f"{text!r} is not an age", "write a number and a unit: 45s, 90m, 12h, 30d or 2w")
    return float(found[1]) * _SECONDS[found[2]]
