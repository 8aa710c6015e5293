"""Let somebody read an encrypted remote, or begin to encrypt a new one.

On a remote that nobody has pushed to, with a name for yourself and no key, this starts the remote's key ring: from then
on file contents, names, sizes and listings are encrypted on this machine before they are sent. Everybody else is added
by somebody who is in the ring already, with the public key that their `dvcx remote keys generate` printed: make sure
that it is really theirs. Who is added can read everything on the remote, also what is older.

Examples:
    dvcx remote keys add store ada                    # you, on a new remote
    dvcx remote keys add store ben dvcxpub1qk5...     # somebody else
"""

from __future__ import annotations

from typing import Annotated

import typer

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation
from dvcx.cli.options import KnownRemote
from dvcx.cli.render.keys import render_keys_change
from dvcx.operations.remote_keys import KeysChange, add_key
from dvcx.operations.settings import Settings


def command(
    call: Invocation,
    name: KnownRemote,
    person: Annotated[str, typer.Argument(metavar="PERSON", help="how to call them: a name, an address")],
    public_key: Annotated[str | None, typer.Argument(metavar="PUBLIC_KEY", help="theirs; else your own")] = None,
) -> KeysChange:
    repo = call.repo()
    return add_key(repo, Settings(repo, call.environment), name, person, public_key)


def render(result: KeysChange, console: Console) -> None:
    done = "is encrypted from now on, and can be read by" if result.started else "can be read by"
    render_keys_change(result, console, f"{result.remote} {done} {', '.join(each.name for each in result.members)}")
    if result.started:
        console.next_step(f"dvcx push -r {result.remote}")
