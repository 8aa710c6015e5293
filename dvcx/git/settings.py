"""Git's own configuration: a user's name, the address of `origin`, the drivers that dvcx sets up (GitPython writes)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dvcx.base.errors import DvcxError, UsageError
from dvcx.git.location import GitLocation
from dvcx.git.process import GitFailed, ask_git

if TYPE_CHECKING:
    from git import Repo


def git_setting(location: GitLocation, key: str) -> str | None:
    """Gives the value of a Git setting such as "user.email" or "remote.origin.url" from all of Git's levels, or None.

    Raises `UsageError` for a key without a dot, `GitFailed` when a config file is damaged.
    """
    _split(key)
    # Asked of git: GitPython knows neither GIT_CONFIG_GLOBAL nor the config of a single worktree, and turns "true"
    # into True.
    args = ["config", "--null", "--get", key]
    answer = ask_git(location, args)
    if answer.code not in (0, 1):
        raise GitFailed(args, answer.code, answer.err)
    return answer.out.decode(errors="replace").removesuffix("\0") if answer.code == 0 else None


def set_git_setting(location: GitLocation, key: str, value: str) -> None:
    """Sets a Git setting in the repository's own config; shared by all of its worktrees.

    Raises `UsageError` for a key without a dot, `DvcxError` when the config is locked by another process.
    """
    section, option = _split(key)
    if any(letter in value for letter in "\n\r\0"):
        raise UsageError(f"the value for the Git setting {key} has a line end in it", "give it in one line")
    with _open(location) as repo:
        try:
            with repo.config_writer("repository") as writer:
                writer.set_value(section, option, value)
        except OSError as error:
            raise DvcxError(
                f"the Git setting {key} was not written: {error}", "try again when no other git runs"
            ) from error


def unset_git_setting(location: GitLocation, key: str) -> bool:
    """Removes a Git setting from the repository's own config; tells whether it was there."""
    section, option = _split(key)
    with _open(location) as repo, repo.config_writer("repository") as writer:
        if not writer.has_option(section, option):
            return False
        writer.remove_option(section, option)
        if not writer.options(section):
            writer.remove_section(section)
        return True


def git_remotes(location: GitLocation) -> dict[str, str]:
    """Gives the address of each Git remote by its name."""
    with _open(location) as repo:
        return {remote.name: remote.url for remote in repo.remotes}


def _open(location: GitLocation) -> Repo:
    from git import Repo  # 90 ms, and two runs of `git version`

    return Repo(location.git_dir if location.bare else location.worktree, search_parent_directories=False)


def _split(key: str) -> tuple[str, str]:
    """Gives GitPython's names for "section.option" or "section.sub.section.option"."""
    section, dot, option = key.rpartition(".")
    if not dot or not section or not option or any(letter in key for letter in '\n\r\0"[]'):
        raise UsageError(f"{key!r} is not the name of a Git setting", "it has the form section.option")
    first, dot, rest = section.partition(".")
    return (f'{first} "{rest}"' if dot else section), option
