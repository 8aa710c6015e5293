"""What to type next, where several commands say the same."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

from dvcx.cli.console import Console
from dvcx.git.files import is_tracked
from dvcx.git.location import GitLocation
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
    command = git_add_command(repo, result.changed_files)
    if command:
        console.next_step(command)


def git_add_command(repo: Repo, changed_files: Sequence[str]) -> str:
    """Gives the command to type for Git to take `changed_files` in, "" where there is nothing that it can take."""
    if repo.git is None:
        return ""
    gone = [file for file in changed_files if not os.path.lexists(repo.root / file)]
    # Git takes a name for a mistake that neither the disk nor the index has.
    unknown = set(gone) - _tracked(repo, repo.git, gone)
    left = [file for file in changed_files if file not in unknown]
    if not left:
        return ""
    names = " ".join(shlex.quote(os.path.relpath(repo.root / file)) for file in left)
    # -A takes in what went away, too.
    return f"git add {'-A -- ' if len(gone) > len(unknown) or names.startswith('-') else ''}{names}"


def _tracked(repo: Repo, git: GitLocation, files: Sequence[str]) -> set[str]:
    cut = len(repo.prefix) + 1 if repo.prefix else 0
    return {path[cut:] for path in is_tracked(git, [f"{repo.prefix}/{file}" if cut else file for file in files])}
