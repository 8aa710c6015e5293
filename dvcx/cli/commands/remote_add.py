"""Set up a remote: a place outside the repository that data is pushed to and pulled from.

URL is a folder (a local disk, a mounted share) or an address that fsspec knows, such as s3://bucket/path. A relative
folder is kept relative to the project's root. Nothing is made there: the first push does that.

Examples:
    dvcx remote add -d store /mnt/share/store
    dvcx remote add backup s3://bucket/data
    dvcx remote add --local mine ../store       # only for this working tree
"""

from __future__ import annotations

from typing import Annotated

import typer

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation
from dvcx.cli.levels import chosen_level
from dvcx.cli.options import GlobalLevel, LocalLevel, ProjectLevel
from dvcx.cli.render.settings import render_remote_change
from dvcx.config.schema import Level
from dvcx.operations.remote_settings import RemoteChange, add_remote
from dvcx.operations.settings import Settings
from dvcx.storage.stores.kinds import kind_of


def command(
    call: Invocation,
    name: Annotated[str, typer.Argument(metavar="NAME", help="how to call it")],
    url: Annotated[str, typer.Argument(metavar="URL", help="a folder or a URL")],
    default: Annotated[bool, typer.Option("--default", "-d", help="use it when no remote is named")] = False,
    everywhere: GlobalLevel = False,
    project: ProjectLevel = False,
    local: LocalLevel = False,
    force: Annotated[bool, typer.Option("--force", "-f", help="replace a remote of that name")] = False,
) -> RemoteChange:
    repo = call.repo()
    level = chosen_level(everywhere=everywhere, project=project, local=local) or Level.PROJECT
    settings = Settings(repo, call.environment)
    return add_remote(repo, settings, name, url, call.directory, level=level, default=default, force=force)


def render(result: RemoteChange, console: Console) -> None:
    default = ", the default" if result.default == result.name else ""
    render_remote_change(result, console, f"added the remote {result.name}{default}, at {result.url},")
    kind = kind_of(result.url or "")
    verb = "pull" if kind is not None and kind.read_only else "push"
    console.next_step(f"dvcx {verb}" if default else f"dvcx {verb} -r {result.name}")
