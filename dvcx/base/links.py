"""Putting a stored file into the workspace: reflink, hardlink, symlink or copy; and where a symbolic link may lead."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import stat
import sys
from collections.abc import Callable
from enum import StrEnum
from functools import cache
from pathlib import Path

_FICLONE = 0x40049409
"""The ioctl of Linux that shares the blocks of one file with another (Btrfs, XFS, bcachefs, overlay on them)."""

_CANNOT = frozenset(
    {
        errno.EOPNOTSUPP,
        errno.ENOTSUP,
        errno.EXDEV,
        errno.EPERM,
        errno.EINVAL,
        errno.ENOSYS,
        errno.ENOTTY,
        errno.EMLINK,
        errno.EACCES,
    }
)


class LinkType(StrEnum):
    """How a large file in the workspace shares its bytes with the cache."""

    REFLINK = "reflink"
    HARDLINK = "hardlink"
    SYMLINK = "symlink"
    COPY = "copy"


def try_link(kind: LinkType, source: str, name: str, folder: int) -> bool:
    """Makes `name` in the folder descriptor `folder` a link of `kind` to the file `source` (an absolute path).

    Gives False, with nothing left behind, when this file system cannot. `COPY` is not made here. Raises `OSError`
    for other failures, such as a full disk.
    """
    try:
        if kind is LinkType.HARDLINK:
            os.link(source, name, dst_dir_fd=folder)
        elif kind is LinkType.SYMLINK:
            os.symlink(source, name, dir_fd=folder)
        elif kind is LinkType.REFLINK:
            return _reflink(source, name, folder)
        else:
            return False
    except OSError as error:
        if error.errno in _CANNOT:
            return False
        raise
    return True


def _reflink(source: str, name: str, folder: int) -> bool:
    if not sys.platform.startswith("linux"):
        clone = _clone_call()
        return clone is not None and _clone_on_a_mac(clone, source, name, folder)
    origin = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    try:
        target = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666, dir_fd=folder)
        try:
            fcntl.ioctl(target, _FICLONE, origin)
        except OSError:
            os.unlink(name, dir_fd=folder)
            raise
        finally:
            os.close(target)
    finally:
        os.close(origin)
    return True


def _clone_on_a_mac(clone: Callable[..., int], source: str, name: str, folder: int) -> bool:
    """Makes a clone with the mode and time of a new file: `clonefile` takes those of the source with it."""
    new = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666, dir_fd=folder)
    mode = stat.S_IMODE(os.fstat(new).st_mode)  # as umask has it
    os.close(new)
    os.unlink(name, dir_fd=folder)
    origin = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if clone(origin, folder, os.fsencode(name), 0) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), name)
    finally:
        os.close(origin)
    os.chmod(name, mode, dir_fd=folder)
    os.utime(name, dir_fd=folder)
    return True


@cache
def _clone_call() -> Callable[..., int] | None:
    return getattr(ctypes.CDLL(None, use_errno=True), "fclonefileat", None)


def clone_into(origin: int, target: int) -> bool:
    """Makes the empty open file `target` share the blocks of `origin`; gives False where that cannot be."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        fcntl.ioctl(target, _FICLONE, origin)
    except OSError as error:
        if error.errno in _CANNOT:
            return False
        raise
    return True


def can_clone(origin: Path, target: Path) -> bool:
    """Tells whether a file in the folder `target` may share the blocks of one in `origin`: on Linux by trying it."""
    import tempfile  # 5 ms that only a pull pays

    if not sys.platform.startswith("linux"):
        return _clone_call() is not None
    with tempfile.TemporaryFile(dir=origin) as first, tempfile.TemporaryFile(dir=target) as second:
        first.write(b"x")
        first.flush()
        return clone_into(first.fileno(), second.fileno())


MAX_TARGET_BYTES = 4095
"""The longest text of a symbolic link on Linux."""


def link_problem(target: bytes, depth: int | None = None) -> str | None:
    """Tells by its text alone why a symbolic link must not be made, or None when it leads to a place inside.

    `depth` is the number of folders between the link and the top of what is tracked; None: not known here. `..` is
    accepted at the front only: there it leaves real folders, while behind another link it could lead anywhere.
    """
    if not target:
        return "leads nowhere"
    if len(target) > MAX_TARGET_BYTES:
        return f"has a target of more than {MAX_TARGET_BYTES} bytes"
    try:
        text = target.decode("utf-8")
    except UnicodeDecodeError:
        return "has a target that is not valid UTF-8"
    if "\0" in text:
        return "has a NUL character in its target"
    if text.startswith("/"):
        return f"leads to {text!r}, outside of what is tracked"
    parts = [part for part in text.split("/") if part not in ("", ".")]
    up = 0
    while up < len(parts) and parts[up] == "..":
        up += 1
    if ".." in parts[up:]:
        return f"leads to {text!r}, with `..` behind another name"
    if depth is not None and up > depth:
        return f"leads to {text!r}, outside of what is tracked"
    return None
