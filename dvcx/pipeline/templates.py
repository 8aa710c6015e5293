"""`${...}` in texts: split once, looked up as often as needed. Nothing is ever evaluated, only looked up."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from dvcx.pipeline.flags import FlagStyle, as_flags

_KEY = re.compile(r"[^.\[\]]+(?:\.[^.\[\]]+|\[[^.\[\]]+\]\s*)*")
_PART = re.compile(r"[.\[\]]+")


class TemplateError(Exception):
    """A template that cannot be filled: what is wrong and what to do. `offset` is where in the text it stands."""

    def __init__(self, problem: str, hint: str | None = None, offset: int = 0) -> None:
        super().__init__(problem)
        self.problem = problem
        self.hint = hint
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Hole:
    """One `${...}`: the parts of its key, the key as written, and where it begins in the text."""

    parts: tuple[str, ...]
    key: str
    offset: int


@dataclass(frozen=True, slots=True)
class Template:
    """A text cut at its holes: `pieces` has one more than `holes`. `is_exact`: it is one hole and nothing else."""

    pieces: tuple[str, ...]
    holes: tuple[Hole, ...]
    is_exact: bool


@lru_cache(maxsize=8192)
def parse_template(text: str) -> Template | None:
    r"""Gives the template that `text` is, None for a text that stays as it is. `\${` stands for a plain `${`.

    Raises `TemplateError` for a key that is none.
    """
    if "${" not in text:
        return None
    pieces: list[str] = []
    holes: list[Hole] = []
    end = 0
    for start, after in _holes(text):
        pieces.append(text[end:start])
        end = after
        key = text[start + 2 : after - 1]
        if not _KEY.fullmatch(key):
            raise TemplateError(
                f"${{{key}}} is not the name of a value",
                "names look like ${model.layers[0].size}",
                start,
            )
        parts = tuple(part.strip() for part in _PART.split(key.replace("]", "")))
        holes.append(Hole(parts, key, start))
    pieces.append(text[end:])
    is_exact = len(holes) == 1 and not pieces[0] and not pieces[1]
    return Template(tuple(pieces), tuple(holes), is_exact)


def has_holes(text: str) -> bool:
    """Tells whether anything would be filled into `text`."""
    return any(True for _ in _holes(text))


def _holes(text: str) -> Iterator[tuple[int, int]]:
    """Gives where each `${...}` begins and ends; one stays on its line, and one after a backslash is none.

    Each letter is looked at a few times, however many `${` are never closed: a regular expression would go to the end
    of the text from each of them.
    """
    start, close, line_end = text.find("${"), -1, -1
    while start >= 0:
        if close < start:
            close = text.find("}", start)
            if close < 0:
                return
        if line_end < start:
            line_end = text.find("\n", start)
            line_end = line_end if line_end >= 0 else len(text)
        if close < line_end and text[start - 1 : start] != "\\":
            yield start, close + 1
            start = text.find("${", close + 1)
        else:
            start = text.find("${", start + 2)


def as_text(value: Any) -> str:
    """Gives a single value as it reads inside a text: booleans in lower case."""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def filled(template: Template, values: list[Any], style: FlagStyle, *, in_command: bool) -> str:
    """Gives the text with `values` in the holes. Mappings become flags in a command and are refused elsewhere.

    Raises `TemplateError`.
    """
    pieces = [template.pieces[0]]
    for hole, value, after in zip(template.holes, values, template.pieces[1:], strict=True):
        if isinstance(value, Mapping) and in_command:
            try:
                pieces.append(as_flags(value, style))
            except ValueError as error:
                raise TemplateError(f"${{{hole.key}}} cannot become flags: {error}", None, hole.offset) from None
        elif isinstance(value, Mapping | list | tuple):
            raise TemplateError(
                f"${{{hole.key}}} is {kind_of(value)}, which has no place inside a text", _TAKES, hole.offset
            )
        else:
            pieces.append(as_text(value))
        pieces.append(after)
    return "".join(pieces).replace("\\${", "${")


_TAKES = "mappings become flags inside `cmd`; a list can be an entry of deps, outs, metrics, plots or params by itself"


def kind_of(value: Any) -> str:
    """Says what a value is: `a list`. Nothing behind a colon is `empty`."""
    if value is None:
        return "empty"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    names = {bool: "boolean", int: "number", float: "number", str: "text"}
    return f"a {names.get(type(value), type(value).__name__)}"
