"""Whether two patterns can mean the same file: found out without looking at any."""

from __future__ import annotations

import re
from functools import lru_cache

_STAR, _ANY = "*", "?"


def patterns_overlap(one: str, other: str) -> bool:
    """Tells whether a path can match both patterns, or match one and lie inside what matches the other.

    Brackets are taken for any letter, so the answer may be yes where no file can show it; never the other way round.
    """
    return _folders(tuple(_parts(one)), tuple(_parts(other)))


def _parts(pattern: str) -> list[str]:
    return [re.sub(r"\[[!^]?[^\]/][^\]/]*\]", _ANY, part) for part in pattern.split("/") if part]


def _folders(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Walks through both patterns part by part; `at` are the pairs of positions that some path can reach."""
    waiting, seen = [(0, 0)], {(0, 0)}
    while waiting:
        i, j = waiting.pop()
        if i == len(one) or j == len(other):
            return True  # one is used up: the rest of the other lies inside what it matches
        steps = []
        if one[i] == "**":
            steps += [(i + 1, j), (i, j + 1)]
        if other[j] == "**":
            steps += [(i, j + 1), (i + 1, j)]
        if "**" not in (one[i], other[j]) and _names(one[i], other[j]):
            steps.append((i + 1, j + 1))
        for step in steps:
            if step not in seen:
                seen.add(step)
                waiting.append(step)
    return False


@lru_cache(maxsize=4096)
def _names(one: str, other: str) -> bool:
    """Tells whether a name can match both, which are made of letters, `?` and `*`."""
    waiting, seen = [(0, 0)], {(0, 0)}
    while waiting:
        i, j = waiting.pop()
        if i == len(one) and j == len(other):
            return True
        a, b = one[i : i + 1], other[j : j + 1]
        steps = []
        if a == _STAR:
            steps += [(i + 1, j)] + ([(i, j + 1)] if b and b != _STAR else [])
        if b == _STAR:
            steps += [(i, j + 1)] + ([(i + 1, j)] if a and a != _STAR else [])
        if a and b and _STAR not in (a, b) and (a == b or _ANY in (a, b)):
            steps.append((i + 1, j + 1))
        for step in steps:
            if step not in seen:
                seen.add(step)
                waiting.append(step)
    return False
