"""Show a stage as `dvcx repro` takes it, with all templates filled in, and where it stands.

The name of a `foreach` or `matrix` shows all stages generated from it. Nothing is run and no data is read.

Examples:
    dvcx stage show train
    dvcx stage show train@cnn
    dvcx stage show --json models/dvcx.yaml:evaluate
"""

from __future__ import annotations

from typing import Annotated

import typer

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation
from dvcx.cli.names import stage_names
from dvcx.cli.render.stage import render_stage_show
from dvcx.operations.stage_list import ShownStage, stage_show
from dvcx.repo.open import path_in_project


def command(
    call: Invocation,
    stage: Annotated[str, typer.Argument(metavar="STAGE", autocompletion=stage_names, help="a stage, or an output")],
) -> tuple[ShownStage, ...]:
    repo = call.repo()
    return stage_show(repo, path_in_project(repo, ".", call.directory), stage)


def render(result: tuple[ShownStage, ...], console: Console) -> None:
    render_stage_show(result, console)
