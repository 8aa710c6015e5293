"""Show what in the workspace differs from the pointers, and which stages are not up to date, and why.

Nothing is run. Files that were never fetched here are not deleted files: they are counted as not fetched. With
--remote also what that remote lacks.

Examples:
    dvcx status
    dvcx status --granular data/        # every file that differs
    dvcx status --remote store          # what is not pushed yet
    dvcx status --exit-code             # ends with 1 when something is to be done
"""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.options import ComparedRemote, Targets
from dvcx.cli.render.status import render_status
from dvcx.operations.status import StatusResult, status
from dvcx.repo.open import project_path


def command(
    call: Invocation,
    targets: Targets = None,
    granular: Annotated[bool, typer.Option("--granular", "-g", help="list every file that differs")] = False,
    remote: ComparedRemote = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="end with exit code 1 when something differs")] = False,
) -> Outcome:
    repo = call.repo()
    paths = [project_path(repo, target, call.directory) for target in targets or ()]
    result = status(repo, paths, remote=remote, environment=call.environment, progress=call.progress)
    return Outcome(
        result, code=1 if exit_code and result.is_dirty else 0, render=partial(render_status, granular=granular)
    )


def render(result: StatusResult, console: Console) -> None:
    render_status(result, console, granular=False)
