"""Rename tracked data, or move it into, out of and between tracked folders.

The data in the workspace, the pointers and the lines in .gitignore move together. Data that is not in the workspace
moves too, in the pointers alone. Into a folder that exists, as with `mv`. What stands at the target is replaced only
with --force, and goes to the trash; `dvcx undo` takes a move back.

Examples:
    dvcx move model.pt models/v1.pt
    dvcx move data/new.jpg data/train/  # within the tracked folder data
    dvcx move data/test heldout         # out of data: heldout is tracked on its own then
    dvcx move extra.csv data/           # into the tracked folder data
"""

from __future__ import annotations

from typing import Annotated

import typer

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.options import Force
from dvcx.cli.render.steps import then_git_add
from dvcx.cli.text import dim, yellow
from dvcx.operations.move import MoveResult, move
from dvcx.repo.open import project_path


def command(
    call: Invocation,
    source: Annotated[str, typer.Argument(metavar="SRC", help="a tracked path, or a path inside a tracked folder")],
    target: Annotated[str, typer.Argument(metavar="DST", help="its new path, or a folder to put it into")],
    force: Force = False,
) -> Outcome:
    repo = call.repo()
    paths = [project_path(repo, each, call.directory) for each in (source, target)]
    result = move(repo, paths[0], paths[1], force=force)
    return Outcome(result, render=then_git_add(repo, render))


def render(result: MoveResult, console: Console) -> None:
    what = "" if result.data == "moved" else "  (only in the pointers: the data is not here)"
    console.report(yellow("moved"), " ", result.source, " -> ", result.target, dim(what))
    if result.replaced:
        console.say(f"what was tracked or stood at {result.target} is in the trash")
    if result.notes_lost:
        console.warn(
            f"the notes in {result.source}.dvcx are gone: a path inside a folder has none", "`dvcx undo` takes it back"
        )
