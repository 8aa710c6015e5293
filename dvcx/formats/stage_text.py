"""Stages as YAML text, in the block style that people write."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from dvcx.formats.pointer_text import inline, quoted
from dvcx.formats.yaml_values import scalar_value

# What no YAML reader, of 1.1 or 1.2, takes for anything else than the text itself.
_PLAIN = re.compile(r"[A-Za-z0-9_./$(-](?:[A-Za-z0-9_./$(){}@%+=,;&|<>*?~\\'\"!^\[\] -]|:(?=[^ ])|(?<=[^ ])#)*")
_AMBIGUOUS = re.compile(r"(?i)y|n|yes|no|on|off|true|false|null|nan|inf|[-+]?[0-9][0-9_:.e+-]*|0[xob][0-9a-f_]+|---.*")


def print_fields(fields: Mapping[str, Any], indent: int) -> list[str]:
    """Gives the lines of a mapping in block style, each indented by `indent` spaces."""
    lines: list[str] = []
    for key, value in fields.items():
        lines += _entry(" " * indent + scalar_text(key) + ":", value, indent)
    return lines


def scalar_text(value: Any) -> str:
    """Gives a text, number, boolean or None as it stands in YAML, in quotes where it would be taken for another."""
    if not isinstance(value, str):
        return inline(value)
    plain = (
        _PLAIN.fullmatch(value)
        and not value.endswith((" ", ":"))
        and not value.startswith(("- ", "-- "))
        and value != "-"
        and not _AMBIGUOUS.fullmatch(value)
        and scalar_value(value) == value
    )
    if plain:
        return value
    if '"' in value and "'" not in value and value.isprintable():
        return f"'{value}'"
    return quoted(value)


def _entry(head: str, value: Any, indent: int) -> Iterator[str]:
    if isinstance(value, Mapping):
        if not value:
            yield f"{head} {{}}"
            return
        yield head
        yield from print_fields(value, indent + 2)
    elif isinstance(value, list | tuple):
        if not value:
            yield f"{head} []"
            return
        yield head
        for part in value:
            yield from _part(part, indent + 2)
    elif isinstance(value, str) and "\n" in value.rstrip("\n") and _fits_block(value):
        yield f"{head} |{'' if value.endswith(chr(10)) else '-'}"
        yield from (f"{' ' * (indent + 2)}{line}" if line else "" for line in value.removesuffix("\n").split("\n"))
    else:
        yield f"{head} {scalar_text(value)}"


def _part(part: Any, indent: int) -> Iterator[str]:
    lead = " " * indent + "- "
    if isinstance(part, Mapping) and part:
        first, *rest = print_fields(part, indent + 2)
        yield lead + first.lstrip(" ")
        yield from rest
    else:
        yield lead + (scalar_text(part) if not isinstance(part, list | Mapping) else inline(part))


def _fits_block(value: str) -> bool:
    lines = value.split("\n")
    return value.replace("\n", "").isprintable() and not lines[0].startswith(" ") and not value.endswith("\n\n")
