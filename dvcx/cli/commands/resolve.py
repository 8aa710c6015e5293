"""Decide what a merge left in conflict: our version, theirs, or both beside each other.

Git merges tracked folders file by file; only files that both sides changed differently are left to decide, and each
of them has a line in the pointer file. --ours and --theirs decide those and keep all other changes of both sides.
With --both our version keeps its name, theirs becomes NAME.theirs.EXT, and what one side deleted stays. A path inside
a folder decides just that. Of a stage in `dvcx.lock` that both sides ran, --ours and --theirs take the record.

Without an option the versions are merged again: for a clone where Git merged them line by line, or when a remote
could not be reached. During a rebase Git calls ours what the other branch has.

Examples:
    dvcx resolve --ours data
    dvcx resolve --theirs data/train/1.csv    # only this file
    dvcx resolve --both                       # everything that is in conflict
    dvcx resolve                              # merge again, decide nothing
"""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from dvcx.base.errors import UsageError
from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.names import tracked_paths
from dvcx.cli.render.steps import git_add_command
from dvcx.cli.text import green, yellow
from dvcx.operations.resolve import ResolveResult, resolve
from dvcx.operations.resolve_choice import Choice
from dvcx.repo.open import project_path
from dvcx.repo.record import Repo


def command(
    call: Invocation,
    targets: Annotated[
        list[str] | None,
        typer.Argument(metavar="TARGETS", autocompletion=tracked_paths, help="paths in conflict; else all there are"),
    ] = None,
    ours: Annotated[bool, typer.Option("--ours", help="take the version of the branch that we are on")] = False,
    theirs: Annotated[bool, typer.Option("--theirs", help="take the version that is merged in")] = False,
    both: Annotated[bool, typer.Option("--both", help="keep both, theirs under another name")] = False,
) -> Outcome:
    chosen = [choice for choice, is_on in zip(Choice, (ours, theirs, both), strict=True) if is_on]
    if len(chosen) > 1:
        raise UsageError(f"--{chosen[0]} and --{chosen[1]} cannot both be", "choose one of --ours, --theirs and --both")
    repo = call.repo()
    paths = [project_path(repo, target, call.directory) for target in targets or ()]
    result = resolve(repo, paths, chosen[0] if chosen else None, call.progress)
    return Outcome(result, error=result.problem(), render=partial(_render_with_steps, repo=repo))


def render(result: ResolveResult, console: Console) -> None:
    for each in result.outputs:
        style = yellow if each.state == "open" else green
        console.line(
            style(f"{each.state:<8}"), "  ", each.path, "  (the data stays)" if each.state == "removed" else ""
        )
        for path in each.kept_beside:
            console.line("    kept beside it ", path)
    if result.not_restored is not None:
        console.warn(f"the data is not all in the workspace: {result.not_restored}", result.hint)


def _render_with_steps(result: ResolveResult, console: Console, *, repo: Repo) -> None:
    render(result, console)
    command = git_add_command(repo, result.changed_files)
    if command:
        console.next_step(f"{command}, then git commit (or git rebase --continue)")
