"""List the stages of the `dvcx.yaml` here: a line each, with what the stage says of itself or what it makes.

Targets are stages, outputs of stages, folders or `dvcx.yaml` files. What cannot be used is told on stderr, and the exit
code is 3 then.

Examples:
    dvcx stage list
    dvcx stage list --all               # of the whole project
    dvcx stage list train               # all stages of a foreach or matrix called train
    dvcx stage list -R models/
    dvcx stage list --name-only
"""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from dvcx.base.errors import UsageError
from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.names import stage_names
from dvcx.cli.options import Recursive
from dvcx.cli.render.stage import render_stage_list
from dvcx.operations.stage_list import StageList, stage_list
from dvcx.repo.open import path_in_project


def command(
    call: Invocation,
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TARGETS", autocompletion=stage_names, help="stages, outputs, folders; else the file here"
        ),
    ] = None,
    recursive: Recursive = False,
    everywhere: Annotated[bool, typer.Option("--all", help="all stages of the project")] = False,
    name_only: Annotated[bool, typer.Option("--name-only", help="only the names")] = False,
) -> Outcome:
    if targets and everywhere:
        raise UsageError("--all is the whole project, so it takes no targets", "leave one of them out")
    repo = call.repo()
    folder = path_in_project(repo, ".", call.directory)
    result = stage_list(repo, folder, targets or (), recursive=recursive, everywhere=everywhere)
    return Outcome(result, error=result.problem(), render=partial(render_stage_list, name_only=name_only))


def render(result: StageList, console: Console) -> None:
    render_stage_list(result, console, name_only=False)
