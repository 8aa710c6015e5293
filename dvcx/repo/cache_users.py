"""Who uses a cache: each project that lies elsewhere has a small file in it, so that a collection asks all of them.

<cache>/users/<hash of the root>.json     {"version": 1, "root": "/home/ada/project", "git": "/home/ada/project/.git"}
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dvcx.base.errors import Refused, UsageError, shown
from dvcx.base.files import write_atomically

FOLDER = "users"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class CacheUser:
    """A project that uses a cache: its root, and its Git folder (the one that all worktrees share) if it has one.

    `file` is where the cache notes it; None for the project that the cache lies in.
    """

    root: Path
    git: Path | None
    file: Path | None


def register_user(cache_dir: Path, root: Path, git: Path | None) -> None:
    """Notes in the cache that the project at `root` uses it; costs next to nothing when that is noted already.

    A cache that cannot be written to is left alone: nothing can be collected there either.
    """
    file = _file_of(cache_dir, root)
    if file.exists():
        return
    note = {"version": _VERSION, "root": str(root), "git": str(git) if git is not None else None}
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, json.dumps(note).encode("ascii"))
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise


def cache_users(cache_dir: Path) -> list[CacheUser]:
    """Gives every project that uses the cache, as far as it knows; raises `Refused` for a note it cannot read."""
    return [*_owner(cache_dir), *(_read(file) for file in _files(cache_dir))]


def forget_user(cache_dir: Path, path: Path) -> CacheUser:
    """Takes the note about the project at `path` (its root or its Git folder) away and gives what it said.

    Raises `UsageError` when there is none, naming those there are.
    """
    users = [_read(file) for file in _files(cache_dir)]
    for user in users:
        if path in (user.root, user.git) and user.file is not None:
            user.file.unlink(missing_ok=True)
            return user
    known = shown([str(user.root) for user in users]) or "nobody"
    raise UsageError(f"{path} is not among the projects that use the cache {cache_dir}", f"it is used by: {known}")


def _owner(cache_dir: Path) -> Iterator[CacheUser]:
    """Gives the project that the cache lies in, which needs no note: so it can be moved with its cache."""
    folder = cache_dir.parent
    if folder.name == "dvcx" and (folder.parent / "objects").is_dir():
        yield CacheUser(folder.parent.parent, folder.parent, None)
    elif folder.name == "local" and folder.parent.name == ".dvcx":
        yield CacheUser(folder.parent.parent, None, None)


def _files(cache_dir: Path) -> list[Path]:
    try:
        names = sorted(os.listdir(cache_dir / FOLDER))
    except FileNotFoundError:
        return []
    return [cache_dir / FOLDER / name for name in names if name.endswith(".json") and not name.startswith(".")]


def _file_of(cache_dir: Path, root: Path) -> Path:
    return cache_dir / FOLDER / f"{hashlib.sha256(os.fsencode(root)).hexdigest()[:32]}.json"


def _read(file: Path) -> CacheUser:
    try:
        note = json.loads(file.read_bytes())
        if note["version"] != _VERSION:
            raise Refused(
                f"{file} has version {note['version']}; this dvcx reads {_VERSION}", "upgrade dvcx", [str(file)]
            )
        git = note["git"]
        return CacheUser(Path(note["root"]), Path(git) if git is not None else None, file)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Refused(
            f"{file} cannot be read, so nobody can tell which project uses this cache: {error}",
            "if it is damaged, remove it and run a command such as `dvcx checkout` in each project that uses the cache",
            [str(file)],
        ) from error
