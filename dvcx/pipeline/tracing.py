"""Watching which files a command reads: with strace where it works, else with a hook in the Pythons that it starts."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dvcx.pipeline.process import CommandRun, Stop, run_command, shell

# `-y` shows the path behind each file that was opened, wherever the process was at that time.
_STRACE = ("strace", "-ff", "-qq", "-y", "-s", "4096", "-e", "trace=open,openat,openat2,execve", "-e", "signal=none")
_OPENED = re.compile(rb"^open(?:at2?)?\(.*\b(O_RDONLY|O_RDWR)\b.* = [0-9]+<(.*)>$")
_STARTED = re.compile(rb'^execve\("((?:[^"\\]|\\.)*)".* = 0$')
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|.)")
_LETTERS = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"v": b"\v", b"f": b"\f"}
_HOOK = """\
import os, sys
def _watch(event, arguments, _write=os.write, _fd=os.open(os.environ["DVCX_TRACE"], os.O_WRONLY | os.O_APPEND)):
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        mode, flags = arguments[1], arguments[2]
        if not isinstance(flags, int) or flags & os.O_ACCMODE != os.O_WRONLY:
            try:
                _write(_fd, os.path.realpath(os.fsencode(arguments[0])) + b"\\0")
            except Exception:
                pass
sys.addaudithook(_watch)
"""


@dataclass(frozen=True, slots=True)
class Watched:
    """How a watched command ended, and the absolute paths of the files that it opened for reading."""

    run: CommandRun
    read: frozenset[str]
    method: str


def can_strace(scratch: Path) -> bool:
    """Tells whether strace is here and allowed to look at processes: in some containers it is not."""
    if shutil.which("strace") is None:
        return False
    test = [*_STRACE, "-o", str(scratch / "test"), "true"]
    return subprocess.run(test, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0


def watch_command(
    line: str, folder: Path, environment: Mapping[str, str], scratch: Path, log: int, stop: Stop, *, strace: bool
) -> Watched:
    """Runs a shell command line once in `folder` and watches it; `scratch` takes what the watching writes.

    What it writes goes to the open file `log`. Raises `OSError` when it cannot be started.
    """
    if strace:
        words = [*_STRACE, "-o", str(scratch / "trace"), shell(), "-c", line]
        run = run_command(_exec(words), folder, environment, log, stop=stop)
        found = {path for file in scratch.glob("trace.*") for path in _opened_in(file.read_bytes(), folder)}
        return Watched(run, frozenset(found), "strace")
    record = scratch / "opened"
    record.touch()
    (scratch / "sitecustomize.py").write_text(_HOOK)
    before = environment.get("PYTHONPATH")
    path = f"{scratch}{os.pathsep}{before}" if before else str(scratch)
    run = run_command(line, folder, {**environment, "PYTHONPATH": path, "DVCX_TRACE": str(record)}, log, stop=stop)
    names = record.read_bytes().split(b"\0")
    return Watched(run, frozenset(os.fsdecode(name) for name in names if name), "python")


def _exec(words: Sequence[str]) -> str:
    quoted = " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)
    return f"exec {quoted}"


def _opened_in(trace: bytes, folder: Path) -> Iterator[str]:
    for line in trace.splitlines():
        opened = _OPENED.match(line)
        if opened is not None:
            yield os.fsdecode(_plain(opened[2]))
        started = _STARTED.match(line)
        if started is not None:
            yield os.path.realpath(os.path.join(folder, os.fsdecode(_plain(started[1]))))


def _plain(text: bytes) -> bytes:
    """Gives the name that strace shows with escapes."""
    return _ESCAPE.sub(lambda found: _letter(found[1]), text)


def _letter(escape: bytes) -> bytes:
    return bytes([int(escape, 8) & 0xFF]) if escape[:1].isdigit() else _LETTERS.get(escape, escape)
