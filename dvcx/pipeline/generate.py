"""Stages that stand for many: `foreach` with `do`, and `matrix`. What each generated one is called and gets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from dvcx.formats.yaml_values import LocatedDict, LocatedList
from dvcx.pipeline.context import Context, Origin, Path
from dvcx.pipeline.filling import Filler
from dvcx.pipeline.pipeline_file import At, PipelineFile, check_keys
from dvcx.pipeline.templates import as_text, kind_of, parse_template

JOIN = "@"
MAX_GENERATED = 200_000
"""The most stages that one `foreach` or `matrix` may stand for."""


@dataclass(frozen=True, slots=True)
class Generated:
    """One generated stage: the part of its name after the `@`, and the context that it is filled from."""

    key: str
    context: Context


@dataclass(frozen=True, slots=True)
class _Given:
    """A value of a `foreach` or `matrix`, where it came from, and whether it was looked up rather than written."""

    value: Any
    origin: Origin | None
    is_looked_up: bool

    def part(self, key: str, value: Any) -> _Given:
        origin = self.origin and Origin(self.origin.file, (*self.origin.key, key), self.origin.shown)
        return _Given(value, origin, self.is_looked_up)


def check_foreach(file: PipelineFile, name: str, fields: LocatedDict) -> LocatedDict:
    """Gives what stands below `do`; raises `FileProblem` when `foreach` and `do` are not just what there is."""
    check_keys(file, fields, {"foreach": None, "do": None}, f"the foreach stage {name!r}")
    for missing, other in (("foreach", "do"), ("do", "foreach")):
        if missing not in fields:
            raise file.problem(fields.keys_at[other], f"the stage {name!r} has `{other}` but no `{missing}`")
    below = fields["do"]
    if not isinstance(below, LocatedDict):
        raise file.problem(fields.values_at["do"], f"`do` is {kind_of(below)}; the fields of a stage were expected")
    return below


def foreach_stages(filler: Filler, fields: LocatedDict) -> Iterator[Generated]:
    """Gives the stages of a `foreach` in order; raises `FileProblem`."""
    at = fields.values_at["foreach"]
    given = _given(filler, fields["foreach"], at)
    items = given.value
    if not isinstance(items, Mapping | list | tuple):
        raise filler.file.problem(at, f"`foreach` is {kind_of(items)}; a list or a mapping was expected")
    _check_number(filler.file, len(items), at)
    by_key: dict[str, tuple[str, Any]] = {}
    if isinstance(items, Mapping):
        # What templates cannot name is left out of what was looked up, and only of that.
        pairs = [(k, v) for k, v in items.items() if isinstance(k, str) or not given.is_looked_up]
        by_key = {as_text(key): (str(key), value) for key, value in pairs}
    elif any(isinstance(item, Mapping | list | tuple) for item in items):
        by_key = {str(number): (str(number), item) for number, item in enumerate(items)}
    else:
        names = str if given.is_looked_up else as_text
        by_key = {names(item): (str(number), item) for number, item in enumerate(items)}
    for key, (part, item) in by_key.items():
        inserted = {"item": item, "key": key} if isinstance(items, Mapping) else {"item": item}
        origin = given.part(part, item).origin
        yield Generated(key, filler.context.with_items(inserted, {("item",): origin} if origin else {}))


def matrix_stages(filler: Filler, fields: LocatedDict) -> Iterator[Generated]:
    """Gives the stages of a `matrix`, the last dimension changing first; raises `FileProblem`."""
    at = fields.values_at["matrix"]
    matrix = fields["matrix"]
    if not isinstance(matrix, LocatedDict) or not matrix:
        raise filler.file.problem(at, "`matrix` has no dimensions", "such as matrix: {model: [cnn, xgb], fold: [0, 1]}")
    dimensions: dict[str, list[tuple[str, _Given]]] = {}
    for written, values in matrix.items():
        name = filler.text(written, matrix.keys_at[written])
        where = matrix.values_at[written]
        given = _given(filler, values, where)
        if not isinstance(given.value, Mapping | list | tuple):
            raise filler.file.problem(where, f"{name!r} is {kind_of(given.value)}; a list was expected")
        dimensions[name] = [
            (_fragment(name, number, part), part) for number, part in enumerate(_parts(filler, given, values))
        ]
    _check_number(filler.file, prod(len(values) for values in dimensions.values()), at)
    by_key: dict[str, dict[str, _Given]] = {}
    for combination in product(*dimensions.values()):
        by_key["-".join(fragment for fragment, _ in combination)] = {
            name: part for name, (_, part) in zip(dimensions, combination, strict=True)
        }
    for key, parts in by_key.items():
        origins: dict[Path, Origin] = {("item", name): part.origin for name, part in parts.items() if part.origin}
        inserted = {"item": {name: part.value for name, part in parts.items()}, "key": key}
        yield Generated(key, filler.context.with_items(inserted, origins))


def _parts(filler: Filler, given: _Given, written: Any) -> Iterator[_Given]:
    if isinstance(given.value, Mapping):
        yield from (_Given(key, None, given.is_looked_up) for key in given.value)
    elif isinstance(written, LocatedList):  # each part may be looked up by itself
        for part, at in zip(written, written.values_at, strict=True):
            yield _given(filler, part, at)
    else:
        yield from (given.part(str(number), value) for number, value in enumerate(given.value))


def _fragment(name: str, number: int, part: _Given) -> str:
    if isinstance(part.value, Mapping | list | tuple):
        return f"{name}{number}"
    return str(part.value) if part.is_looked_up else as_text(part.value)


def _given(filler: Filler, written: Any, at: At) -> _Given:
    """Gives a value as written or looked up. Booleans that were looked up have names as in Python, as DVC has it."""
    value = filler.deep(written, at)
    template = parse_template(written) if isinstance(written, str) else None
    if template is None or not template.is_exact:
        return _Given(value, None, False)
    return _Given(value, filler.context.origin(template.holes[0].parts), True)


def _check_number(file: PipelineFile, number: int, at: At) -> None:
    if number > MAX_GENERATED:
        raise file.problem(
            at, f"this stands for {number:,} stages; at most {MAX_GENERATED:,} are made", "split it into several files"
        )
