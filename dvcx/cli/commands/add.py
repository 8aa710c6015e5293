"""Track files and folders: their content goes into the cache, a small pointer file beside each goes into Git.

A path inside a folder that is tracked already updates that folder's pointer; the rest of the folder need not be here.
Adding again what has not changed costs next to nothing. `dvcx undo` takes the pointers back.

Examples:
    dvcx add data/ model.pt
    dvcx add --glob 'runs/*/model.pt'
    dvcx add data/new.jpg               # one more file of the tracked folder data
    dvcx add -o data/train.csv /mnt/raw/train.csv    # copy it here first
    dvcx add --no-commit data/          # write the pointer, leave the bytes for `dvcx commit`
"""

from __future__ import annotations

from typing import Annotated

import typer

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.options import Paths
from dvcx.cli.render.sizes import count_text, size_text
from dvcx.cli.render.steps import then_git_add
from dvcx.cli.text import dim, green, yellow
from dvcx.operations.add import AddOptions, AddResult, add
from dvcx.operations.copy_in import add_copy
from dvcx.operations.globs import workspace_glob
from dvcx.repo.open import OutsideProject, project_path


def command(
    call: Invocation,
    paths: Paths,
    glob: Annotated[bool, typer.Option("--glob", help="take the paths as patterns: *, ?, [a-z], **")] = False,
    out: Annotated[
        str | None, typer.Option("--out", "-o", metavar="PATH", help="copy the one path given to PATH and track that")
    ] = None,
    no_commit: Annotated[bool, typer.Option("--no-commit", help="write the pointer, do not store the bytes")] = False,
    force: Annotated[
        bool, typer.Option("--force", "-f", help="also over frozen data, and over what is at --out")
    ] = False,
    desc: Annotated[str | None, typer.Option("--desc", metavar="TEXT", help="a note that the pointer keeps")] = None,
    follow_symlinks: Annotated[
        bool, typer.Option("--follow-symlinks", help="store what symbolic links lead to, not the links")
    ] = False,
) -> Outcome:
    repo = call.repo()
    options = AddOptions(commit=not no_commit, force=force, desc=desc, follow_links=follow_symlinks)
    if out is not None:
        target = project_path(repo, out, call.directory)
        result = add_copy(repo, paths, target, call.directory, options, call.progress)
        return Outcome(result, render=then_git_add(repo, render))
    try:
        named = (
            workspace_glob(repo, paths, call.directory)
            if glob
            else [project_path(repo, path, call.directory) for path in paths]
        )
    except OutsideProject as error:
        raise OutsideProject(error.message, "copy it in: `dvcx add -o PATH SOURCE`") from None
    return Outcome(add(repo, named, options, call.progress), render=then_git_add(repo, render))


def render(result: AddResult, console: Console) -> None:
    for each in result.outputs:
        what = (
            size_text(each.size) if each.files is None else f"{count_text(each.files, 'file')}, {size_text(each.size)}"
        )
        style = dim if each.change == "unchanged" else green if each.change == "added" else yellow
        console.report(style(f"{each.change:<9}"), " ", each.path, dim(f"  ({what})"))
        if each.unfetched:
            console.say(f"kept in {each.path}: {count_text(each.unfetched, 'file')} that never came here")
        if each.outdated:
            console.say(
                yellow("note: "),
                f"{each.path} had not been checked out since its pointer changed: the pointer names what is here now, "
                f"other content for {count_text(each.outdated, 'file')}",
            )
            console.next_step("dvcx undo, then dvcx checkout: if you wanted what the pointer named")
    if not result.saved:
        console.next_step("dvcx commit: store the bytes")
