"""List the remotes with their URLs. Passwords are shown as stars.

Examples:
    dvcx remote list
    dvcx remote list --json             # with all their options
"""

from __future__ import annotations

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation
from dvcx.cli.render.settings import render_remotes
from dvcx.operations.remote_settings import RemoteInfo, list_remotes


def command(call: Invocation) -> list[RemoteInfo]:
    return list_remotes(call.repo())


def render(result: list[RemoteInfo], console: Console) -> None:
    render_remotes(result, console)
