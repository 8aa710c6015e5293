"""Folders: made so that they stay, and opened below a root without following links."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from dvcx.base.errors import Refused
from dvcx.base.files import sync_directory
from dvcx.base.paths import open_folder


def make_folder(path: Path, *, durable: bool) -> None:
    """Makes a folder and those above it; with `durable` their names survive a power cut."""
    absent = []
    while not path.is_dir():
        absent.append(path)
        path = path.parent
    for folder in reversed(absent):
        folder.mkdir(exist_ok=True)
        if durable:
            sync_directory(folder.parent)


class Roots:
    """The folders below which some work may touch anything, and outside of which nothing; used as a context.

    A root itself may be reached through symbolic links, what is below it may not.
    """

    def __init__(self, roots: Iterable[str]) -> None:
        self._roots = sorted(roots, key=len, reverse=True)
        self._root_fds: dict[str, int] = {}
        self._last: tuple[str, int] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._forget_last()
        for fd in self._root_fds.values():
            os.close(fd)
        self._root_fds.clear()

    def split(self, path: str) -> tuple[str, tuple[str, ...]]:
        """Gives the root that an absolute path lies below, and the names from there; raises `Refused` for others."""
        for root in self._roots:
            prefix = root if root.endswith("/") else root + "/"
            if path.startswith(prefix):
                parts = tuple(path[len(prefix) :].split("/"))
                if not any(part in ("", ".", "..") or "\0" in part for part in parts):
                    return root, parts
        raise Refused(f"{path!r} does not lie below {' or '.join(self._roots)}", names=[path])

    def parent(self, path: str, *, create: bool = False) -> tuple[int, str]:
        """Opens the folder that `path` lies in; gives its descriptor, good until the next call, and the last name.

        It stays open for the next path in the same folder, until `release` or a path in another one.
        Raises `Refused` when a folder on the way is a symbolic link or `path` lies outside of the roots,
        `FileNotFoundError` and `NotADirectoryError` as usual.
        """
        folder, _, name = path.rpartition("/")
        if self._last is not None and self._last[0] == folder and "\0" not in name and name not in ("", ".", ".."):
            return self._last[1], name
        root, parts = self.split(path)
        self._forget_last()
        self._last = folder, open_folder(self._root(root), parts[:-1], create=create)
        return self._last[1], name

    def status(self, path: str) -> os.stat_result | None:
        """Gives the file status of what stands at `path`, of a link itself; None when nothing does."""
        try:
            folder, name = self.parent(path)
            return os.stat(name, dir_fd=folder, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def way_to(self, path: str) -> tuple[str | None, list[str]]:
        """Tells what keeps `path` from being made: something that is no folder on the way, and the folders to make."""
        root, parts = self.split(path)
        at = root.rstrip("/")
        for number, part in enumerate(parts[:-1]):
            at = f"{at}/{part}"
            try:
                mode = os.lstat(at).st_mode
            except FileNotFoundError:
                missing = [at]
                for name in parts[number + 1 : -1]:
                    missing.append(f"{missing[-1]}/{name}")
                return None, missing
            if not stat.S_ISDIR(mode):
                return at, []
        return None, []

    def release(self) -> None:
        """Closes the folder that the last call left open: somebody may have put another one in its place."""
        self._forget_last()

    def _root(self, root: str) -> int:
        if root not in self._root_fds:
            self._root_fds[root] = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        return self._root_fds[root]

    def _forget_last(self) -> None:
        if self._last is not None:
            os.close(self._last[1])
            self._last = None
