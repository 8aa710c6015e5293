"""Show what differs between two revisions: files added, deleted, modified and renamed, with their sizes.

Without B the revision A, or else HEAD, is compared with the files as they are here now. Nothing but Git's objects and
the cache is read for a revision; the workspace is not touched. Files that never were here count as the pointers have
them, and are named as absent. A folder whose listing is not in the cache is shown as one change.

Examples:
    dvcx diff                           # what changed since the last commit
    dvcx diff v1 v2
    dvcx diff v1 --targets data/train --targets model.pt
    dvcx diff --md main                 # a Markdown table, for a merge request
    dvcx diff --content --key id v1     # rows and columns of tables that changed: CSV, Parquet, JSON Lines
"""

from __future__ import annotations

from typing import Annotated

import typer

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.names import revision_names, tracked_paths
from dvcx.cli.options import ListingRemote
from dvcx.cli.render.diff import render_diff, render_markdown
from dvcx.git.revisions import NoSuchRevision
from dvcx.operations.diff import DiffOptions, DiffResult, diff
from dvcx.repo.open import project_path


def command(
    call: Invocation,
    old: Annotated[
        str | None, typer.Argument(metavar="A", autocompletion=revision_names, help="a Git revision; else HEAD")
    ] = None,
    new: Annotated[
        str | None,
        typer.Argument(metavar="B", autocompletion=revision_names, help="a Git revision; else the workspace"),
    ] = None,
    targets: Annotated[
        list[str] | None,
        typer.Option("--targets", metavar="PATH", autocompletion=tracked_paths, help="only this; may be repeated"),
    ] = None,
    md: Annotated[bool, typer.Option("--md", help="print a Markdown table")] = False,
    hide_missing: Annotated[bool, typer.Option("--hide-missing", help="do not name files that are absent")] = False,
    content: Annotated[
        bool, typer.Option("--content", help="also show which rows and columns of tables changed")
    ] = False,
    key: Annotated[
        list[str] | None,
        typer.Option("--key", metavar="COLUMN", help="match rows by this column, with --content; may be repeated"),
    ] = None,
    rows: Annotated[int, typer.Option("--rows", min=0, metavar="N", help="show at most N rows of each kind")] = 5,
    remote: ListingRemote = None,
) -> Outcome:
    repo = call.repo()
    paths = [project_path(repo, target, call.directory) for target in targets or ()]
    options = DiffOptions(old=old, new=new, hide_missing=hide_missing, remote=remote)
    try:
        result = diff(repo, paths, options, call.progress)
    except NoSuchRevision as error:
        raise _meant_as_path(error, call) from error
    if content or key:
        from dvcx.operations.content_diff import with_content

        result = with_content(repo, result, key or (), rows)
    return Outcome(result, error=result.problem(), render=render_markdown if md else None)


def render(result: DiffResult, console: Console) -> None:
    render_diff(result, console)


def _meant_as_path(error: NoSuchRevision, call: Invocation) -> NoSuchRevision:
    """Gives the error with another hint where a path was typed in the place of a revision."""
    path = call.directory / error.revision
    if error.close or not (path.exists() or path.with_name(f"{path.name}.dvcx").exists()):
        return error
    return NoSuchRevision(error.message, f"is it a path? `dvcx diff --targets {error.revision}`", error.revision)
