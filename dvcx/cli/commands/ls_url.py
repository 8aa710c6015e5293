"""List what is at a URL: a file, or what is in a folder.

URL is http(s)://, s3://, gs:// and so on, a path, or remote://NAME/path for a remote of this project with its settings.

Examples:
    dvcx ls-url s3://bucket/folder
    dvcx ls-url -R --size remote://store/exports
"""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.options import Recursive, Url
from dvcx.cli.render.sizes import size_text
from dvcx.cli.text import Line, blue
from dvcx.operations.outside import UrlEntry, UrlListing, ls_url


def command(
    call: Invocation,
    url: Url,
    recursive: Recursive = False,
    size: Annotated[bool, typer.Option("--size", "-s", help="show sizes too")] = False,
) -> Outcome:
    result = ls_url(url, call.directory, call.repo_if_any(), recursive=recursive)
    return Outcome(result, render=partial(_render, sizes=size))


def render(result: UrlListing, console: Console) -> None:
    _render(result, console, sizes=False)


def _render(result: UrlListing, console: Console, *, sizes: bool) -> None:
    if sizes:
        rows = [(size_text(each.size) if each.size is not None else "", _name(each)) for each in result.entries]
        console.table(rows, right=[0])
        return
    for each in result.entries:
        console.line(*_name(each))


def _name(each: UrlEntry) -> Line:
    return (blue(f"{each.path}/"),) if each.type == "folder" else (each.path,)
