"""Write data of another project, at any of its revisions, into the current folder. Nothing is tracked.

REPO is a folder, or the address of a Git repository; of that only what is needed is fetched, and kept for later.
PATH is tracked data there, a path inside a tracked folder, or a file that Git tracks. No project is needed here.

Examples:
    dvcx get https://host/team/project.git data/train.csv
    dvcx get git@host:team/project.git model.pt --rev v1.2 -o models/
    dvcx get ../other data/images
"""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.options import ForeignPath, ForeignRemote, ForeignRevision, Source
from dvcx.cli.render.places import as_typed
from dvcx.cli.render.sizes import content_text
from dvcx.cli.text import dim, green
from dvcx.operations.get import GetOptions, GetResult, get


def command(
    call: Invocation,
    repo: Source,
    path: ForeignPath,
    rev: ForeignRevision = None,
    out: Annotated[str | None, typer.Option("--out", "-o", metavar="PATH", help="where to write it")] = None,
    remote: ForeignRemote = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="replace what is there, for good")] = False,
) -> Outcome:
    options = GetOptions(revision=rev, out=out, remote=remote, force=force)
    result = get(repo, path, call.directory, call.environment, options, call.progress)
    return Outcome(result, render=partial(_render, typed=out))


def render(result: GetResult, console: Console) -> None:
    _render(result, console, typed=None)


def _render(result: GetResult, console: Console, *, typed: str | None) -> None:
    at = f" at {result.commit[:12]}" if result.commit else ""
    amount = content_text(result.size, result.files)
    console.report(green("got"), " ", as_typed(result.path, typed), dim(f"  ({amount}{at})"))
