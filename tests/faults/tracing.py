"""Killing and failing a command at the nth call of one kind, by `strace`: the real program, the real calls."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.project import Run, program

KILL = "kill"
ERRORS = ("ENOSPC", "EIO")
FAULTS = (KILL, *ERRORS)

_CALLS = (
    "write", "pwrite64", "writev", "pwritev", "pwritev2", "sendfile", "copy_file_range", "ioctl",
    "rename", "renameat", "renameat2", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir",
    "link", "linkat", "symlink", "symlinkat", "openat", "ftruncate", "truncate", "fallocate",
    "fsync", "fdatasync", "syncfs", "sync", "utimensat", "chmod", "fchmod", "fchmodat", "fchown",
)  # fmt: skip
_LINE = re.compile(r"^(\d+)\s+(\w+)\((.*)$")


@dataclass(frozen=True)
class Point:
    """One place to strike at: the `number`th time (from 1) that a thread makes the call."""

    fault: str
    call: str
    number: int

    def __str__(self) -> str:
        return f"{self.fault} at {self.call} {self.number}"

    @property
    def _injection(self) -> str:
        what = "signal=SIGKILL" if self.fault == KILL else f"error={self.fault}"
        return f"inject={self.call}:{what}:when={self.number}"


def needs_strace() -> None:
    """Skips the test where there is no strace, except on CI, where it has to be."""
    if shutil.which("strace") is None:
        if os.environ.get("CI"):
            pytest.fail("strace is not installed: .ci/run installs it")
        pytest.skip("needs strace: `apt-get install strace`")


def changing_calls(words: Sequence[str], folder: Path) -> list[tuple[str, int]]:
    """Runs `dvcx WORDS` in `folder` and gives each call that changed the file system, as (call, number).

    Calls of the git processes that it starts do not count, and are not struck: git ignores what its pipes answer.
    """
    trace = folder.parent / f"{folder.name}.trace"
    done = _strace(["-o", str(trace), "-e", f"trace={','.join('?' + call for call in _CALLS)}"], words, folder)
    assert done.returncode == 0, f"dvcx {' '.join(words)} failed without a fault:\n{done.stderr.decode()}"
    counts: dict[tuple[str, str], int] = defaultdict(int)
    found: set[tuple[str, int]] = set()
    for line in trace.read_text(errors="replace").splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        thread, call, arguments = match.groups()
        counts[thread, call] += 1
        if _changes(call, arguments):
            found.add((call, counts[thread, call]))
    trace.unlink()
    return sorted(found)


def strike(point: Point, words: Sequence[str], folder: Path) -> Run:
    """Runs `dvcx WORDS` in `folder` with the fault; the exit code of a killed command is -9."""
    done = _strace(["-o", "/dev/null", "-e", f"trace={point.call}", "-e", point._injection], words, folder)
    return Run(tuple(words), done.returncode, os.fsdecode(done.stdout), os.fsdecode(done.stderr))


KILLED = -signal.SIGKILL


def _changes(call: str, arguments: str) -> bool:
    if call == "openat":
        return "O_CREAT" in arguments and '"/dev/' not in arguments
    if call == "ioctl":
        return "FICLONE" in arguments
    if call == "write":
        return not arguments.startswith(("1, ", "2, "))
    return True


def _strace(options: Sequence[str], words: Sequence[str], folder: Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["strace", "-f", "-b", "execve", "-qq", *options, *program(words)],
        cwd=folder,
        env={**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        check=False,
    )
