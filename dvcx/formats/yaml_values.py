"""YAML that people write, as values that know their places: in bounded time and memory, by the rules of YAML 1.2.

Built from the parser's events without recursion, so depth is a number that is counted and not a stack that overflows.
PyYAML's own constructor follows YAML 1.1, where `no` is false and 012 is ten; files from elsewhere mean YAML 1.2.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from dvcx.base.errors import DamagedData
from dvcx.formats.excerpt import FileProblem

MAX_BYTES = 32 << 20
"""A file larger than this (bytes) is refused before it is parsed."""
MAX_DEPTH = 100
MAX_VALUES = 3_000_000
"""The most values that a file may unfold into through its aliases."""

_FLOAT = re.compile(
    r"[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?(?:[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)"
    r"|[-+]?\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?"
)
_INT = re.compile(r"[-+]?0b[01_]+|[-+]?0o[0-7_]+|[-+]?0x[0-9a-fA-F_]+|[-+]?[0-9][0-9_]*")
_NUMBER_STARTS = frozenset("-+0123456789.")
_WORDS = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}
_TAG = "tag:yaml.org,2002:"
_MOST_DIGITS = 64
_MERGE = "<<"


class LocatedDict(dict[Any, Any]):
    """A mapping that knows where it begins, and where each of its keys and values does: (line, column) from 0."""

    __slots__ = ("at", "keys_at", "values_at")

    def __init__(self, at: tuple[int, int]) -> None:
        self.at = at
        self.keys_at: dict[Any, tuple[int, int]] = {}
        self.values_at: dict[Any, tuple[int, int]] = {}


class LocatedList(list[Any]):
    """A sequence that knows where it begins, and where each of its parts does: (line, column) from 0."""

    __slots__ = ("at", "values_at")

    def __init__(self, at: tuple[int, int]) -> None:
        self.at = at
        self.values_at: list[tuple[int, int]] = []


def read_yaml(data: bytes, where: str) -> Any:
    """Gives the one document in `data`: `LocatedDict`, `LocatedList`, text, number, boolean or None.

    Dates stay texts. Raises `FileProblem` with the place for what is no YAML, has a key twice, a tag of its own,
    an alias to itself, or unfolds into more than `MAX_DEPTH` levels or `MAX_VALUES` values.
    """
    text = decoded(data, where)
    if not text.strip():
        return None
    import yaml  # 30 ms that commands without pipelines do not pay

    try:
        return _Builder(text, where).build(yaml.parse(text, Loader=yaml.CSafeLoader))
    except yaml.YAMLError as error:
        raise _syntax_problem(error, text, where) from error
    except (ValueError, RecursionError) as error:
        raise DamagedData(f"{where} is not valid YAML: {error}") from error


def decoded(data: bytes, where: str) -> str:
    """Gives `data` as text; raises `DamagedData` when it is too large, no UTF-8, or an unfinished merge."""
    if len(data) > MAX_BYTES:
        raise DamagedData(f"{where} is too large ({len(data)} bytes; at most {MAX_BYTES} are read)")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DamagedData(f"{where}:{line}: this is not UTF-8 text", "save the file as UTF-8") from None
    if "<<<<<<< " in text or ">>>>>>> " in text:
        for number, line_text in enumerate(text.splitlines()):
            if line_text.startswith(("<<<<<<< ", ">>>>>>> ")):
                raise FileProblem(
                    text,
                    where,
                    (number, 0),
                    "a merge left conflict markers here",
                    f"decide what {where} shall say, then `git add {where}`",
                )
    return text


def plain(value: Any) -> Any:
    """Gives a value as plain dictionaries and lists."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return value


