"""Metrics and parameters as text and as Markdown."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dvcx.cli.console import Console
from dvcx.cli.render.markdown import code, markdown_table
from dvcx.cli.text import Cell, bold, dim, green, red, yellow
from dvcx.operations.metrics import MetricsDiff, RevisionMetrics
from dvcx.operations.params_diff import ParamsDiff
from dvcx.operations.value_changes import ValueChange

_STYLE = {"added": green, "deleted": red, "modified": yellow, "same": dim}


@dataclass(frozen=True, slots=True)
class HowValues:
    """How values are shown: digits after the point (None: all), as Markdown, and without the files' paths."""

    precision: int | None = None
    markdown: bool = False
    paths: bool = True


def render_metrics(results: Sequence[RevisionMetrics], console: Console, how: HowValues) -> None:
    """Writes the metrics of one revision a line each, those of several in a table with a column for each metric."""
    many = len(results) > 1
    rows: list[tuple[str, str, Mapping[str, Any]]] = []
    for each in results:
        rows += [(each.revision, path, values) for path, values in each.files.items()]
        for path, why in each.problems.items():
            console.warn(f"{path} at {each.revision}: {why}")
    names = list(dict.fromkeys(name for *_, values in rows for name in values))
    if not rows:
        console.say("there are no metrics here: `dvcx repro` makes what stages name under `metrics` in dvcx.yaml")
        return
    if many:
        head = ["revision", *(["path"] if how.paths else []), *names]
        lines = [
            [revision, *([path] if how.paths else []), *(_text(values.get(name, _NONE), how) for name in names)]
            for revision, path, values in rows
        ]
        _write(head, lines, console, how, right=range(2 if how.paths else 1, len(head)))
    else:
        head = [*(["path"] if how.paths else []), "metric", "value"]
        lines = [
            [*([path] if how.paths else []), name, _text(value, how)]
            for _, path, values in rows
            for name, value in values.items()
        ]
        _write(head, lines, console, how, right=(len(head) - 1,))


def render_changes(result: MetricsDiff | ParamsDiff, console: Console, how: HowValues, *, what: str) -> None:
    """Writes what differs, a line for each name: the old value, the new one and, of metrics, the difference."""
    for path, why in result.problems.items():
        console.warn(f"{path}: {why}")
    if not result.changes and not how.markdown:
        console.say(f"no {what}s differ between {result.old} and {result.new}")
        return
    differences = what == "metric"
    head = [*(["path"] if how.paths else []), what, result.old, result.new, *(["change"] if differences else [])]
    rows = [_row(each, how, differences=differences) for each in result.changes]
    first = 2 if how.paths else 1
    if how.markdown:
        console.raw(markdown_table([code(each) for each in head], _coded(rows), range(first, len(head))))
        return
    styled: list[list[Cell]] = [[dim(each) for each in head]]
    for each, row in zip(result.changes, rows, strict=True):
        style = _STYLE[each.change]
        styled.append([*row[: first - 1], bold(row[first - 1]), *(style(text) for text in row[first:])])
    console.table(styled, right=range(first, len(head)))


def _row(each: ValueChange, how: HowValues, *, differences: bool) -> list[str]:
    old = _text(each.old if each.change != "added" else _NONE, how)
    new = _text(each.new if each.change != "deleted" else _NONE, how)
    row = [*([each.path] if how.paths else []), each.name, old, new]
    if differences:
        row.append("-" if each.difference is None else _signed(each.difference, how))
    return row


def _signed(difference: float, how: HowValues) -> str:
    text = _text(difference, how)
    return text if text.startswith("-") or not difference else f"+{text}"


def _write(head: Sequence[str], rows: Sequence[Sequence[str]], console: Console, how: HowValues, right: Any) -> None:
    if how.markdown:
        console.raw(markdown_table([code(each) for each in head], _coded(rows), right))
        return
    table: list[list[Cell]] = [[dim(each) for each in head]]
    table.extend([*row] for row in rows)
    console.table(table, right=right)


def _coded(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    return [[code(text) if text else "" for text in row] for row in rows]


_NONE = object()


def _text(value: Any, how: HowValues) -> str:
    if value is _NONE:
        return "-"
    if isinstance(value, float) and how.precision is not None and math.isfinite(value):
        rounded = round(value, how.precision)
        if rounded == 0 and value:
            return f"{value:.{max(how.precision, 1)}g}"  # a small number must not become nothing
        return repr(rounded)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
