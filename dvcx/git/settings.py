"""Git's own configuration: a user's name, the address of `origin`, the drivers that dvcx sets up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dvcx.base.errors import UsageError
from dvcx.git.location import GitLocation
from dvcx.git.process import GitFailed, ask_git, run_git

if TYPE_CHECKING:
    from git import Repo


def git_setting(location: GitLocation, key: str) -> str | None:
    """Gives the value of a Git setting such as "user.email" or "remote.origin.url" from all of Git's levels, or None.

    Raises `UsageError` for a key without a dot, `GitFailed` when a config file is damaged.
    """
    _check(key)
    # Asked of git: GitPython knows neither GIT_CONFIG_GLOBAL nor the config of a single worktree, and turns "true"
    # into True.
    args = ["config", "--null", "--get", key]
    answer = ask_git(location, args)
    if answer.code not in (0, 1):
        raise GitFailed(args, answer.code, answer.err)
    return answer.out.decode(errors="replace").removesuffix("\0") if answer.code == 0 else None


def set_git_setting(location: GitLocation, key: str, value: str) -> None:
    """Sets a Git setting in the repository's own config; shared by all of its worktrees.

    Raises `UsageError` for a key without a dot, `GitFailed` when the config is locked by another process.
    """
    _check(key)
    if any(letter in value for letter in "\n\r\0"):
        raise UsageError(f"the value for the Git setting {key} has a line end in it", "give it in one line")
    # Not GitPython: its older versions write quotes and backslashes as they are, and its import takes 90 ms.
    run_git(location, ["config", "--local", "--replace-all", key, value])


def unset_git_setting(location: GitLocation, key: str) -> bool:
    """Removes a Git setting from the repository's own config; tells whether it was there."""
    _check(key)
    args = ["config", "--local", "--unset-all", key]
    answer = ask_git(location, args)
    if answer.code not in (0, 5):  # 5: there is none
        raise GitFailed(args, answer.code, answer.err)
    return answer.code == 0


def git_remotes(location: GitLocation) -> dict[str, str]:
    """Gives the address of each Git remote by its name."""
    with _open(location) as repo:
        return {remote.name: remote.url for remote in repo.remotes}


def _open(location: GitLocation) -> Repo:
    from git import Repo  # 90 ms, and two runs of `git version`

    return Repo(location.git_dir if location.bare else location.worktree, search_parent_directories=False)


def _check(key: str) -> None:
    section, dot, option = key.rpartition(".")
    if not dot or not section or not option or any(letter in key for letter in '\n\r\0"[]'):
        raise UsageError(f"{key!r} is not the name of a Git setting", "it has the form section.option")
