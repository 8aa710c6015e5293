"""Change an option of a remote: its url, compression, grace_days, or one for its fsspec filesystem.

The change goes to the file that has the remote, or the one that is named. Secrets belong into --local or --global;
give `-` as the value to type a secret, or to read it from stdin, so that it appears neither in the shell's history nor
in the list of processes. A secret is sent only to the address that the remote has at that moment.

Examples:
    dvcx remote modify store url /mnt/new/store
    dvcx remote modify store compression none
    dvcx remote modify backup client_kwargs.region_name eu-west-1
    dvcx remote modify --local backup secret -
    dvcx remote modify --unset store grace_days
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from dvcx.base.errors import UsageError
from dvcx.cli.console import Console, is_terminal
from dvcx.cli.invocation import Invocation
from dvcx.cli.levels import chosen_level
from dvcx.cli.names import remote_options
from dvcx.cli.options import GlobalLevel, KnownRemote, LocalLevel, ProjectLevel
from dvcx.cli.render.settings import render_remote_change
from dvcx.operations.remote_settings import RemoteChange, modify_remote
from dvcx.operations.settings import Settings


def command(
    call: Invocation,
    name: KnownRemote,
    option: Annotated[str, typer.Argument(metavar="OPTION", autocompletion=remote_options, help="what to change")],
    value: Annotated[str | None, typer.Argument(metavar="VALUE", help="what to set it to; - reads it")] = None,
    everywhere: GlobalLevel = False,
    project: ProjectLevel = False,
    local: LocalLevel = False,
    unset: Annotated[bool, typer.Option("--unset", "-u", help="remove the option")] = False,
) -> RemoteChange:
    if unset == (value is not None):
        raise UsageError(
            "--unset takes no value" if unset else f"which value is {option} to have?",
            f"`dvcx remote modify {name} {option} VALUE`, or `--unset {name} {option}`",
        )
    repo = call.repo()
    level = chosen_level(everywhere=everywhere, project=project, local=local)
    text = _read(f"{option} of {name}: ") if value == "-" else value
    return modify_remote(repo, Settings(repo, call.environment), name, option, text, call.directory, level=level)


def render(result: RemoteChange, console: Console) -> None:
    render_remote_change(result, console, f"changed the remote {result.name}")


def _read(question: str) -> str:
    if is_terminal(sys.stdin):
        import getpass

        try:
            return getpass.getpass(question)
        except EOFError as error:
            raise UsageError("no value was given", "type it, then press Enter") from error
    return sys.stdin.readline().removesuffix("\n")
