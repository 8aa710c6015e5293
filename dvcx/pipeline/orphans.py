"""Commands that must not outlive us: when this process is killed, a watchdog ends them; what it misses is noticed.

The kernel could send a signal to a child when its parent dies, but to that child alone, not to what that started, and
it has to be asked for between fork and exec, which is not safe with threads. So a shell of its own, in a session of its
own, waits for the end of a pipe that only we hold, and then ends the process groups that it was told of.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

_GRACE = 5
"""Seconds that commands have to end after the watchdog asked them to, before it kills them."""
_SCRIPT = """\
running=' '
while read -r what group; do
    case "$what" in
        +) running="$running$group " ;;
        -) running="${running%% "$group" *} ${running#* "$group" }" ;;
    esac
done
for group in $running; do kill -s TERM -- "-$group"; done
for turn in 1 2 3 4 5 6 7 8 9 10; do
    left=
    for group in $running; do kill -s 0 -- "-$group" && left=1; done
    test "$left" || exit 0
    sleep GRACE
done
for group in $running; do kill -s KILL -- "-$group"; done
""".replace("GRACE", str(_GRACE / 10))


class Guard:
    """Keeps note of the process groups that run, in a file and with the watchdog, which starts with the first."""

    def __init__(self, record: Path) -> None:
        self._record = record
        self._lock = threading.Lock()
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._file: int | None = None

    def enter(self, group: int, name: str) -> None:
        """Takes note of a group, which works for the stage `name`."""
        with self._lock:
            if self._watchdog is None:
                self._start()
            self._tell(f"+ {group}\n")
            self._note(f"+ {group} {started_at(group)} {name}\n")

    def leave(self, group: int) -> None:
        """Forgets a group that ended."""
        with self._lock:
            self._tell(f"- {group}\n")
            self._note(f"- {group}\n")

    def close(self) -> None:
        """Ends the watchdog; what is noted stays when this was not reached."""
        with self._lock:
            if self._watchdog is not None:
                assert self._watchdog.stdin is not None
                with contextlib.suppress(OSError):
                    self._watchdog.stdin.close()
                self._watchdog.wait()
                self._watchdog = None
            if self._file is not None:
                os.close(self._file)
                self._file = None
                self._record.unlink(missing_ok=True)

    def _start(self) -> None:
        # Before the first command, so that there is no moment in which nobody would end it.
        self._watchdog = subprocess.Popen(
            ["/bin/sh", "-c", _SCRIPT],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            bufsize=0,
            start_new_session=True,
        )
        with contextlib.suppress(OSError):  # a full disk or a read-only one: the watchdog is there
            self._file = os.open(self._record, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
            self._note(f"{os.uname().nodename}\n")

    def _tell(self, line: str) -> None:
        if self._watchdog is not None and self._watchdog.stdin is not None:
            with contextlib.suppress(OSError):  # somebody ended it
                self._watchdog.stdin.write(line.encode())

    def _note(self, line: str) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.write(self._file, line.encode("utf-8", "surrogateescape"))


@contextlib.contextmanager
def guarding(record: Path) -> Iterator[Guard]:
    """Gives a guard that keeps its notes in the file `record`."""
    guard = Guard(record)
    try:
        yield guard
    finally:
        guard.close()


def still_running(record: Path, wait: float = _GRACE + 2.0) -> list[tuple[int, str]]:
    """Gives the process groups, with the names of their stages, that a process that was killed has left running here.

    Waits at most `wait` seconds for them to end: the watchdog is ending them.
    """
    left = _noted(record)
    until = time.monotonic() + wait
    while left := {group: each for group, each in left.items() if _runs(group, each[0])}:
        if time.monotonic() >= until:
            break
        time.sleep(0.05)
    return [(group, name) for group, (_, name) in left.items()]


def _noted(record: Path) -> dict[int, tuple[str, str]]:
    """Gives by group its start and the name of its stage; nothing for a record of another machine."""
    try:
        host, *lines = record.read_text("utf-8", "surrogateescape").splitlines()
    except (OSError, ValueError):
        return {}
    found: dict[int, tuple[str, str]] = {}
    for line in lines if host == os.uname().nodename else ():
        sign, number, *rest = line.split(" ", 3)
        if not number.isdigit():
            continue
        if sign == "+" and len(rest) == 2:
            found[int(number)] = rest[0], rest[1]
        else:
            found.pop(int(number), None)
    return found


def _runs(group: int, start: str) -> bool:
    """Tells whether a process group is there and is the one that began at `start`."""
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):  # the second: somebody else's, under the same number
        return False
    return started_at(group) in (start, "-") and not _is_dead(group)


def _is_dead(group: int) -> bool:
    """Tells whether all processes of a group ended and only wait for somebody to ask how, which may be never."""
    states = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[2]) == group:
                states.append(fields[0])
    return bool(states) and all(state in "ZX" for state in states)


def started_at(pid: int) -> str:
    """Gives a word for when a process began, which no other of that number has; `-` when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError, ValueError):
        pass
    if os.path.exists("/proc/self/stat"):
        return "-"
    told = subprocess.run(["/bin/ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, check=False).stdout
    return "_".join(told.decode("ascii", "replace").split()) or "-"