def scalar_value(text: str) -> Any:
    """Gives what a plain scalar means by the rules of YAML 1.2; raises `ValueError` for a number that is too long."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_STARTS:
        return text
    if _INT.fullmatch(text):
        if len(text) > _MOST_DIGITS:
            raise ValueError("the number is too long")
        digits = text.replace("_", "")
        base = {"b": 2, "o": 8, "x": 16}.get(digits.lstrip("+-")[1:2])
        return int(digits, base) if base else int(digits)
    if _FLOAT.fullmatch(text):
        return float(text.replace("_", ""))
    return text


class _Builder:
    """Builds values from events. `weights` counts what containers unfold into, by their identity."""

    def __init__(self, text: str, where: str) -> None:
        self._text = text
        self._where = where
        self._anchors: dict[str, Any] = {}
        self._weights: dict[int, tuple[int, int]] = {}

    def build(self, events: Iterator[Any]) -> Any:
        """Gives the value of the only document."""
        import yaml

        scalar_event, alias_event = yaml.ScalarEvent, yaml.AliasEvent
        mapping_start, sequence_start = yaml.MappingStartEvent, yaml.SequenceStartEvent
        mapping_end, sequence_end = yaml.MappingEndEvent, yaml.SequenceEndEvent
        result: Any = None
        documents = 0
        # Each open container: itself, the values in it so far, its deepest level below, and the key that waits.
        stack: list[list[Any]] = []
        for event in events:
            kind = type(event)
            weight, depth = 1, 0
            if kind is scalar_event:
                value = event.value
                if event.implicit[0] and event.tag is None:
                    if value != _MERGE:
                        try:
                            value = scalar_value(value)
                        except ValueError as error:
                            raise self._problem(event, str(error)) from None
                elif event.tag is not None and event.tag != "!":
                    value = self._tagged(event)
                if event.anchor:
                    self._anchors[event.anchor] = value
            elif kind is mapping_start or kind is sequence_start:
                if event.tag not in (None, "!", f"{_TAG}map", f"{_TAG}seq"):
                    raise self._problem(event, f"the YAML tag {event.tag!r} is not accepted here")
                if len(stack) >= MAX_DEPTH:
                    raise self._problem(event, f"this is nested more than {MAX_DEPTH} levels deep")
                mark = event.start_mark
                at = (mark.line, mark.column)
                container: Any = LocatedDict(at) if kind is mapping_start else LocatedList(at)
                stack.append([container, 1, 0, _NOTHING, event.anchor, event, []])
                continue
            elif kind is mapping_end or kind is sequence_end:
                value, weight, depth, _, anchor, event, merges = stack.pop()
                if merges:
                    self._merge(value, merges)
                self._weights[id(value)] = (weight, depth + 1)
                depth += 1
                if anchor:
                    self._anchors[anchor] = value
            elif kind is alias_event:
                value, weight, depth = self._alias(event, len(stack))
            else:
                documents += kind is yaml.DocumentStartEvent
                if documents > 1:
                    raise self._problem(event, "a second document begins here; one file holds one")
                continue
            if not stack:
                result = value
                continue
            self._put(stack[-1], value, weight, depth, event)
        return result

    def _put(self, top: list[Any], value: Any, weight: int, depth: int, event: Any) -> None:
        container = top[0]
        top[1] += weight
        if depth > top[2]:
            top[2] = depth
        if top[1] > MAX_VALUES:
            raise self._problem(event, f"this unfolds into more than {MAX_VALUES:,} values")
        mark = event.start_mark
        at = (mark.line, mark.column)
        if type(container) is LocatedList:
            container.append(value)
            container.values_at.append(at)
            return
        key = top[3]
        if key is _NOTHING:
            if isinstance(value, list | dict):
                raise self._problem(event, "a key is a text or a number, not a list or a mapping")
            top[3] = value
            is_merge = value == _MERGE and type(event).__name__ == "ScalarEvent" and event.implicit[0]
            if is_merge:
                top[3] = _MERGE_KEY
            elif value in container:
                first = container.keys_at[value]
                raise self._problem(event, f"the key {value!r} stands here again; it is on line {first[0] + 1} already")
            else:
                container.keys_at[value] = at
            return
        top[3] = _NOTHING
        if key is _MERGE_KEY:
            parts = value if type(value) is LocatedList else [value]
            if not all(type(part) is LocatedDict for part in parts):
                raise self._problem(event, "`<<` takes a mapping or a list of mappings")
            top[6].append(parts)
            return
        container[key] = value
        container.values_at[key] = at

    def _merge(self, target: LocatedDict, merges: list[list[LocatedDict]]) -> None:
        """Puts what `<<` brings in front of what stands there; a key's own value counts, then the first that came."""
        own = dict(target)
        own_keys, own_values = dict(target.keys_at), dict(target.values_at)
        target.clear()
        for parts in merges:
            for part in reversed(parts):
                target.update(part)
                target.keys_at.update(part.keys_at)
                target.values_at.update(part.values_at)
        target.update(own)
        target.keys_at.update(own_keys)
        target.values_at.update(own_values)

    def _alias(self, event: Any, level: int) -> tuple[Any, int, int]:
        if event.anchor not in self._anchors:
            raise self._problem(event, f"the alias *{event.anchor} stands before, or inside, what it refers to")
        value = self._anchors[event.anchor]
        weight, depth = self._weights.get(id(value), (1, 0)) if isinstance(value, list | dict) else (1, 0)
        if level + depth > MAX_DEPTH:
            raise self._problem(event, f"this alias unfolds to more than {MAX_DEPTH} levels")
        return value, weight, depth

    def _tagged(self, event: Any) -> Any:
        """Gives the value of a scalar with a tag of YAML itself."""
        kind = event.tag.removeprefix(_TAG)
        if kind == "str":
            return event.value
        wanted = {"int": int, "float": float, "bool": bool, "null": type(None)}.get(kind)
        value = scalar_value(event.value) if len(event.value) <= _MOST_DIGITS else event.value
        if wanted is float and type(value) is int:
            return float(value)
        if wanted is None or type(value) is not wanted:
            raise self._problem(event, f"the YAML tag {event.tag!r} is not accepted here")
        return value

    def _problem(self, event: Any, problem: str) -> FileProblem:
        mark = event.start_mark
        return FileProblem(self._text, self._where, (mark.line, mark.column), problem)


def _syntax_problem(error: Any, text: str, where: str) -> DamagedData:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    context = getattr(error, "context", None)
    told = f"this is not YAML: {problem}" + (f" ({context})" if context else "")
    if mark is None:
        return DamagedData(f"{where}: {told}")
    lines = text.splitlines()
    in_brackets = "flow" in told and mark.line < len(lines) and "${" in lines[mark.line]
    hint = 'put texts with ${...} into quotes inside [] and {}: ["${name}"]' if in_brackets else None
    return FileProblem(text, where, (mark.line, mark.column), told, hint)


_NOTHING: Any = object()
_MERGE_KEY: Any = object()
