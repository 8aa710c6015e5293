"""Take a person out of an encrypted remote: what is written from now on has a new data key, which they do not get.

What was written before stays under the older keys, which they may have kept: `dvcx remote keys rotate` encrypts that
anew. Nothing can take back what they have read or copied already. Take their access to the bucket away as well.

Examples:
    dvcx remote keys remove store ben
    dvcx remote keys rotate store
"""

from __future__ import annotations

from typing import Annotated

import typer

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation
from dvcx.cli.options import KnownRemote
from dvcx.cli.render.keys import render_keys_change
from dvcx.operations.remote_keys import KeysChange, remove_key
from dvcx.operations.settings import Settings


def command(
    call: Invocation,
    name: KnownRemote,
    person: Annotated[str, typer.Argument(metavar="PERSON", help="as `dvcx remote keys list` shows them")],
) -> KeysChange:
    repo = call.repo()
    return remove_key(repo, Settings(repo, call.environment), name, person)


def render(result: KeysChange, console: Console) -> None:
    render_keys_change(result, console, f"{result.person} cannot read what is written to {result.remote} from now on")
    console.next_step(f"dvcx remote keys rotate {result.remote}   # encrypts what is there already anew")
