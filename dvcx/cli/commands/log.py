"""Show the commits that changed tracked data: a file, a folder, or a path inside a tracked folder.

A path inside a tracked folder is looked up in each version of that folder; a version whose listing was never fetched
here is shown as unknown. Data that was moved, without being edited by the same commit, is followed to its former path.

Without PATH it is all tracked data.

Examples:
    dvcx log
    dvcx log data/
    dvcx log -n 5 data/train/0001.jpg   # the last five commits that changed this one file
    dvcx log --rev v1 model.pt          # from the tag v1 back
"""

from __future__ import annotations

from typing import Annotated

import typer

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation
from dvcx.cli.names import tracked_paths
from dvcx.cli.options import Revision
from dvcx.cli.render.log import render_log
from dvcx.operations.log import LogResult, log
from dvcx.repo.open import project_path


def command(
    call: Invocation,
    path: Annotated[
        str | None,
        typer.Argument(metavar="PATH", autocompletion=tracked_paths, help="tracked data, or a path inside it"),
    ] = None,
    number: Annotated[int | None, typer.Option("--number", "-n", min=1, metavar="N", help="at most N commits")] = None,
    rev: Revision = None,
) -> LogResult:
    repo = call.repo()
    inside = project_path(repo, path, call.directory) if path is not None else ""
    return log(repo, inside, revision=rev or "HEAD", limit=number)


def render(result: LogResult, console: Console) -> None:
    render_log(result, console)
