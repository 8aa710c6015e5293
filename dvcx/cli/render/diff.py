"""What differs between two revisions, as text and as Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from dvcx.cli.console import Console
from dvcx.cli.render.markdown import code
from dvcx.cli.render.sizes import count_text, size_text
from dvcx.cli.render.words import styled_change
from dvcx.cli.text import dim, green, red, yellow
from dvcx.operations.diff import DiffResult, FileDiff, Total
from dvcx.operations.table_diff import Row, TableDiff


def render_diff(result: DiffResult, console: Console) -> None:
    """Shows a line for each change, then the totals."""
    for each in result.changes:
        name = f"{each.old_path} -> {each.path}" if each.old_path is not None else each.path
        name += "/" if _is_folder(each) else ""
        console.line(styled_change(f"{each.change:<9}"), " ", name, dim(f"  ({_what(each)})"))
    for path, count in _absent_by_folder(result).items():
        console.line(dim("absent   "), " ", path, dim(f"  ({count_text(count, 'file')} not here, so not compared)"))
    if result.changes:
        console.line(f"{result.old} -> {result.new}: ", ", ".join(_totals(result)))
    else:
        console.say(f"nothing differs between {result.old} and {result.new}")
    for table in result.tables or ():
        _show_table(table, console)
    if result.tables is not None and not result.tables:
        console.say("no table was modified: --content looks into CSV, TSV, Parquet and JSON Lines files")
    _notes(result, console)


def render_markdown(result: DiffResult, console: Console) -> None:
    """Shows the changes as a Markdown table, which is whole however many there are."""
    console.raw(f"| change | path | {code(result.old)} | {code(result.new)} |")
    console.raw("| --- | --- | ---: | ---: |")
    for each in result.changes:
        path = code(each.path + ("/" if _is_folder(each) else ""))
        if each.old_path is not None:
            path = f"{code(each.old_path)} → {path}"
        console.raw(f"| {each.change} | {path} | {_size(each.old_size)} | {_size(each.new_size)} |")
    if not result.changes:
        console.raw("| no changes | | | |")
    else:
        console.raw(f"\n{', '.join(_totals(result))}")
    _notes(result, console)


def _show_table(table: TableDiff, console: Console) -> None:
    if table.why_not is not None:
        console.line("content of ", table.path, dim(f"  (not compared: {table.why_not})"))
        return
    console.line("content of ", table.path, dim(f"  ({table.old_rows:,} -> {count_text(table.new_rows, 'row')})"))
    columns = [f"{name} added" for name in table.columns_added] + [f"{name} removed" for name in table.columns_removed]
    columns += [f"{name} {old} -> {new}" for name, (old, new) in (table.types_changed or {}).items()]
    if columns:
        console.line("    columns: ", ", ".join(columns))
    counts = (("added", table.rows_added), ("removed", table.rows_removed), ("changed", table.rows_changed))
    parts = [f"{count:,} {what}" for what, count in counts if count]
    console.line("    rows: ", ", ".join(parts) or "the same")
    for row in table.removed:
        console.line("    ", red("- "), _cells(row))
    for row in table.added:
        console.line("    ", green("+ "), _cells(row))
    for changed in table.changed:
        cells = ", ".join(f"{name} {_value(old)} -> {_value(new)}" for name, (old, new) in changed.cells.items())
        console.line("    ", yellow("~ "), _cells(changed.key), ": ", cells)


def _cells(row: Row) -> str:
    return " ".join(f"{name}={_value(value)}" for name, value in row.items())


def _value(value: str | None) -> str:
    return "null" if value is None else value


def _notes(result: DiffResult, console: Console) -> None:
    for path, why in result.broken.items():
        console.warn(f"{path} cannot be used: {why}")
    if result.unread:
        named = ", ".join(result.unread[:5]) + (" ..." if len(result.unread) > 5 else "")
        console.warn(
            f"not known here is what these folders held, so single files cannot be told apart there: {named}",
            "`dvcx fetch --all-commits` takes it in with the data; `-r NAME` reads just the listings from a remote",
        )


def _what(each: FileDiff) -> str:
    parts = []
    if _is_folder(each):
        parts.append(count_text(each.files, "file") if each.files else "an empty folder")
    sizes = [size_text(size) for size in (each.old_size, each.new_size) if size is not None]
    parts.append(" -> ".join(dict.fromkeys(sizes)))
    if each.old_type != each.new_type and None not in (each.old_type, each.new_type):
        parts.append(f"{each.old_type} -> {each.new_type}")
    return ", ".join(parts)


def _is_folder(each: FileDiff) -> bool:
    return "folder" in (each.old_type, each.new_type)


def _totals(result: DiffResult) -> Iterator[str]:
    for kind, total in result.totals.items():
        if total.files:
            yield f"{total.files:,} {kind} ({_amount(kind, total)})"
    growth = sum(total.new_size - total.old_size for total in result.totals.values())
    yield f"{'+' if growth > 0 else ''}{size_text(growth)} in all"


def _amount(kind: str, total: Total) -> str:
    if kind == "modified":
        return " -> ".join(dict.fromkeys((size_text(total.old_size), size_text(total.new_size))))
    return size_text(max(total.old_size, total.new_size))


def _absent_by_folder(result: DiffResult) -> Counter[str]:
    counts: Counter[str] = Counter()
    for each in result.absent:
        counts[each.path.partition("/")[0] if "/" in each.path else each.path] += each.files
    return counts


def _size(size: int | None) -> str:
    return "" if size is None else size_text(size)
