"""Reading one file of the workspace: its digest, and its content into a store, noticing writers at work."""

from __future__ import annotations

import errno
import os
import stat
import time
from typing import Protocol

from dvcx.base.errors import Refused
from dvcx.base.hashing import Algorithm, hash_open_file

_TRIES = 4
_SMALL = 1 << 20
"""Files up to this size (bytes) are read whole before they are hashed."""


class Intake(Protocol):
    """What takes in the contents that a scan finds; see `workspace/intake.py` for the cache's."""

    def has(self, digest: bytes) -> bool:
        """Tells whether the content is stored already."""

    def small(self, digest: bytes, data: bytes) -> None:
        """Takes the whole content of a file."""

    def large(self, fd: int, size: int) -> bytes:
        """Takes the content of an open file of about `size` bytes and gives its digest."""

    def tree(self, digest: bytes, data: bytes) -> None:
        """Takes the bytes of a tree, after everything that it names."""


def read_file(absolute: str, path: str, algorithm: Algorithm, intake: Intake | None) -> tuple[bytes, os.stat_result]:
    """Gives the digest of a file and its `stat`, both of the same moment; `path` names it in errors.

    A file that changes while it is read is read again; one that keeps changing is refused with `Refused`.
    """
    for attempt in range(_TRIES):
        if attempt:
            time.sleep(0.05 * 4**attempt)
        fd = _open_regular(absolute, path)
        try:
            before = os.fstat(fd)
            digest, count = _read_open(fd, before.st_size, algorithm, intake)
            after = os.fstat(fd)
        finally:
            os.close(fd)
        if (
            count == after.st_size
            and before.st_mtime_ns == after.st_mtime_ns
            and before.st_ctime_ns == after.st_ctime_ns
            and before.st_size == after.st_size
        ):
            return digest, after
    raise Refused(
        f"{path} changes while it is being read: another program is writing to it",
        "wait until that program has finished and run the command again",
        [path],
    )


def _open_regular(absolute: str, path: str) -> int:
    """Opens what was a regular file a moment ago; raises `Refused` when it is something else now."""
    try:
        # Opening a pipe would wait for a writer.
        fd = os.open(absolute, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENXIO):
            raise
    else:
        if stat.S_ISREG(os.fstat(fd).st_mode):
            return fd
        os.close(fd)
    raise Refused(f"{path} was a file and became something else meanwhile", "run the command again", [path])


def _read_open(fd: int, size: int, algorithm: Algorithm, intake: Intake | None) -> tuple[bytes, int]:
    if size <= _SMALL:
        data = os.read(fd, size + 1)
        # A short read of a regular file means its end, or a signal in between: the second read tells which.
        if len(data) < size:
            while more := os.read(fd, size + 1 - len(data)):
                data += more
        digest = algorithm.of(data)
        if intake is not None and len(data) == size:
            intake.small(digest, data)
        return digest, len(data)
    if intake is not None:
        return intake.large(fd, size), size
    return hash_open_file(algorithm, fd, size)
