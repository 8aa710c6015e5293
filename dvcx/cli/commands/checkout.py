"""Make the workspace what the pointers say, from the cache.

Only what differs is touched. A file with changes that nobody saved stops the checkout before anything is changed; with
--force it goes to the trash, from where `dvcx undo` brings it back. Untracked files in tracked folders stay; with
--force they go to the trash, too.

Examples:
    git checkout v1 && dvcx checkout
    dvcx checkout data/train            # a path inside a tracked folder
    dvcx checkout --dry-run
    dvcx checkout --relink              # make large files links as cache.type says
"""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.options import DryRun, Force, Targets
from dvcx.cli.render.changes import render_checkout
from dvcx.operations.checkout import CheckoutOptions, CheckoutResult, checkout
from dvcx.repo.open import project_path


def command(
    call: Invocation,
    targets: Targets = None,
    force: Force = False,
    relink: Annotated[
        bool, typer.Option("--relink", help="make files links into the cache as cache.type says")
    ] = False,
    dry_run: DryRun = False,
    summary: Annotated[bool, typer.Option("--summary", help="print only how many files changed")] = False,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="data that is not in the cache is no error")
    ] = False,
) -> Outcome:
    repo = call.repo()
    paths = [project_path(repo, target, call.directory) for target in targets or ()]
    options = CheckoutOptions(force=force, relink=relink, dry_run=dry_run)
    result = checkout(repo, paths, options, call.progress)
    return Outcome(
        result,
        error=result.problem(allow_missing=allow_missing),
        render=partial(render_checkout, summary=summary),
    )


def render(result: CheckoutResult, console: Console) -> None:
    render_checkout(result, console)
