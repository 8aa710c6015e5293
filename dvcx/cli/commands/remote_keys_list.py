"""List who can read an encrypted remote, with their public keys.

Examples:
    dvcx remote keys list store
    dvcx remote keys list store --json
"""

from __future__ import annotations

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation
from dvcx.cli.options import KnownRemote
from dvcx.cli.render.keys import render_keys
from dvcx.operations.remote_keys import KeysInfo, list_keys


def command(call: Invocation, name: KnownRemote) -> KeysInfo:
    return list_keys(call.repo(), name)


def render(result: KeysInfo, console: Console) -> None:
    render_keys(result, console)
