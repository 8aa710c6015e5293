"""What is kept of each run of a stage: its output, how it ended, how long it took and how much memory it held."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import msgspec

from dvcx.base.hashing import checksum

KEPT = 20
"""So many runs of each stage are kept."""
_HISTORY = "runs.jsonl"
_LOG = ".log"
_MOST_NAME = 200


class LoggedRun(msgspec.Struct, frozen=True, omit_defaults=True):
    """One run: `started` in seconds since 1970, `seconds` it took, `peak_memory` in bytes.

    `code` is the exit code of the last command, or the negative number of the signal that ended it; `ending` is
    `itself`, `timeout` or `stopped`; `tries` counts how often it was started. `log` names the file with the output.
    """

    started: float
    seconds: float
    code: int
    ending: str
    peak_memory: int
    tries: int
    log: str
    cmd: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()

    @property
    def worked(self) -> bool:
        """Tells whether the stage did its work."""
        return self.code == 0 and self.ending == "itself"


@dataclass(frozen=True, slots=True)
class OpenLog:
    """The log of a run under way: an open file and where it is."""

    fd: int
    path: Path
    started: float


class RunLogs:
    """The logs of all stages of one worktree, in a folder of its Git directory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def begin(self, address: str) -> OpenLog:
        """Makes the log file of a run that starts now; the caller closes it."""
        started = time.time()
        folder = self._of(address)
        name = time.strftime("%Y%m%d-%H%M%S", time.gmtime(started)) + f"-{time.time_ns() % 1_000_000_000:09d}{_LOG}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        try:
            fd = os.open(folder / name, flags, 0o644)
        except FileNotFoundError:
            folder.mkdir(parents=True, exist_ok=True)
            fd = os.open(folder / name, flags, 0o644)
        return OpenLog(fd, folder / name, started)

    def end(self, address: str, run: LoggedRun) -> None:
        """Remembers how a run ended, and lets go of the oldest ones. That nothing can be written is no error."""
        folder = self._of(address)
        with contextlib.suppress(OSError):
            line = msgspec.json.encode(run) + b"\n"
            with open(folder / _HISTORY, "ab") as file:
                file.write(line)
                size = file.tell()
            if size > KEPT * max(len(line), 300):
                self._shorten(folder)

    def of(self, address: str) -> list[LoggedRun]:
        """Gives the runs of a stage, the newest first."""
        return list(reversed(_read(self._of(address) / _HISTORY)))

    def text(self, address: str, run: LoggedRun) -> str | None:
        """Gives what the stage wrote in that run; None when it is not there any more."""
        try:
            return (self._of(address) / Path(run.log).name).read_text("utf-8", "backslashreplace")
        except OSError:
            return None

    def path(self, address: str, run: LoggedRun) -> Path:
        """Gives where that is."""
        return self._of(address) / Path(run.log).name

    def _shorten(self, folder: Path) -> None:
        kept = _read(folder / _HISTORY)[-KEPT:]
        names = {run.log for run in kept}
        temporary = folder / f".{_HISTORY}-{os.getpid()}"
        temporary.write_bytes(b"".join(msgspec.json.encode(run) + b"\n" for run in kept))
        temporary.replace(folder / _HISTORY)
        oldest = min(names, default="")
        for name in os.listdir(folder):
            if name.endswith(_LOG) and name not in names and name < oldest:
                (folder / name).unlink(missing_ok=True)

    def _of(self, address: str) -> Path:
        name = quote(address, safe=" @+,=")
        if len(name) > _MOST_NAME:
            name = f"{name[:_MOST_NAME]}-{checksum(address.encode('utf-8', 'surrogatepass')).hex()}"
        return self._folder / name


def _read(history: Path) -> list[LoggedRun]:
    try:
        lines = history.read_bytes().splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        with contextlib.suppress(msgspec.DecodeError):
            found.append(msgspec.json.decode(line, type=LoggedRun))
    return found
