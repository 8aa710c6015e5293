"""`dvcx cache users` and `dvcx cache forget`: the projects that a collection in the cache asks."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from dvcx.base.errors import UsageError
from dvcx.repo.cache_users import cache_users, forget_user
from dvcx.repo.record import Repo


@dataclass(frozen=True, slots=True)
class KnownUser:
    """A project that uses the cache: its root, its Git folder if it has one, and whether it is where it was."""

    root: str
    git: str | None
    is_there: bool


@dataclass(frozen=True, slots=True)
class CacheUsers:
    """The projects that the cache knows."""

    cache: str
    users: tuple[KnownUser, ...]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The project that the cache no longer knows."""

    cache: str
    root: str


def list_cache_users(repo: Repo) -> CacheUsers:
    """Gives the projects whose data the cache keeps; raises `Refused` for a note in it that cannot be read."""
    users = [
        KnownUser(str(user.root), str(user.git) if user.git else None, (user.git or user.root).is_dir())
        for user in cache_users(repo.cache_dir)
    ]
    return CacheUsers(str(repo.cache_dir), tuple(users))


def forget_cache_user(repo: Repo, path: Path) -> Forgotten:
    """Makes the cache forget the project at `path` (absolute): its data is kept only if another project needs it.

    It comes back by itself with its next command. Raises `UsageError` for a project that the cache does not know, and
    for this very project.
    """
    real = Path(os.path.realpath(path))
    path = real if real.exists() else path
    if path == repo.root or (repo.git is not None and path == repo.git.common_dir):
        raise UsageError("this project uses the cache right now", "choose another cache first: `dvcx cache dir`")
    return Forgotten(str(repo.cache_dir), str(forget_user(repo.cache_dir, path).root))
