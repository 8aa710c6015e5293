"""Encrypt everything on a remote under a new data key, or go on with that where it stopped.

Every file is read, encrypted anew and written again, so it takes as long as a pull and a push of everything. Others
can push and pull meanwhile. After somebody was removed it moves all older files to the new data key, otherwise it makes
one.

Examples:
    dvcx remote keys rotate store --dry-run
    dvcx remote keys rotate store -j 8
"""

from __future__ import annotations

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.options import DryRun, Jobs, KnownRemote
from dvcx.cli.render.keys import render_rotation
from dvcx.operations.remote_keys import Rotation, rotate_keys
from dvcx.operations.settings import Settings


def command(call: Invocation, name: KnownRemote, dry_run: DryRun = False, jobs: Jobs = None) -> Outcome:
    repo = call.repo()
    settings = Settings(repo, call.environment)
    result = rotate_keys(repo, settings, name, jobs=jobs or 4, dry_run=dry_run, progress=call.progress)
    return Outcome(result, error=result.problem())


def render(result: Rotation, console: Console) -> None:
    render_rotation(result, console)
