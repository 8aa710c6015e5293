"""Patterns for paths, as shells have them: `*`, `?` and `[...]` stay inside one name, `**` stands for any folders."""

from __future__ import annotations

import re

_ANY_FOLDERS = "(?:[^/]+/)*"


def path_pattern(pattern: str) -> re.Pattern[str]:
    """Gives an expression whose `fullmatch` tells whether a path with `/` matches `pattern`.

    `a/**/b` matches `a/b`, too; `a/**` matches everything below `a`. A bracket that is not closed stands for itself.
    """
    parts = [part for part in pattern.split("/") if part]
    pieces: list[str] = []
    for number, part in enumerate(parts):
        is_last = number == len(parts) - 1
        if part == "**":
            pieces.append(f"{_ANY_FOLDERS}[^/]+" if is_last else _ANY_FOLDERS)
        else:
            pieces.append(_name_pattern(part) + ("" if is_last else "/"))
    return re.compile("".join(pieces), re.DOTALL)


def may_match_below(pattern: str, folder: str) -> bool:
    """Tells whether `pattern` can match any path below `folder`."""
    parts = [part for part in pattern.split("/") if part]
    for number, name in enumerate(folder.split("/")):
        if parts[number : number + 1] == ["**"]:
            return True
        if number + 1 >= len(parts) or not re.fullmatch(_name_pattern(parts[number]), name, re.DOTALL):
            return False
    return True


def _name_pattern(part: str) -> str:
    pieces: list[str] = []
    at = 0
    while at < len(part):
        letter = part[at]
        at += 1
        if letter == "*":
            pieces.append("[^/]*")
            while part[at : at + 1] == "*":
                at += 1
        elif letter == "?":
            pieces.append("[^/]")
        elif letter == "[" and (end := _end_of_set(part, at)):
            pieces.append(_set_pattern(part[at:end]))
            at = end + 1
        else:
            pieces.append(re.escape(letter))
    return "".join(pieces)


def _end_of_set(part: str, at: int) -> int:
    """Gives where the `]` of the set that begins at `at` stands, 0 when there is none; a `]` in front is a member."""
    start = at + 1 if part[at : at + 1] in ("!", "^") else at
    return max(0, part.find("]", start + 1))


def _set_pattern(members: str) -> str:
    negated = members[0] in "!^"
    if negated:
        members = members[1:]
    ranges: list[str] = []
    at = 0
    while at < len(members):
        if members[at + 1 : at + 2] == "-" and at + 2 < len(members):
            low, high = members[at], members[at + 2]
            if low <= high:
                ranges.append(f"{re.escape(low)}-{re.escape(high)}")
            at += 3
        else:
            ranges.append(re.escape(members[at]))
            at += 1
    inside = "".join(ranges)
    if not inside:
        return "[^/]" if negated else "(?!)"
    return f"(?!/)[{'^' if negated else ''}{inside}]"
