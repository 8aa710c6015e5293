"""Make a Git repository a dvcx project.

The project is the whole Git worktree; with --subdir the current folder; with --no-git a folder without Git. Running it
again changes nothing, but in a clone it tells Git how to merge and compare pointers (so do `dvcx add`, `pull` and
`checkout`).

Examples:
    dvcx init
    dvcx init --subdir                  # only this folder of the repository
    dvcx init --no-git                  # in a folder without Git
    dvcx init --hash sha256             # name contents by SHA-256 instead of BLAKE3
"""

from __future__ import annotations

import os
import shlex
from typing import Annotated

import typer

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation
from dvcx.operations.init import InitResult, init


def command(
    call: Invocation,
    no_git: Annotated[bool, typer.Option("--no-git", help="make a project that has no Git repository")] = False,
    subdir: Annotated[bool, typer.Option("--subdir", help="make the current folder the project")] = False,
    hash: Annotated[
        str | None, typer.Option("--hash", metavar="NAME", help="blake3 (default), sha256 or xxh128 (accident-only)")
    ] = None,
) -> InitResult:
    return init(call.directory, call.environment, with_git=not no_git, subdir=subdir, hash=hash)


def render(result: InitResult, console: Console) -> None:
    if not result.created:
        done = "Git now merges and compares its pointers" if result.drivers else "nothing was changed"
        console.say(f"{result.root} is a dvcx project already; {done}")
        if result.to_use_git is not None:
            console.say("it was made without Git, and keeps its data in .dvcx/local, not in the Git repository here")
            console.next_step(result.to_use_git)
        if result.changed_files:
            console.next_step(f"git add {' '.join(result.changed_files)}")
        return
    console.say(f"made {result.root} a dvcx project")
    if result.accident_only:
        console.warn("xxh128 guards against accidents only: a second content of the same name can be made on purpose")
    if result.git:
        files = (shlex.quote(os.path.relpath(os.path.join(result.root, file))) for file in result.changed_files)
        console.next_step(f"git add {' '.join(files)} && git commit -m 'start dvcx'")
    console.next_step("dvcx add PATH: track a file or folder of data")
