"""Show which commit and author last changed each file of tracked data.

Any revision that Git understands can be looked at, and nothing but Git's objects and the cache is read. A file whose
earlier versions were never fetched here has no commit.

Examples:
    dvcx blame data
    dvcx blame --rev v1 data/train
    dvcx blame --json data
"""

from __future__ import annotations

from typing import Annotated

import typer

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation
from dvcx.cli.names import tracked_paths
from dvcx.cli.options import Revision
from dvcx.cli.render.sizes import size_text
from dvcx.cli.text import dim, yellow
from dvcx.operations.blame import BlameResult, blame
from dvcx.repo.open import project_path


def command(
    call: Invocation,
    path: Annotated[
        str, typer.Argument(metavar="PATH", autocompletion=tracked_paths, help="tracked data, or a path inside it")
    ],
    rev: Revision = None,
) -> BlameResult:
    repo = call.repo()
    return blame(repo, project_path(repo, path, call.directory), revision=rev or "HEAD")


def render(result: BlameResult, console: Console) -> None:
    console.table(
        [
            (
                yellow(each.commit[:10]) if each.commit else dim("unknown"),
                f"{each.date:%Y-%m-%d}" if each.date else "",
                each.author or "",
                size_text(each.size),
                each.path,
            )
            for each in result.files
        ],
        right=[3],
    )
    for output in result.unread:
        console.warn(
            f"not every version of {output} is known here, so it is not known which commits changed some files",
            f"`dvcx fetch --all-commits {output}` takes in what is not here",
        )
