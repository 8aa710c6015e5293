"""Have the cache forget a project that is gone for good, so that `dvcx gc` need not ask it what it needs.

What only that project needs can then be collected. A project that still exists is noted again by its next command.

Examples:
    dvcx cache forget /home/ada/old-project
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation
from dvcx.operations.cache_users import Forgotten, forget_cache_user


def command(
    call: Invocation,
    path: Annotated[str, typer.Argument(metavar="PATH", help="the project, as `dvcx cache users` shows it")],
) -> Forgotten:
    return forget_cache_user(call.repo(), Path(os.path.normpath(call.directory / path)))


def render(result: Forgotten, console: Console) -> None:
    console.line(f"{result.cache} no longer knows {result.root}")
