"""Try a remote out: read, list, write, write exclusively, delete, and compare the clocks; say what is wrong.

A file of 4 KiB is written below `tmp/` on the remote and removed again. Exit code 5 means that the remote cannot be
used; what can be lived with is a warning.

Examples:
    dvcx remote check                   # the default remote
    dvcx remote check store
    dvcx remote check store --json
"""

from __future__ import annotations

from typing import Annotated

import typer

from dvcx.cli.console import Console
from dvcx.cli.exits import DONE, REMOTE
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.names import remote_names
from dvcx.cli.render.remote_check import render_remote_check
from dvcx.operations.remote_check import RemoteCheck, check_remote


def command(
    call: Invocation,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", autocompletion=remote_names, help="the remote; else the default")
    ] = None,
) -> Outcome:
    result = check_remote(call.repo(), name)
    return Outcome(result, code=DONE.code if result.works else REMOTE.code)


def render(result: RemoteCheck, console: Console) -> None:
    render_remote_check(result, console)
