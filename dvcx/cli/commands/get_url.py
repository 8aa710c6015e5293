"""Download a file or a folder from any URL that fsspec knows. Nothing is tracked.

URL is http(s)://, s3://, gs:// and so on, a path, or remote://NAME/path for a remote of this project with its settings.
No project is needed here.

Examples:
    dvcx get-url https://host/data.zip
    dvcx get-url s3://bucket/folder raw/
    dvcx get-url remote://store/exports/2024.csv
"""

from __future__ import annotations

from typing import Annotated

import typer

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation
from dvcx.cli.options import Url
from dvcx.cli.render.sizes import content_text
from dvcx.cli.text import dim, green
from dvcx.operations.outside import UrlResult, get_url


def command(
    call: Invocation,
    url: Url,
    out: Annotated[str | None, typer.Argument(metavar="OUT", help="where to write it")] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="replace what is there, for good")] = False,
) -> UrlResult:
    return get_url(url, out, call.directory, call.repo_if_any(), force=force, progress=call.progress)


def render(result: UrlResult, console: Console) -> None:
    console.report(green("got"), " ", result.path, dim(f"  ({content_text(result.size, result.files)})"))
