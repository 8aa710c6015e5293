"""What differs between two revisions, as text and as Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from dvcx.cli.console import Console
from dvcx.cli.render.markdown import code
from dvcx.cli.render.sizes import count_text, size_text
from dvcx.cli.render.words import styled_change
from dvcx.cli.text import dim
from dvcx.operations.diff import DiffResult, FileDiff, Total


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
