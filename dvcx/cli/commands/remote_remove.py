"""Take a remote out of the configuration. What it stores stays where it is.

It goes out of both files of the project, unless one is named; if it was the default remote, there is none any more.

Examples:
    dvcx remote remove backup
    dvcx remote remove --local mine
"""

from __future__ import annotations

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation
from dvcx.cli.levels import chosen_level
from dvcx.cli.options import GlobalLevel, KnownRemote, LocalLevel, ProjectLevel
from dvcx.cli.render.settings import render_remote_change
from dvcx.operations.remote_settings import RemoteChange, remove_remote
from dvcx.operations.settings import Settings


def command(
    call: Invocation,
    name: KnownRemote,
    everywhere: GlobalLevel = False,
    project: ProjectLevel = False,
    local: LocalLevel = False,
) -> RemoteChange:
    repo = call.repo()
    level = chosen_level(everywhere=everywhere, project=project, local=local)
    return remove_remote(repo, Settings(repo, call.environment), name, level=level)


def render(result: RemoteChange, console: Console) -> None:
    render_remote_change(result, console, f"removed the remote {result.name}")
