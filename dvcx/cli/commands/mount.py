"""Show the tracked data of a revision as a folder that any program can read, until Ctrl-C or `umount DIR`.

Nothing is copied: files are read from the cache, and what is not there from the remote, of large files only the parts
that a program reads. Nothing can be written. Needs FUSE (the package fuse3 of the system) and `git-dvcx[mount]`.

Examples:
    mkdir /tmp/v1 && dvcx mount v1 /tmp/v1 &
    dvcx mount --repo https://host/team/project.git v2 data-v2
    umount /tmp/v1
"""

from __future__ import annotations

from typing import Annotated

import typer

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation
from dvcx.cli.names import revision_names
from dvcx.cli.options import ForeignRemote
from dvcx.cli.render.sizes import content_text
from dvcx.operations.mount import Mounted, mount
from dvcx.operations.view import View, ViewOptions
from dvcx.repo.foreign import open_foreign, own_project


def command(
    call: Invocation,
    rev: Annotated[
        str, typer.Argument(metavar="REV", autocompletion=revision_names, help="a Git revision: a tag, a branch, HEAD")
    ],
    folder: Annotated[str, typer.Argument(metavar="DIR", help="an empty folder")],
    repo: Annotated[str | None, typer.Option("--repo", metavar="REPO", help="of another project, not this one")] = None,
    remote: ForeignRemote = None,
    keep: Annotated[bool, typer.Option("--keep", help="keep what is fetched in the cache")] = False,
) -> Mounted:
    if repo is not None:
        source = open_foreign(repo, rev, call.directory, call.environment)
    else:
        source = own_project(call.repo(), rev)
    view = View(source, ViewOptions(remote, keep))

    def ready(mounted: Mounted) -> None:
        amount = content_text(mounted.size, mounted.files)
        call.console.say(f"mounted {amount} at {mounted.path}; Ctrl-C or `umount {mounted.path}` ends it")

    return mount(view, call.directory / folder, ready=ready, tell=call.console.warn)


def render(result: Mounted, console: Console) -> None:
    console.say(f"unmounted {result.path}")
