"""Download a file or a folder from any URL that fsspec knows. Nothing is tracked.

URL is http(s)://, s3://, gs:// and so on, a path, or remote://NAME/path for a remote of this project with its settings.
No project is needed here.

Examples:
    dvcx get-url https://host/data.zip
    dvcx get-url s3://bucket/folder raw/
    dvcx get-url remote://store/exports/2024.csv
"""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.options import Url
from dvcx.cli.render.places import as_typed
from dvcx.cli.render.sizes import content_text
from dvcx.cli.text import dim, green
from dvcx.operations.outside import UrlResult, get_url


def command(
    call: Invocation,
    url: Url,
    out: Annotated[str | None, typer.Argument(metavar="OUT", help="where to write it")] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="replace what is there, for good")] = False,
) -> Outcome:
    result = get_url(url, out, call.directory, call.repo_if_any(), force=force, progress=call.progress)
    return Outcome(result, render=partial(_render, typed=out))


def render(result: UrlResult, console: Console) -> None:
    _render(result, console, typed=None)


def _render(result: UrlResult, console: Console, *, typed: str | None) -> None:
    amount = content_text(result.size, result.files)
    console.report(green("got"), " ", as_typed(result.path, typed), dim(f"  ({amount})"))
