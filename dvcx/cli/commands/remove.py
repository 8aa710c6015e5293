"""Stop tracking data: its pointer and its line in .gitignore go, the data stays in the workspace.

With --outs what the workspace has goes too, into the trash. A path inside a tracked folder leaves that folder, which
need not be here as a whole; what the workspace has there goes to the trash in any case, because left in the folder it
would count as a new file of it. The cache and the remotes keep what older commits need. `dvcx undo` takes it all back.

Examples:
    dvcx remove model.pt                # from now on model.pt is a file like any other
    dvcx remove --outs data/            # pointer and data
    dvcx remove data/train/bad.jpg      # one file of the tracked folder data
"""

from __future__ import annotations

from typing import Annotated

import typer

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.render.sizes import content_text, count_text
from dvcx.cli.render.steps import then_git_add
from dvcx.cli.text import dim, red
from dvcx.operations.remove import RemoveResult, remove
from dvcx.repo.open import project_path

_DATA = {"kept": "the data stays", "trash": "the data is in the trash", "absent": "no data was here"}


def command(
    call: Invocation,
    targets: Annotated[list[str], typer.Argument(metavar="TARGETS", help="tracked paths, or paths inside them")],
    outs: Annotated[bool, typer.Option("--outs", help="move the data to the trash, too")] = False,
) -> Outcome:
    repo = call.repo()
    paths = [project_path(repo, target, call.directory) for target in targets]
    result = remove(repo, paths, outs=outs, progress=call.progress)
    return Outcome(result, render=then_git_add(repo, render))


def render(result: RemoveResult, console: Console) -> None:
    for each in result.removed:
        amount = f"{content_text(each.size, each.files)}; " if each.size is not None else ""
        console.report(red("removed"), "  ", each.path, dim(f"  ({amount}{_DATA[each.data]})"))
    if result.still_linked:
        console.warn(
            f"{count_text(len(result.still_linked), 'file')} could not be copied out of the cache and are still links "
            f"into it: {', '.join(result.still_linked[:5])}",
            "run `dvcx fsck --repair`, then `dvcx undo` and this command again",
        )
