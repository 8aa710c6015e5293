"""`dvcx mount`: the tracked data of a revision as a folder that any program can read, by FUSE.

The only module that imports mfusepy. Files are read as by `dvcx.open`: from the cache, or from a remote only the chunks
that a program touches.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from dvcx.base.errors import DvcxError, Refused, UsageError
from dvcx.model.tree import EntryKind
from dvcx.operations.view import Node, View
from dvcx.storage.ranges import Bytes

_FOREVER = 86_400.0
"""Seconds for which the kernel may remember names and sizes: those of a commit do not change."""
_BLOCK = 512

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Mounted:
    """What was mounted: where, which commit, and the number of files and bytes in it."""

    path: str
    source: str
    commit: str | None
    files: int
    size: int


def mount(view: View, folder: Path, *, ready: Callable[[Mounted], None], tell: Callable[[str], None]) -> Mounted:
    """Shows `view` in the empty `folder` until it is unmounted or the process is told to end.

    `ready` is called when it can be read; `tell` gets a sentence for each file that could not be read. Raises
    `UsageError` when `folder` is not an empty one, `DvcxError` when FUSE is not installed or the system refuses.
    """
    library = _library()
    if not folder.is_dir() or any(folder.iterdir()):
        raise UsageError(f"{folder} is not an empty folder", f"make one: `mkdir {folder}`")
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        raise Refused("this system does not let you mount: /dev/fuse cannot be used", "ask its administrator")
    top = view.node("")
    mounted = Mounted(str(folder), view.source.url, view.source.commit, top.entry.files, top.entry.size)
    started = threading.Event()

    def begun() -> None:
        started.set()
        ready(mounted)

    handlers = type("Answers", (_Answers, library.Operations), {})(view, begun, tell)
    try:
        library.FUSE(
            *(handlers, str(folder)),
            foreground=True,
            ro=True,
            fsname="dvcx",
            subtype="dvcx",
            default_permissions=True,
            kernel_cache=True,
            attr_timeout=_FOREVER,
            entry_timeout=_FOREVER,
        )
    except RuntimeError as error:
        if started.is_set():
            return mounted  # libfuse calls it a failure of its loop when a signal ends it
        raise DvcxError(
            f"{folder} could not be mounted (FUSE says {error})", "is the package fuse3 of your system installed?"
        ) from error
    return mounted


def _library() -> Any:
    try:
        import mfusepy
    except ImportError as error:
        raise DvcxError("mounting needs a library that is not installed", "pip install 'git-dvcx[mount]'") from error
    except OSError as error:
        raise DvcxError("the library of FUSE is not installed", "on Debian: `apt-get install fuse3`") from error
    return mfusepy


class _Answers:
    """What the kernel asks of the mounted folder. Many threads ask at once."""

    use_ns = True

    def __init__(self, view: View, ready: Callable[[], None], tell: Callable[[str], None]) -> None:
        self._view, self._ready, self._tell = view, ready, tell
        self._now = time.time_ns()
        self._open: dict[int, Bytes] = {}
        self._numbers = count(1)
        self._told: set[str] = set()
        self._lock = threading.Lock()

    def init(self, path: str) -> None:
        self._ready()

    def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
        entry = self._node(path).entry
        if entry.is_folder:
            mode, size = stat.S_IFDIR | 0o555, 0
        elif entry.is_link:
            mode, size = stat.S_IFLNK | 0o777, len(entry.digest)
        else:
            mode, size = stat.S_IFREG | (0o555 if entry.kind == EntryKind.EXECUTABLE else 0o444), entry.size
        times = dict.fromkeys(("st_atime", "st_mtime", "st_ctime"), self._now)
        owner = {"st_uid": os.getuid(), "st_gid": os.getgid()}
        return {"st_mode": mode, "st_size": size, "st_nlink": 1, "st_blocks": -(-size // _BLOCK), **times, **owner}

    def readdir(self, path: str, fh: int) -> list[str]:
        children = self._answered(path, lambda: self._view.children(self._node(path)))
        return [".", "..", *(child.path.rpartition("/")[2] for child in children)]

    def readlink(self, path: str) -> str:
        return self._node(path).entry.target

    def open(self, path: str, flags: int) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR):
            raise _failure(errno.EROFS)
        content = self._answered(path, lambda: self._view.open(self._node(path)))
        with self._lock:
            number = next(self._numbers)
            self._open[number] = content
        return number

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        return self._answered(path, lambda: self._open[fh].read(offset, offset + size))

    def release(self, path: str, fh: int) -> int:
        with self._lock:
            content = self._open.pop(fh, None)
        if content is not None:
            content.close()
        return 0

    def statfs(self, path: str) -> dict[str, int]:
        blocks = -(-self._view.node("").entry.size // _BLOCK)
        return {"f_bsize": _BLOCK, "f_frsize": _BLOCK, "f_blocks": blocks, "f_namemax": 255}

    def _node(self, path: str) -> Node:
        node = self._answered(path, lambda: self._view.find(path.strip("/")))
        if node is None:
            raise _failure(errno.ENOENT)
        return node

    def _answered(self, path: str, work: Callable[[], Answer]) -> Answer:
        """Does `work`; what of ours goes wrong becomes an error that programs know, and is told once."""
        try:
            return work()
        except UsageError as error:
            raise _failure(errno.ENOENT) from error
        except DvcxError as error:
            with self._lock:
                is_new = path not in self._told
                self._told.add(path)
            if is_new:
                self._tell(f"{path.strip('/')} could not be read: {error.message}")
            raise _failure(errno.EIO) from error


def _failure(number: int) -> OSError:
    """Gives an error as the library hands it to the kernel."""
    return OSError(number, os.strerror(number))
