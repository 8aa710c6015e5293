"""Amounts of bytes as people type them."""

from __future__ import annotations

import re

from dvcx.base.errors import UsageError

_FACTORS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}
_DECIMAL = {"k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4}
_AMOUNT = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)\s*([kmgt]?)(i?b)?")


def parse_bytes(text: str | None) -> int | None:
    """Gives `500`, `10k`, `1.5MiB`, `2GB` in bytes; None for None. `10M` and `10MiB` are binary, `10MB` is decimal.

    Raises `UsageError` for other texts.
    """
    if text is None:
        return None
    found = _AMOUNT.fullmatch(text.strip().lower())
    if found is None:
        raise UsageError(f"{text!r} is not an amount of bytes", "write a number and a unit: 500k, 10M, 1.5GiB, 2GB")
    number, unit, suffix = found.groups()
    return int(float(number) * (_DECIMAL[unit] if suffix == "b" and unit else _FACTORS[unit]))


def parse_rate(text: str | None) -> float | None:
    """Gives `5M` or `5M/s` in bytes a second; None for None.

    Raises `UsageError` for other texts, and for less than 1 KiB a second.
    """
    found = parse_bytes(text.strip().removesuffix("/s") if text is not None else None)
    if found is not None and found < 1024:
        raise UsageError(f"a rate of {text} is too low to get anywhere", "write a number and a unit: 500k, 10M")
    return found
