"""Show how large tracked data is, as the pointers say: the files need not be here.

One line for each entry of PATH (else of the current folder), then the sum; on stderr how much of the content is
distinct, and what the cache spends on it. Sizes in --json are in bytes.

Examples:
    dvcx du
    dvcx du -s data/                    # only the sum
    dvcx du --rev v1 data/              # as of the tag v1
"""

from __future__ import annotations

from typing import Annotated

import typer

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.options import ListingRemote, Revision, TrackedPath
from dvcx.cli.render.listing import render_usage
from dvcx.operations.du import DuOptions, Usage, du
from dvcx.repo.open import project_path


def command(
    call: Invocation,
    path: TrackedPath = None,
    rev: Revision = None,
    summarize: Annotated[bool, typer.Option("--summarize", "-s", help="show only the sum")] = False,
    remote: ListingRemote = None,
) -> Outcome:
    repo = call.repo()
    options = DuOptions(revision=rev, summarize=summarize, remote=remote, empty_is_fine=path is None)
    result = du(repo, project_path(repo, path or ".", call.directory), options)
    return Outcome(result, error=result.problem())


def render(result: Usage, console: Console) -> None:
    render_usage(result, console)
