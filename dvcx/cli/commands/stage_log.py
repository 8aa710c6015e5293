"""Show the runs of a stage in this worktree: how each ended, how long it took, its peak memory; and what it wrote.

The last 20 runs of each stage are kept in the Git directory. Peak memory is that of the largest process, where it is
more than dvcx itself takes.

Examples:
    dvcx stage log train
    dvcx stage log train --run 2        # the one before the last
    dvcx stage log train --list         # only the runs
"""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.names import stage_names
from dvcx.cli.render.stage_log import render_stage_log
from dvcx.operations.stage_log import StageLogResult, stage_log
from dvcx.repo.open import path_in_project


def command(
    call: Invocation,
    stage: Annotated[str, typer.Argument(metavar="STAGE", autocompletion=stage_names, help="a stage")],
    run: Annotated[int, typer.Option("--run", metavar="N", min=1, help="which run's output; 1 is the newest")] = 1,
    only_list: Annotated[bool, typer.Option("--list", "-l", help="list the runs without what was written")] = False,
) -> Outcome:
    repo = call.repo()
    result = stage_log(repo, stage, path_in_project(repo, ".", call.directory), run)
    return Outcome(result, render=partial(render_stage_log, only_list=only_list))


def render(result: StageLogResult, console: Console) -> None:
    render_stage_log(result, console, only_list=False)
