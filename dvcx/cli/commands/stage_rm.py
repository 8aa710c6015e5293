"""Take stages out of their `dvcx.yaml`. What they made stays in the workspace; `dvcx undo` takes the change back.

A comment right above a stage goes with it; everything else in the file stays as it is.

Examples:
    dvcx stage rm train
    dvcx stage rm models/dvcx.yaml:evaluate
"""

from __future__ import annotations

from typing import Annotated

import typer

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation
from dvcx.cli.names import stage_names
from dvcx.cli.render.stage import render_stages_removed
from dvcx.operations.stage_rm import StagesRemoved, stage_rm
from dvcx.repo.open import path_in_project


def command(
    call: Invocation,
    stages: Annotated[list[str], typer.Argument(metavar="STAGES", autocompletion=stage_names, help="stages, groups")],
) -> StagesRemoved:
    repo = call.repo()
    return stage_rm(repo, path_in_project(repo, ".", call.directory), stages)


def render(result: StagesRemoved, console: Console) -> None:
    render_stages_removed(result, console)
