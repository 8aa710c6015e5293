"""Keep large files, binary files and tracked data out of Git.

Looks at the files that the next commit takes in, those of `git add`. Files over git.guard_limit (5 MiB), files that are
no text over git.guard_binary_limit (512 KiB), and data that dvcx tracks end it with exit code 6 and are named. Patterns
in git.guard_allow let files pass. `dvcx install` has it run before each commit.

Examples:
    dvcx guard
    dvcx guard --limit 1MiB
    dvcx config git.guard_allow 'docs/**/*.png'
"""

from __future__ import annotations

from typing import Annotated

import typer

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.render.sizes import count_text
from dvcx.cli.sizes import parse_size
from dvcx.operations.guard import GuardResult, guard


def command(
    call: Invocation,
    limit: Annotated[
        str | None, typer.Option("--limit", metavar="SIZE", help="instead of git.guard_limit: 500KiB, 5MiB; 0: none")
    ] = None,
    binary_limit: Annotated[
        str | None, typer.Option("--binary-limit", metavar="SIZE", help="instead of git.guard_binary_limit")
    ] = None,
) -> Outcome:
    sizes = [parse_size(text) if text is not None else None for text in (limit, binary_limit)]
    index = call.environment.get("GIT_INDEX_FILE")
    repo = call.repo()
    result = guard(repo, limit=sizes[0], binary_limit=sizes[1], index_file=call.directory / index if index else None)
    return Outcome(result, error=result.problem())


def render(result: GuardResult, console: Console) -> None:
    if not result.files:
        console.say(f"{count_text(result.looked_at, 'staged file')}: nothing that should not enter Git")
