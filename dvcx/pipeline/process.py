"""Running one command line: in a process group of its own, its output into a log and, line by line, to who listens."""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from dvcx.pipeline.orphans import Guard

GRACE = 5.0
"""Seconds that a command has to end after it was asked to, before it is killed."""
_CHUNK = 1 << 16
_MOST_LINE = 1 << 16
"""Bytes without a line end after which what there is counts as a line."""
_AFTER_END = 0.2
"""Seconds that output is still awaited after a command ended, when something it left behind holds the pipe."""


class Ending(StrEnum):
    """Why a command ended."""

    ITSELF = "itself"
    TIMEOUT = "timeout"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class CommandRun:
    """How a command ended.

    `code` is its exit code, or the negative number of the signal that ended it. `seconds` is the time it took,
    `peak_memory` the most bytes that the largest of its processes held at once; 0 when that is less than this program
    holds, for then nobody can tell.
    """

    code: int
    seconds: float
    peak_memory: int
    ending: Ending

    @property
    def worked(self) -> bool:
        """Tells whether it ended by itself and well."""
        return self.code == 0 and self.ending is Ending.ITSELF


class Stop:
    """A request to end everything that runs: made from a signal handler or any thread, seen by all who run commands.

    `guard`, if there is one, sees to it that what runs ends with this process, too.
    """

    def __init__(self) -> None:
        self.guard: Guard | None = None
        self._groups: set[int] = set()
        self._lock = threading.RLock()
        self._asked = False

    @property
    def asked(self) -> bool:
        """Tells whether it was asked for."""
        return self._asked

    def ask(self) -> None:
        """Asks all commands to end, as Control-C does; asked again, kills them."""
        number = signal.SIGKILL if self._asked else signal.SIGINT
        self._asked = True
        for group in list(self._groups):
            _signal(group, number)

    def enter(self, group: int, name: str = "") -> None:
        """Takes note of a command that started, for the stage `name`."""
        with self._lock:
            self._groups.add(group)
        if self.guard is not None:
            self.guard.enter(group, name)
        if self._asked:
            _signal(group, signal.SIGINT)

    def leave(self, group: int) -> None:
        """Forgets a command that ended."""
        with self._lock:
            self._groups.discard(group)
        if self.guard is not None:
            self.guard.leave(group)


def run_command(
    line: str,
    folder: Path,
    environment: Mapping[str, str],
    log: int,
    *,
    timeout: float | None = None,
    stop: Stop | None = None,
    tell: Callable[[str], None] | None = None,
) -> CommandRun:
    """Runs a shell command line in `folder` and waits for it; gives how it ended.

    What it and its children write goes to the open file `log` as it comes, and to `tell` line by line. They read
    nothing. After `timeout` seconds, or when `stop` is asked for, the whole process group is told to end, and killed
    five seconds later. Raises `OSError` when it cannot be started.
    """
    stop = stop or Stop()
    began = time.monotonic()
    out, into = os.pipe2(os.O_CLOEXEC)
    try:
        # A group of its own, so that Control-C reaches it from us only, and that its children end with it.
        child = subprocess.Popen(
            [shell(), "-c", line],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=into,
            stderr=into,
            process_group=0,
        )
    except BaseException:
        os.close(out)
        raise
    finally:
        os.close(into)
    stop.enter(child.pid, environment.get("DVCX_STAGE", ""))
    try:
        return _Watch(child, out, log, stop, tell, began, timeout).until_it_ends()
    finally:
        stop.leave(child.pid)
        os.close(out)


@cache
def shell() -> str:
    """Gives the shell that runs commands: bash where there is one, else sh; never what a user's SHELL says."""
    return next((each for each in ("/bin/bash", "/usr/bin/bash") if os.path.exists(each)), "/bin/sh")


