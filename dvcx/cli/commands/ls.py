"""List what is tracked, and what tracked folders hold, as the pointers say: the files need not be here.

Folders end in a slash, executable files in a star; a link shows where it leads. Without PATH the current folder is
listed. Names are shown relative to what is listed; with --json from the project's root.

Examples:
    dvcx ls
    dvcx ls -R --size data/
    dvcx ls --rev v1 data/train         # as of the tag v1
    dvcx ls -r store data/              # read listings that were never fetched from the remote
"""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.options import ListingRemote, Recursive, Revision, TrackedPath
from dvcx.cli.render.listing import render_listing
from dvcx.operations.ls import Listing, LsOptions, ls
from dvcx.repo.open import project_path


def command(
    call: Invocation,
    path: TrackedPath = None,
    recursive: Recursive = False,
    rev: Revision = None,
    size: Annotated[bool, typer.Option("--size", "-s", help="show sizes and numbers of files too")] = False,
    remote: ListingRemote = None,
) -> Outcome:
    repo = call.repo()
    options = LsOptions(revision=rev, recursive=recursive, remote=remote, empty_is_fine=path is None)
    result = ls(repo, project_path(repo, path or ".", call.directory), options)
    return Outcome(result, error=result.problem(), render=partial(render_listing, sizes=size))


def render(result: Listing, console: Console) -> None:
    render_listing(result, console, sizes=False)
