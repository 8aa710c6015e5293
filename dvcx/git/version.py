"""Which Git is installed."""

from __future__ import annotations

import re
from pathlib import Path

from dvcx.base.errors import DvcxError
from dvcx.git.process import ask_git

OLDEST = (2, 31)
"""The oldest version that dvcx works with."""


def git_version(folder: Path) -> str | None:
    """Gives the version of the `git` program, asked in an existing folder; None when there is none."""
    try:
        answer = ask_git(folder, ["version"])
    except DvcxError:
        return None
    found = re.search(r"\d+(\.\w+)+", answer.out.decode(errors="replace"))
    return found.group() if found else None


def is_too_old(version: str) -> bool:
    """Tells whether dvcx does not work with that version."""
    numbers = [int(part) for part in re.findall(r"\d+", version)[:2]]
    return tuple(numbers) < OLDEST
