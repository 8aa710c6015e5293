"""Show or choose the default remote: the one that is meant when none is named.

Examples:
    dvcx remote default                 # print its name
    dvcx remote default store
    dvcx remote default --local backup  # only for this working tree
    dvcx remote default --unset
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from dvcx.base.errors import UsageError
from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.levels import chosen_level
from dvcx.cli.names import remote_names
from dvcx.cli.options import GlobalLevel, LocalLevel, ProjectLevel
from dvcx.cli.render.settings import render_remote_change
from dvcx.config.schema import Level
from dvcx.operations.remote_settings import RemoteChange, set_default_remote
from dvcx.operations.settings import Settings


@dataclass(frozen=True, slots=True)
class DefaultRemote:
    """The name of the default remote; None when there is none."""

    default: str | None


def command(
    call: Invocation,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", autocompletion=remote_names, help="the remote to use by default")
    ] = None,
    everywhere: GlobalLevel = False,
    project: ProjectLevel = False,
    local: LocalLevel = False,
    unset: Annotated[bool, typer.Option("--unset", "-u", help="have no default")] = False,
) -> Outcome:
    repo = call.repo()
    level = chosen_level(everywhere=everywhere, project=project, local=local)
    settings = Settings(repo, call.environment)
    if unset and name is not None:
        raise UsageError("--unset takes no name", "`dvcx remote default --unset`")
    if unset or name is not None:
        changed = set_default_remote(repo, settings, name, level=level or Level.PROJECT)
        return Outcome(changed, render=_show_change)
    return Outcome(DefaultRemote(settings.config(level).core.remote))


def render(result: DefaultRemote, console: Console) -> None:
    if result.default is None:
        console.say("there is no default remote")
    else:
        console.line(result.default)


def _show_change(change: RemoteChange, console: Console) -> None:
    now = f"the default remote is {change.default} now," if change.default else "there is no default remote any more:"
    render_remote_change(change, console, f"{now} changed")
