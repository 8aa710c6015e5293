"""Install hooks that keep data and commits together.

With post-checkout, post-merge and post-rewrite the data follows `git checkout`, `git merge`, `git pull` and `git
rebase`, with post-commit `git revert` and `git cherry-pick`, with post-index-change `git reset`, `git stash` and what
`--abort` takes back. pre-commit refuses large and binary files that are about to enter Git, and tells of tracked data
that changed. pre-push refuses commits whose data is on no remote, and offers to push it. All of them, or those named by
options.

Hooks that are there already are kept and run first. They are written where Git looks for them, also with
core.hooksPath, in worktrees and submodules, and work when the virtual environment of dvcx is not active. `git commit
--no-verify`, `git push --no-verify` and DVCX_HOOKS=0 in the environment pass them by.

Examples:
    dvcx install
    dvcx install --pre-push --post-checkout    # only these two
    dvcx install --uninstall                   # everything as it was before
"""

from __future__ import annotations

from typing import Annotated

import typer

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation
from dvcx.git.hook_scripts import Hook
from dvcx.operations.install import InstallResult, install, uninstall


def command(
    call: Invocation,
    post_checkout: Annotated[
        bool, typer.Option("--post-checkout", help="restore data after `git checkout` and `git switch`")
    ] = False,
    post_merge: Annotated[
        bool, typer.Option("--post-merge", help="restore data after `git merge` and `git pull`")
    ] = False,
    post_rewrite: Annotated[
        bool, typer.Option("--post-rewrite", help="restore data after `git rebase` and `git commit --amend`")
    ] = False,
    post_commit: Annotated[
        bool, typer.Option("--post-commit", help="restore data after `git revert` and `git cherry-pick`")
    ] = False,
    post_index_change: Annotated[
        bool, typer.Option("--post-index-change", help="restore data after `git reset`, `git stash` and `--abort`")
    ] = False,
    pre_commit: Annotated[
        bool, typer.Option("--pre-commit", help="refuse large files, tell of data that changed")
    ] = False,
    pre_push: Annotated[
        bool, typer.Option("--pre-push", help="refuse commits whose data is on no remote, offer to push it")
    ] = False,
    take_away: Annotated[bool, typer.Option("--uninstall", help="take the hooks away again")] = False,
) -> InstallResult:
    flags = (post_checkout, post_merge, post_rewrite, post_commit, post_index_change, pre_commit, pre_push)
    hooks = [hook for hook, is_on in zip(Hook, flags, strict=True) if is_on]
    repo = call.repo()
    return uninstall(repo, hooks) if take_away else install(repo, hooks)


def render(result: InstallResult, console: Console) -> None:
    for each in result.hooks:
        note = "  (the hook that was there runs first)" if each.done == "chained" else ""
        console.report(f"{each.done:<9}", "  ", each.hook, note)
    console.say("in ", result.folder)
    if result.shared and any(each.done in ("installed", "chained") for each in result.hooks):
        console.warn(
            f"{result.folder} lies outside of this repository (core.hooksPath), so others use these hooks, too",
            "they do nothing where there is no dvcx project",
        )
