"""Listings of tracked data as text: `ls` and `du`."""

from __future__ import annotations

from collections.abc import Mapping

from dvcx.cli.console import Console
from dvcx.cli.render.sizes import count_text, size_text
from dvcx.cli.text import Line, blue, dim
from dvcx.operations.du import Usage
from dvcx.operations.ls import Listed, Listing


def render_listing(result: Listing, console: Console, *, sizes: bool) -> None:
    """Shows what `ls` found, with sizes and numbers of files where asked for."""
    names = [_name(each, result.path) for each in result.entries]
    if sizes:
        numbers = [(size_text(each.size), _files(each)) for each in result.entries]
        console.table([(*pair, name) for pair, name in zip(numbers, names, strict=True)], right=[0, 1])
    else:
        for name in names:
            console.line(*name)
    _warn_of_broken(result.broken, console)
    if not result.entries and not result.broken:
        console.say(f"nothing is tracked in {result.path or 'this project'}", *_at(result.revision))


def render_usage(result: Usage, console: Console) -> None:
    """Shows what `du` found: a line for each entry, then the sums."""
    rows: list[tuple[str, str, Line]] = [
        (size_text(each.size), _files(each), _name(each, result.path)) for each in result.entries
    ]
    rows.append((size_text(result.size), count_text(result.files, "file"), ("total",)))
    console.table(rows, right=[0, 1])
    _warn_of_broken(result.broken, console)
    if result.files and not result.unread:
        saved = result.size - result.distinct_size
        same = f"; {size_text(saved)} of it stands in several places" if saved else ""
        console.say(f"distinct content: {size_text(result.distinct_size)}{same}")
        part = "all of it" if result.cached_size == result.distinct_size else size_text(result.cached_size)
        console.say(f"the cache holds {part} in {size_text(result.stored_size)}")


def _name(each: Listed, listed: str) -> Line:
    within = f"{listed}/" if listed else ""
    name = each.path.removeprefix(within) if each.path != listed else each.path.rpartition("/")[2]
    if each.type == "folder":
        return (blue(name + "/"),)
    if each.target is not None:
        return (name, dim(f" -> {each.target}"))
    return (name, "*") if each.executable else (name,)


def _files(each: Listed) -> str:
    return count_text(each.files, "file") if each.type == "folder" else ""


def _at(revision: str | None) -> tuple[str, ...]:
    return () if revision is None else (f" at {revision}",)


def _warn_of_broken(broken: Mapping[str, str], console: Console) -> None:
    for path, why in broken.items():
        console.warn(f"{path} cannot be used: {why}", f"`git checkout -- {path}` restores it")
