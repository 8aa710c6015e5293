"""Take back the last command that replaced, removed or moved something in this project.

`checkout --force`, `add` over changed files, `commit`, `remove`, `move` and `gc` keep what they take away in the trash.
An undo puts it back; what stands in its place goes to the trash in turn, so a second `dvcx undo` takes the first one
back. Of a `gc` on a remote it takes the marks back, until the grace period is over and what they mark is deleted. The
trash keeps things for `trash.keep_days` (30) days; `dvcx gc` clears what is older.

Examples:
    dvcx undo
    dvcx undo --list                    # what can be taken back
    dvcx undo 20261121T220311.123456-checkout-1a2b3c4d
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import Annotated

import typer

from dvcx.base.errors import UsageError
from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.render.sizes import age_text, count_text, size_text
from dvcx.cli.text import Cell, dim, green, yellow
from dvcx.operations.undo import UndoList, Undone, list_undo, undo

_FEW = 3


def command(
    call: Invocation,
    entry: Annotated[str | None, typer.Argument(metavar="ID", help="an entry of --list; else the last one")] = None,
    show: Annotated[bool, typer.Option("--list", "-l", help="list what can be taken back")] = False,
) -> Outcome:
    repo = call.repo()
    if not show:
        done = undo(repo, entry)
        return Outcome(done, error=done.problem())
    if entry is not None:
        raise UsageError("--list shows all entries", "leave the ID or --list away")
    return Outcome(list_undo(repo), render=partial(_render_list, now=time.time()))


def render(result: Undone, console: Console) -> None:
    for name in result.restored:
        console.line(green("restored"), " ", name)
    for name in result.removed:
        console.line(yellow("removed "), " ", name)
    where = "; what came back is in the cache" if result.operation == "gc" and result.restored else ""
    console.say(f"took back {result.operation} ({result.id}){where}")
    if result.undo_id is not None:
        console.next_step("dvcx undo: take this back again")


def _render_list(result: UndoList, console: Console, *, now: float) -> None:
    rows: list[Sequence[Cell]] = []
    for each in result.entries:
        more = len(each.names) - _FEW
        names = ", ".join(each.names[:_FEW]) + (f" and {more:,} more" if more > 0 else "")
        where = "" if each.here else f"  (of {each.project})"
        age = f"{age_text(now - each.when)} ago"
        rows.append((each.id, each.operation, age, size_text(each.bytes), (names, dim(where))))
    console.table(rows, right=[3])
    if not rows:
        console.say("there is nothing to undo")
    else:
        console.say(
            f"{count_text(len(rows), 'entry', 'entries')}; `dvcx gc` clears those older than {result.keep_days} days"
        )
