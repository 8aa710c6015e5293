"""Guard tracked data against changes by accident: `add` and `commit` refuse to take in other content for it.

So do `move` and `remove` for paths inside a frozen folder. The pointer says `frozen: true`, which Git shares.
`dvcx checkout` still brings what the pointer names, and --force still changes it. `dvcx unfreeze` takes it back.

A stage that is frozen does not run, nor what only it needs: its outputs stay as they are (`frozen: true` in dvcx.yaml).

Examples:
    dvcx freeze data/test
    dvcx freeze .                       # all data below the current folder
    dvcx freeze train                   # a stage
"""

from __future__ import annotations

from typing import Annotated

import typer

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.names import tracked_paths
from dvcx.cli.render.freeze import render_freeze
from dvcx.cli.render.steps import then_git_add
from dvcx.operations.freeze import FreezeResult, freeze, stages_meant
from dvcx.repo.open import path_in_project, project_path


def command(
    call: Invocation,
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATHS", autocompletion=tracked_paths, help="tracked data, and stages"),
    ],
) -> Outcome:
    repo = call.repo()
    stages = stages_meant(repo, paths, path_in_project(repo, ".", call.directory))
    data = [project_path(repo, path, call.directory) for path in paths if path not in stages]
    result = freeze(repo, data, list(stages.values()))
    return Outcome(result, render=then_git_add(repo, render))


def render(result: FreezeResult, console: Console) -> None:
    render_freeze(result, console)
