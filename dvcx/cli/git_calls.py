"""What Git itself calls, set up by `dvcx init` and `dvcx install`: `__git merge`, `__git textconv`, `__git hook`.

Answered before typer is imported: `git log -p` and a merge call these for each pointer.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dvcx.base.errors import UsageError
from dvcx.cli.console import Console

if TYPE_CHECKING:
    from dvcx.git.location import GitLocation

_CONFLICT = 1
"""The exit code by which Git knows of a conflict; above 128 it would give the whole merge up."""


def answer(words: Sequence[str], console: Console, environment: Mapping[str, str]) -> int:
    """Does what the words after `__git` ask for, and gives the exit code that Git is to see."""
    call, *rest = words or [""]
    if call == "merge" and len(rest) >= 5:
        return _merge(rest, console, environment)
    if call == "textconv" and len(rest) == 1:
        return _textconv(rest[0], console, environment)
    if call == "hook" and rest:
        from dvcx.cli.git_hooks import run_hook

        return run_hook(rest[0], rest[1:], _git(environment), console, environment)
    raise UsageError(f"Git called `__git {call}` in a way that this dvcx does not know", "run `dvcx install` again")


def _merge(words: Sequence[str], console: Console, environment: Mapping[str, str]) -> int:
    """`%O %A %B %L %P %X %Y`: merges into the file %A."""
    from dvcx.git.merging import Versions
    from dvcx.operations.merging import merge_file

    base, ours, theirs, _, path, *labels = words
    labels = [label if not label.startswith("%") else "" for label in labels[:2]]  # unknown to git before 2.44
    mine, other, *_ = (*labels, "", "")
    versions = Versions(_content(base), _content(ours), _content(theirs), (mine, other))
    merged = merge_file(_git(environment), path, versions, environment)
    with open(ours, "wb") as file:
        file.write(merged.text)
    if merged.conflict is None:
        return 0
    console.error_line("dvcx: ", merged.conflict)
    for name in merged.names[:10]:
        console.error_line("    ", name)
    if len(merged.names) > 10:
        console.error_line(f"    and {len(merged.names) - 10} more; the pointer file lists them")
    if path.endswith(".dvcx"):
        console.error_line("hint: decide with `dvcx resolve --ours|--theirs|--both ", path.removesuffix(".dvcx"), "`")
    elif path.endswith("dvcx.lock"):
        console.error_line("hint: take one side's results with `dvcx resolve --ours|--theirs ", path, "`")
    return _CONFLICT


def _textconv(name: str, console: Console, environment: Mapping[str, str]) -> int:
    from dvcx.operations.textconv import pointer_lines

    # What Git compares is bytes; so it is not escaped here, but lines stay lines.
    sys.stdout.flush()
    for part in pointer_lines(_content(name), _git(environment), environment):
        sys.stdout.buffer.write(part)
    return 0


def _git(environment: Mapping[str, str]) -> GitLocation:
    """Gives the repository that Git is working on: it starts us at the top of the work tree."""
    from dvcx.git.location import find_git

    here = Path.cwd()
    found = find_git(here, {}) or find_git(here, environment)
    if found is None:
        raise UsageError(f"{here} is not in a Git repository", "Git calls this by itself; see `dvcx install --help`")
    return found


def _content(name: str) -> bytes:
    with open(os.fspath(name), "rb") as file:
        return file.read()
