"""Tell which paths the `.dvcxignore` files leave out of tracked folders.

The syntax is that of .gitignore. The exit code is 0 when any of the paths is left out, 1 when none is. The paths need
not exist; one that ends in a slash is taken for a folder.

Examples:
    dvcx check-ignore data/tmp.log
    dvcx check-ignore -d data/*         # which line of which file says so
    find data | dvcx check-ignore --stdin
"""

from __future__ import annotations

import sys
from functools import partial
from typing import Annotated

import typer

from dvcx.base.errors import UsageError
from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.operations.check_ignore import IgnoreCheck, check_ignore
from dvcx.repo.open import path_in_project


def command(
    call: Invocation,
    paths: Annotated[list[str] | None, typer.Argument(metavar="PATHS", help="files and folders")] = None,
    details: Annotated[bool, typer.Option("--details", "-d", help="show FILE:LINE:PATTERN before each path")] = False,
    non_matching: Annotated[
        bool, typer.Option("--non-matching", "-n", help="with --details: show the other paths too, after `::`")
    ] = False,
    stdin: Annotated[bool, typer.Option("--stdin", help="read paths from stdin, one a line")] = False,
) -> Outcome:
    if bool(paths) == stdin:
        raise UsageError(
            "paths come as arguments or, with --stdin, one a line on stdin"
            + (", not both ways" if stdin else "; there are none"),
            "`dvcx check-ignore data/tmp.log`",
        )
    if non_matching and not details:
        raise UsageError("--non-matching shows something with --details only", "add `--details`")
    repo = call.repo()
    typed = [line.removesuffix("\n") for line in sys.stdin] if stdin else list(paths or ())
    named = [(each, path_in_project(repo, each, call.directory)) for each in typed if each]
    result = check_ignore(repo, named)
    shown = partial(_show, details=details, non_matching=non_matching)
    return Outcome(result, code=0 if any(each.ignored for each in result) else 1, render=shown)


def render(result: list[IgnoreCheck], console: Console) -> None:
    _show(result, console, details=False, non_matching=False)


def _show(result: list[IgnoreCheck], console: Console, *, details: bool, non_matching: bool) -> None:
    for each in result:
        if each.ignored and details:
            console.line(f"{each.file}:{each.line}:{each.pattern}", "  ", each.path)
        elif each.ignored:
            console.line(each.path)
        elif non_matching:
            console.line("::", "  ", each.path)
