"""Lengths of time and sizes of memory as people write them in `dvcx.yaml`."""

from __future__ import annotations

import re

_SECONDS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
_TIME = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)\s*([a-z]*)")
_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)\s*([kmgt]?)(i?)b?", re.IGNORECASE)
_POWER = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def seconds(value: object) -> float:
    """Gives a length of time in seconds: a number of them, or `90s`, `1.5h`, `1h30m`. Raises `ValueError`."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        total = float(value)
    elif isinstance(value, str):
        total, end = 0.0, 0
        text = value.strip().lower()
        for match in _TIME.finditer(text):
            if text[end : match.start()].strip() or match[2] not in _SECONDS:
                raise ValueError(value)
            total += float(match[1]) * _SECONDS[match[2]]
            end = match.end()
        if not end or text[end:].strip():
            raise ValueError(value)
    else:
        raise ValueError(value)
    if not 0 < total < 1e10:
        raise ValueError(value)
    return total


def size_in_bytes(value: object) -> float:
    """Gives a size in bytes: a number of them, or `8GB` (of 1000) and `8GiB` (of 1024). Raises `ValueError`."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError(value)
    unit = 1024.0 if match[3] else 1000.0
    return float(match[1]) * float(unit ** _POWER[match[2].lower()])
