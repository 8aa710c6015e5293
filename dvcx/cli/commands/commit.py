"""Store what the workspace has for data that is tracked already, and write pointers to it.

For after `dvcx add --no-commit`, and to take in edits of everything that is tracked at once. What has not changed costs
next to nothing; data that is not in the workspace is left as it is. `dvcx undo` takes the pointers back.

Examples:
    dvcx commit                         # everything that is tracked
    dvcx commit data/ model.pt
    dvcx commit data/train/1.jpg        # one file of the tracked folder data
"""

from __future__ import annotations

from typing import Annotated

import typer

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.options import Targets
from dvcx.cli.render.sizes import content_text, count_text
from dvcx.cli.render.steps import then_git_add
from dvcx.cli.render.unsaved import warn_unsaved
from dvcx.cli.text import dim, green, yellow
from dvcx.operations.commit import CommitResult, commit
from dvcx.repo.open import project_path


def command(
    call: Invocation,
    targets: Targets = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="also over frozen data")] = False,
) -> Outcome:
    repo = call.repo()
    paths = [project_path(repo, target, call.directory) for target in targets or ()]
    result = commit(repo, paths, force=force, progress=call.progress)
    return Outcome(result, render=then_git_add(repo, render))


def render(result: CommitResult, console: Console) -> None:
    for each in result.outputs:
        style = dim if each.change == "unchanged" else green if each.change == "stored" else yellow
        console.report(style(f"{each.change:<9}"), " ", each.path, dim(f"  ({content_text(each.size, each.files)})"))
        if each.unfetched:
            console.say(f"kept {count_text(each.unfetched, 'file')} of {each.path} that were never fetched here")
    for path in result.absent:
        console.say("passed over ", path, ", which is not in the workspace")
    warn_unsaved(result.unsaved, console)
    if not result.outputs and not result.absent:
        console.say("nothing is tracked yet")
