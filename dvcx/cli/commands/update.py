"""Bring imported data to what its source has now: the branch or tag it was imported from, or the URL.

Without TARGETS all imported data is updated, except frozen data and what comes from a path on this machine: a pointer
from somebody else could name any file here. With --check nothing is changed: it tells what would, and the exit code is
1 when there is something new.

Examples:
    dvcx update
    dvcx update --check
    dvcx update raw.csv                 # imported from a path on this machine
    dvcx update data/train --rev v2     # from now on the tag v2
"""

from __future__ import annotations

from typing import Annotated

import typer

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.options import Force, ForeignRemote, ForeignRevision, NoDownload, Targets
from dvcx.cli.render.imports import render_update
from dvcx.cli.render.steps import then_git_add
from dvcx.operations.update import UpdateOptions, UpdateResult, update
from dvcx.repo.open import project_path


def command(
    call: Invocation,
    targets: Targets = None,
    rev: ForeignRevision = None,
    check: Annotated[bool, typer.Option("--check", help="only tell what is new")] = False,
    remote: ForeignRemote = None,
    no_download: NoDownload = False,
    force: Force = False,
) -> Outcome:
    repo = call.repo()
    paths = [project_path(repo, target, call.directory) for target in targets or ()]
    options = UpdateOptions(revision=rev, check=check, remote=remote, force=force, download=not no_download)
    result = update(repo, paths, call.environment, options, call.progress)
    return Outcome(
        result, code=1 if result.is_outdated else 0, error=result.problem(), render=then_git_add(repo, render)
    )


def render(result: UpdateResult, console: Console) -> None:
    render_update(result, console)
