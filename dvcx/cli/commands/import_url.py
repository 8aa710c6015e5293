"""Download a file or a folder, track it, and remember its URL and version: its etag, or its time and size.

URL is http(s)://, s3://, gs:// and so on, a path, or remote://NAME/path for a remote of this project with its settings,
so that no secret stands in the pointer. `dvcx update` looks whether there is a new version and takes it.

Examples:
    dvcx import-url https://host/data.csv
    dvcx import-url s3://bucket/folder raw/images
    dvcx import-url remote://store/exports/2024.csv data/2024.csv
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.options import Desc, Force, Url
from dvcx.cli.render.imports import render_import
from dvcx.cli.render.steps import then_git_add
from dvcx.model.pointer import SUFFIX
from dvcx.operations.import_ import Imported, ImportOptions
from dvcx.operations.import_url import import_url
from dvcx.operations.outside import name_of
from dvcx.repo.open import project_path


def command(
    call: Invocation,
    url: Url,
    out: Annotated[str | None, typer.Argument(metavar="OUT", help="what to call it here")] = None,
    desc: Desc = None,
    force: Force = False,
) -> Outcome:
    repo = call.repo(instead=f"`{shlex.join(['dvcx', 'get-url', url])}` takes it without a project")
    name = out if out is not None else name_of(url)
    if name.endswith("/") or (out is not None and _is_plain_folder(call.directory / name)):
        name = f"{name.rstrip('/')}/{name_of(url)}"
    options = ImportOptions(out=project_path(repo, name, call.directory), force=force, desc=desc)
    return Outcome(import_url(repo, url, call.directory, options, call.progress), render=then_git_add(repo, render))


def _is_plain_folder(place: Path) -> bool:
    """Tells whether something can come into a folder: what is tracked as a whole is replaced as a whole."""
    return place.is_dir() and not os.path.lexists(f"{place}{SUFFIX}")


def render(result: Imported, console: Console) -> None:
    render_import(result, console)
