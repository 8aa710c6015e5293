"""Tell what makes a stage stale: which file, parameter, command or package changed, from what to what, in which commit.

Of a folder it names the files inside: the first ten, with --json all. Of a stage that is up to date it tells why it ran
last. Nothing is run.

Examples:
    dvcx why train
    dvcx why model.pt                   # the stage that makes it
    dvcx why train --json
"""

from __future__ import annotations

from typing import Annotated

import typer

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation
from dvcx.cli.names import stage_names
from dvcx.cli.render.why import render_why
from dvcx.operations.why import WhyResult, why
from dvcx.repo.open import path_in_project


def command(
    call: Invocation,
    stage: Annotated[
        str, typer.Argument(metavar="STAGE", autocompletion=stage_names, help="a stage, or an output of one")
    ],
) -> tuple[WhyResult, ...]:
    repo = call.repo()
    return why(repo, stage, path_in_project(repo, ".", call.directory), call.environment)


def render(result: tuple[WhyResult, ...], console: Console) -> None:
    render_why(result, console)
