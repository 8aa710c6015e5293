"""What to type next, where several commands say the same."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, TypeVar

from dvcx.cli.console import Console
from dvcx.repo.record import Repo


class ChangesFiles(Protocol):
    """A result that tells which files of ours, below the project root, Git should take in."""

    @property
    def changed_files(self) -> tuple[str, ...]:
        """Their paths; those that went away too."""


Result = TypeVar("Result", bound=ChangesFiles)


def then_git_add(repo: Repo, render: Callable[[Result, Console], None]) -> Callable[[Any, Console], None]:
    """Gives `render` followed by how to have Git take in what changed, where the project has a Git repository."""
    return partial(_render, repo=repo, render=render)


def _render(result: Result, console: Console, *, repo: Repo, render: Callable[[Result, Console], None]) -> None:
    render(result, console)
    if repo.git is None or not result.changed_files:
        return
    places = [repo.root / file for file in result.changed_files]
    names = " ".join(shlex.quote(os.path.relpath(place)) for place in places)
    # -A takes in what went away, too.
    gone = not all(map(os.path.lexists, places))
    console.next_step(f"git add {'-A -- ' if gone or names.startswith('-') else ''}{names}")
