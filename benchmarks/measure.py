"""What a command costs (seconds, CPU, peak memory) and what a folder holds (files, bytes)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LAUNCHER = Path(__file__).with_name("launch.py")


class StepError(Exception):
    """A tool ended with an unexpected exit code, or left the wrong data behind."""


@dataclass(frozen=True, slots=True)
class Command:
    """One process to start: absolute program first."""

    words: Sequence[str]
    folder: Path
    environment: Mapping[str, str]
    log: Path


@dataclass(frozen=True, slots=True)
class Cost:
    """Wall and CPU time in seconds; peak memory in bytes of the largest single process."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Usage:
    """What lies in a folder: files, the sum of their sizes, the bytes that the file system gave them."""

    files: int
    bytes: int
    allocated: int


def run(commands: Sequence[Command], *, expect: int = 0) -> Cost:
    """Run whole processes one after the other; times add up, memory is the largest. Raises StepError."""
    costs = [_run_one(command, expect) for command in commands]
    return Cost(
        seconds=sum(cost.seconds for cost in costs),
        cpu_seconds=sum(cost.cpu_seconds for cost in costs),
        peak_bytes=max(cost.peak_bytes for cost in costs),
    )


def _run_one(command: Command, expect: int) -> Cost:
    command.log.parent.mkdir(parents=True, exist_ok=True)
    with command.log.open("a") as log:
        log.write(f"$ {' '.join(command.words)}\n")
    launched = subprocess.run(
        [sys.executable, "-I", "-S", str(LAUNCHER), str(command.log), str(command.folder), *command.words],
        env=dict(command.environment),
        stdout=subprocess.PIPE,
        check=True,
    )
    cost = json.loads(launched.stdout)
    if cost["exit_code"] != expect:
        tail = "\n".join(command.log.read_text(errors="replace").splitlines()[-15:])
        raise StepError(f"exit code {cost['exit_code']} (expected {expect}) from {' '.join(command.words)}\n{tail}")
    return Cost(cost["seconds"], cost["cpu_seconds"], cost["peak_bytes"])


def usage(folders: Sequence[Path], *, without: Path | None = None) -> Usage:
    """Count the files below the folders, leaving out one subfolder."""
    files = size = allocated = 0
    for folder in folders:
        for entry in _files_below(folder, without):
            stat = entry.stat(follow_symlinks=False)
            files, size, allocated = files + 1, size + stat.st_size, allocated + stat.st_blocks * 512
    return Usage(files, size, allocated)


def _files_below(folder: Path | str, without: Path | None) -> Iterator[os.DirEntry[str]]:
    if not os.path.isdir(folder):
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if without is not None and entry.path == str(without):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _files_below(entry.path, without)
            else:
                yield entry
