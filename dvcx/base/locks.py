"""Locks between processes: held by the kernel, so they die with their process, and they name their holder."""

from __future__ import annotations

import errno
import fcntl
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dvcx.base.errors import Busy


class FileLock:
    """A lock on a file of its own, by `flock`: any number of shared holders or one exclusive holder.

    The file stays; only the kernel's lock on it counts, so nobody ever has to delete it. An exclusive holder writes
    its process id, host, start and command into it, for the message of those who wait.
    """

    def __init__(self, path: Path, what: str) -> None:
        self._path = path
        self._what = what

    @contextmanager
    def exclusive(self, wait: float = 30.0) -> Iterator[None]:
        """Holds the lock alone; waits at most `wait` seconds, then raises `Busy`."""
        with self._held(fcntl.LOCK_EX, wait) as fd:
            # On a full disk the name cannot be written, and what frees space has to work there.
            with suppress(OSError):
                os.ftruncate(fd, 0)
                holder = f"{os.getpid()}\n{os.uname().nodename}\n{int(time.time())}\n{_command()}\n"
                os.pwrite(fd, holder.encode("utf-8", "backslashreplace"), 0)
            try:
                yield
            finally:
                with suppress(OSError):
                    os.ftruncate(fd, 0)

    @contextmanager
    def shared(self, wait: float = 30.0) -> Iterator[None]:
        """Holds the lock beside other shared holders; waits at most `wait` seconds, then raises `Busy`."""
        with self._held(fcntl.LOCK_SH, wait):
            yield

    @contextmanager
    def _held(self, mode: int, wait: float) -> Iterator[int]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            self._acquire(fd, mode, wait)
            yield fd
        finally:
            os.close(fd)  # closing gives the lock back

    def _acquire(self, fd: int, mode: int, wait: float) -> None:
        deadline = time.monotonic() + wait
        pause = 0.002
        while True:
            try:
                fcntl.flock(fd, mode | fcntl.LOCK_NB)
                return
            except OSError as error:
                if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                    raise
            if time.monotonic() >= deadline:
                raise Busy(
                    f"{self._what} is in use by {_holder(fd)} (lock file {self._path})",
                    "wait until it ends and run the command again; the lock goes with its process, "
                    "there is nothing to delete",
                )
            time.sleep(min(pause, max(0.0, deadline - time.monotonic())))
            pause = min(pause * 1.5, 0.1)


def _command() -> str:
    return " ".join([Path(sys.argv[0]).name, *sys.argv[1:2]])


def _holder(fd: int) -> str:
    lines = os.pread(fd, 4096, 0).decode("utf-8", "replace").splitlines()
    if len(lines) < 4:
        return "another process"
    pid, host, since, command = lines[:4]
    age = max(0, int(time.time()) - int(since)) if since.isdigit() else 0
    return f"`{command}` (pid {pid} on {host}, for {age} s)"
