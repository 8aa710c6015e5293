"""List what is tracked, and what tracked folders hold, as the pointers say: the files need not be here.

Of another project (a folder, or the address of a Git repository) give REPO first: its listings are read from its remote
where need be, and of the repository only what is needed is fetched, and kept for the next time.

Folders end in a slash, executable files in a star; a link shows where it leads. Without PATH the current folder is
listed. Names are shown relative to what is listed; with --json from the project's root.

Examples:
    dvcx ls
    dvcx ls -R --size data/
    dvcx ls --rev v1 data/train         # as of the tag v1
    dvcx ls -r store data/              # read listings that were never fetched from the remote
    dvcx ls https://host/team/project.git data --rev v2
"""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from dvcx.base.errors import UsageError
from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.options import ListingRemote, Recursive, Revision, TrackedPath
from dvcx.cli.render.listing import render_listing
from dvcx.operations.ls import Listing, LsOptions, ls
from dvcx.repo.open import OutsideProject, project_path
from dvcx.repo.record import Repo


def command(
    call: Invocation,
    path: TrackedPath = None,
    inner: Annotated[
        str | None, typer.Argument(metavar="INNER", help="with a project elsewhere as PATH: what to list in it")
    ] = None,
    recursive: Recursive = False,
    rev: Revision = None,
    size: Annotated[bool, typer.Option("--size", "-s", help="show sizes and numbers of files too")] = False,
    remote: ListingRemote = None,
) -> Outcome:
    if path is not None and (inner is not None or _is_elsewhere(call, path)):
        from dvcx.operations.ls_view import list_foreign  # 20 ms that a list of this project does not pay

        result = list_foreign(
            path,
            inner or "",
            call.directory,
            call.environment,
            LsOptions(revision=rev, recursive=recursive, remote=remote),
        )
        return Outcome(result, error=result.problem(), render=partial(render_listing, sizes=size))
    repo = _project(call, path)
    options = LsOptions(revision=rev, recursive=recursive, remote=remote, empty_is_fine=path is None)
    try:
        inside = project_path(repo, path or ".", call.directory)
    except OutsideProject:
        raise OutsideProject(
            f"{path} is neither in the project {repo.root}, nor a project itself, nor the address of a Git repository",
            "name a path inside it, the folder of another project, or an address: https://host/team/project.git",
        ) from None
    result = ls(repo, inside, options)
    return Outcome(result, error=result.problem(), render=partial(render_listing, sizes=size))


def _project(call: Invocation, path: str | None) -> Repo:
    found = call.repo_if_any()
    if found is None and path is not None and path.rstrip("/") != ".":
        raise UsageError(
            f"{path} is neither the folder of a project nor the address of a Git repository, and there is no project "
            "here in which it could be",
            "name the folder of a project, or an address: https://host/team/project.git; `dvcx ls-url` lists a plain "
            "folder",
        )
    return found or call.repo()


def _is_elsewhere(call: Invocation, path: str) -> bool:
    """Tells whether the one path that was typed is another project, not a path in this one."""
    folder = call.directory / path
    if not folder.exists() and ":" in path:
        from dvcx.git.mirrors import is_git_url

        return is_git_url(path)
    if not any((folder / name).exists() for name in (".dvcx", ".git", "HEAD")):
        return False
    repo = call.repo_if_any()
    return repo is None or not folder.resolve().is_relative_to(repo.root)


def render(result: Listing, console: Console) -> None:
    render_listing(result, console, sizes=False)
