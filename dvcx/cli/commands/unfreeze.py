"""Let tracked data that was frozen change again, and stages run.

Examples:
    dvcx unfreeze data/test
"""

from __future__ import annotations

from typing import Annotated

import typer

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.names import tracked_paths
from dvcx.cli.render.freeze import render_freeze
from dvcx.cli.render.steps import then_git_add
from dvcx.operations.freeze import FreezeResult, stages_meant, unfreeze
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
    result = unfreeze(repo, data, list(stages.values()))
    return Outcome(result, render=then_git_add(repo, render))


def render(result: FreezeResult, console: Console) -> None:
    render_freeze(result, console)
