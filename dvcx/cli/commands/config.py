"""Read and change settings.

Without NAME all that is in force is listed, defaults too, with where each value comes from; --list shows only what is
set. With NAME alone the value in force is printed: the exit code is 1 when there is none. Settings come, from weak to
strong, from the defaults, your own file (--global), the project's (--project, tracked by Git), the working tree's
(--local, not tracked: for secrets) and the environment: `DVCX_CORE_REMOTE` is core.remote. Changes go to the project's
file unless another is named. Secrets are shown as stars.

Examples:
    dvcx config                         # all settings, and where each comes from
    dvcx config core.remote
    dvcx config core.remote store
    dvcx config --global cache.type reflink,hardlink,copy
    dvcx config --unset cache.dir
    dvcx config --list --show-origin
"""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from dvcx.base.errors import UsageError
from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.levels import chosen_level
from dvcx.cli.names import setting_names
from dvcx.cli.options import GlobalLevel, LocalLevel, ProjectLevel
from dvcx.cli.render.settings import render_setting_change, render_settings, value_text
from dvcx.config.schema import Level
from dvcx.operations.settings import Setting, Settings, get_setting, list_settings, set_setting, unset_setting


def command(
    call: Invocation,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", autocompletion=setting_names, help="a setting, such as core.remote")
    ] = None,
    value: Annotated[str | None, typer.Argument(metavar="VALUE", help="what to set it to")] = None,
    everywhere: GlobalLevel = False,
    project: ProjectLevel = False,
    local: LocalLevel = False,
    unset: Annotated[bool, typer.Option("--unset", "-u", help="remove the setting")] = False,
    list_all: Annotated[bool, typer.Option("--list", "-l", help="show all that is set")] = False,
    show_origin: Annotated[bool, typer.Option("--show-origin", help="show where each value comes from")] = False,
) -> Outcome:
    _check(name, value, unset=unset, list_all=list_all)
    level = chosen_level(everywhere=everywhere, project=project, local=local)
    settings = Settings(call.repo_if_any(), call.environment)
    if name is None:
        found = list_settings(settings, level, with_defaults=not list_all)
        return Outcome(found, render=partial(render_settings, show_origin=show_origin or not list_all))
    if unset:
        return Outcome(unset_setting(settings, name, level), render=render_setting_change)
    if value is not None:
        return Outcome(set_setting(settings, name, value, level), render=render_setting_change)
    return _one(get_setting(settings, name, level), level, show_origin=show_origin)


def render(result: Setting, console: Console) -> None:
    console.line(value_text(result.value))


def _one(found: Setting, level: Level | None, *, show_origin: bool) -> Outcome:
    if found.value is None:
        where = f" in the {level} configuration" if level is not None else ""
        return Outcome(found, code=1, render=lambda _, console: console.say(f"{found.key} is not set{where}"))
    return Outcome(found, render=partial(_with_origin, show_origin=True) if show_origin else None)


def _with_origin(found: Setting, console: Console, *, show_origin: bool) -> None:
    render_settings([found], console, show_origin=show_origin)


def _check(name: str | None, value: str | None, *, unset: bool, list_all: bool) -> None:
    if list_all and (name is not None or unset):
        raise UsageError("--list shows everything and takes no name", "leave out the name, or --list")
    if unset and (name is None or value is not None):
        raise UsageError("--unset takes the name of the setting and nothing else", "`dvcx config --unset core.remote`")
