"""Rename a remote. It keeps its options and stays the default if it is.

Examples:
    dvcx remote rename store archive
"""

from __future__ import annotations

from typing import Annotated

import typer

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation
from dvcx.cli.levels import chosen_level
from dvcx.cli.options import GlobalLevel, KnownRemote, LocalLevel, ProjectLevel
from dvcx.cli.render.settings import render_remote_change
from dvcx.operations.remote_settings import RemoteChange, rename_remote
from dvcx.operations.settings import Settings


def command(
    call: Invocation,
    name: KnownRemote,
    new: Annotated[str, typer.Argument(metavar="NEW", help="how to call it from now on")],
    everywhere: GlobalLevel = False,
    project: ProjectLevel = False,
    local: LocalLevel = False,
) -> RemoteChange:
    repo = call.repo()
    level = chosen_level(everywhere=everywhere, project=project, local=local)
    return rename_remote(repo, Settings(repo, call.environment), name, new, level=level)


def render(result: RemoteChange, console: Console) -> None:
    render_remote_change(result, console, f"the remote is called {result.name} now,")