class _Watch:
    def __init__(
        self,
        child: subprocess.Popen[bytes],
        out: int,
        log: int,
        stop: Stop,
        tell: Callable[[str], None] | None,
        began: float,
        timeout: float | None,
    ) -> None:
        self._child = child
        self._out = out
        self._log = log
        self._stop = stop
        self._lines = Lines(tell) if tell is not None else None
        self._began = began
        self._deadline = None if timeout is None else began + timeout
        self._signals: list[tuple[float, int]] = []
        self._ending = Ending.ITSELF

    def until_it_ends(self) -> CommandRun:
        os.set_blocking(self._out, False)
        with _exit_fd(self._child.pid) as exit_fd:
            poll = select.poll()
            poll.register(self._out, select.POLLIN)
            if exit_fd is not None:
                poll.register(exit_fd, select.POLLIN)
            open_output = True
            ended: tuple[int, int] | None = None
            while ended is None:
                ready = {fd for fd, _ in poll.poll(self._pause(exit_fd is not None))}
                if self._out in ready and open_output and not self._read():
                    open_output = False
                    poll.unregister(self._out)
                self._see_to_ending()
                if exit_fd is None or exit_fd in ready:
                    ended = self._reap()
        if open_output:
            self._read_rest()
        # What it left behind in its group would go on writing to outputs that count as finished.
        _signal(self._child.pid, signal.SIGKILL if self._ending is not Ending.ITSELF else signal.SIGTERM)
        if self._lines is not None:
            self._lines.end()
        code, peak = ended
        return CommandRun(code, time.monotonic() - self._began, peak, self._ending)

    def _pause(self, is_told: bool) -> float:
        """Gives how many milliseconds to wait for something to happen."""
        until = self._signals[0][0] if self._signals else self._deadline
        rest = max(0.0, until - time.monotonic()) if until is not None else 0.2
        return min(rest, 0.2 if is_told else 0.02) * 1000 + 1

    def _see_to_ending(self) -> None:
        now = time.monotonic()
        if self._ending is not Ending.ITSELF:
            while self._signals and now >= self._signals[0][0]:
                _signal(self._child.pid, self._signals.pop(0)[1])
        elif self._stop.asked:  # that sent SIGINT already
            self._ending = Ending.STOPPED
            self._signals = [(now + GRACE / 2, signal.SIGTERM), (now + GRACE, signal.SIGKILL)]
        elif self._deadline is not None and now >= self._deadline:
            self._ending = Ending.TIMEOUT
            self._signals = [(now, signal.SIGTERM), (now + GRACE, signal.SIGKILL)]

    def _read(self) -> bool:
        """Passes on what was written; tells whether more may come."""
        try:
            data = os.read(self._out, _CHUNK)
        except BlockingIOError:
            return True
        if data:
            _write(self._log, data)
            if self._lines is not None:
                self._lines.take(data)
        return bool(data)

    def _read_rest(self) -> None:
        """Reads what is in the pipe after the command ended; something in the background may keep it open."""
        poll = select.poll()
        poll.register(self._out, select.POLLIN)
        until = time.monotonic() + _AFTER_END
        while time.monotonic() < until and poll.poll(0):
            if not self._read():
                return

    def _reap(self) -> tuple[int, int] | None:
        """Gives the exit code and the peak memory when the command has ended."""
        pid, status, usage = os.wait4(self._child.pid, os.WNOHANG)
        if pid == 0:
            return None
        self._child.returncode = os.waitstatus_to_exitcode(status)
        # A process starts with the memory of the one that started it in its books, so less than ours is not known.
        peak = usage.ru_maxrss if usage.ru_maxrss > resource.getrusage(resource.RUSAGE_SELF).ru_maxrss else 0
        return self._child.returncode, peak * (1 if sys.platform == "darwin" else 1024)


class Lines:
    """Cuts bytes into lines; of a line that was written over with carriage returns the last state counts."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._rest = b""

    def take(self, data: bytes) -> None:
        """Takes more bytes, and tells each line that is complete."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        for line in whole:
            self._pass_on(line)
        if len(self._rest) > _MOST_LINE:
            self.end()

    def end(self) -> None:
        """Tells what is left."""
        if self._rest:
            self._pass_on(self._rest)
            self._rest = b""

    def _pass_on(self, line: bytes) -> None:
        shown = line.rstrip(b"\r").rpartition(b"\r")[2]
        self._tell(shown.decode("utf-8", "backslashreplace"))


def _write(fd: int, data: bytes) -> None:
    # A full disk must not end the command: its log is cut off, its outputs decide.
    with contextlib.suppress(OSError):
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]


def _signal(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


@contextlib.contextmanager
def _exit_fd(pid: int) -> Iterator[int | None]:
    """Gives a file that becomes readable when the process ends, where the system has such files (Linux)."""
    opened = getattr(os, "pidfd_open", None)
    fd = None
    if opened is not None:
        with contextlib.suppress(OSError):  # a system that forbids it
            fd = opened(pid)
    try:
        yield fd
    finally:
        if fd is not None:
            os.close(fd)
