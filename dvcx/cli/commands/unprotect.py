"""Make files that are hard or symbolic links into the cache own copies, so that they can be edited in place.

Needed only with `cache.type` hardlink or symlink: reflinked and copied files may be edited anyway. Every copy is
verified. `dvcx checkout --relink` makes the files links again.

Examples:
    dvcx unprotect model.pt
    dvcx unprotect data/train           # a path inside a tracked folder
    dvcx unprotect .                    # everything below the current folder
"""

from __future__ import annotations

from typing import Annotated

import typer

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.render.sizes import count_text, size_text
from dvcx.operations.unprotect import UnprotectResult, unprotect
from dvcx.repo.open import project_path


def command(
    call: Invocation,
    targets: Annotated[list[str], typer.Argument(metavar="TARGETS", help="tracked paths, or paths inside them")],
) -> Outcome:
    repo = call.repo()
    result = unprotect(repo, [project_path(repo, target, call.directory) for target in targets], call.progress)
    return Outcome(result, error=result.problem())


def render(result: UnprotectResult, console: Console) -> None:
    for path in result.copied:
        console.report("copied  ", path)
    if result.copied:
        console.say(f"{count_text(len(result.copied), 'file')}, {size_text(result.size)}: own copies now")
    elif not result.damaged and not result.missing:
        console.say("nothing there is a link into the cache")
