"""Make a private key of your own, for encrypted remotes, and print its public key.

The private key goes into a file that only you can read, outside of every repository: core.identity_file, or
identity.key beside your own configuration. Keep a copy of it in a safe place. The public key is for the people who are
to add you to a remote.

Examples:
    dvcx remote keys generate
    dvcx remote keys generate --show              # the public key again
    dvcx remote keys generate --output /media/stick/dvcx.key
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dvcx.base.errors import DvcxError, UsageError
from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation
from dvcx.config.load import load_config
from dvcx.operations.remote_keys import PersonalKey, generate_key


def command(
    call: Invocation,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="where to keep it, if not in your own place")
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="only print the public key of the one you have")] = False,
) -> PersonalKey:
    if show and output is not None:
        raise UsageError("--show makes no key, so it needs no --output", "leave one of them out")
    repo = call.repo_if_any()
    config = repo.config if repo is not None else load_config(None, call.environment)
    path = call.directory / output.expanduser() if output is not None else None
    try:
        return generate_key(config, repo, path, show=show)
    except OSError as error:
        raise DvcxError(f"{error.filename} cannot be written: {error.strerror}", "choose another `--output`") from error


def render(result: PersonalKey, console: Console) -> None:
    if result.made:
        console.say(f"made a private key in {result.file}: keep a copy of it, and show it to nobody")
    console.line(result.public_key)
