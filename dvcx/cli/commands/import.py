"""Track data of another project: it is stored here, and the pointer remembers the project and the commit.

REPO is a folder, or the address of a Git repository; of that only what is needed is fetched, and kept for later.
PATH is tracked data there, a path inside a tracked folder, or a file that Git tracks. `dvcx update` brings it to what
the project has later; `dvcx push` sends it to this project's own remote like all its data.

Examples:
    dvcx import https://host/team/project.git data/train
    dvcx import git@host:team/project.git model.pt --rev v1.2 -o models/base.pt
    dvcx import ../other data/images/cats -o cats
"""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.options import Desc, Force, ForeignPath, ForeignRemote, ForeignRevision, NoDownload, Source
from dvcx.cli.render.imports import render_import
from dvcx.cli.render.steps import then_git_add
from dvcx.operations.import_ import Imported, ImportOptions, import_data
from dvcx.repo.open import project_path


def command(
    call: Invocation,
    repo: Source,
    path: ForeignPath,
    rev: ForeignRevision = None,
    out: Annotated[str | None, typer.Option("--out", "-o", metavar="PATH", help="what to call it here")] = None,
    remote: ForeignRemote = None,
    no_download: NoDownload = False,
    desc: Desc = None,
    force: Force = False,
) -> Outcome:
    project = call.repo(instead=f"`{shlex.join(['dvcx', 'get', repo, path])}` takes it without a project")
    target = project_path(project, out if out is not None else path.rstrip("/").rpartition("/")[2], call.directory)
    options = ImportOptions(revision=rev, out=target, remote=remote, force=force, download=not no_download, desc=desc)
    return Outcome(
        import_data(project, repo, path, call.directory, call.environment, options, call.progress),
        render=then_git_add(project, render),
    )


def render(result: Imported, console: Console) -> None:
    render_import(result, console)
