"""Running a stage: its commands one after the other, again when it may be tried again, with a log of it all."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dvcx.model.stage import Stage
from dvcx.pipeline.process import CommandRun, Ending, Stop, run_command
from dvcx.pipeline.run_log import LoggedRun, RunLogs

_PAUSE = 1.0
"""Seconds before a stage is tried again; twice as long each time."""
_MOST_PAUSE = 60.0


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where stages run: the project, its logs, what they find in their environment, and how to end them."""

    root: Path
    logs: RunLogs
    environment: Mapping[str, str]
    stop: Stop


def run_stage(
    stage: Stage,
    workshop: Workshop,
    tell: Callable[[str], None] | None = None,
    reasons: tuple[str, ...] = (),
) -> LoggedRun:
    """Runs the stage's commands and gives how that ended; the first command that fails is the last one.

    What they write is told line by line and kept in the log. Raises `OSError` when a command cannot be started: its
    folder is not there, there are too many processes.
    """
    log = workshop.logs.begin(stage.address)
    environment = {"PYTHONUNBUFFERED": "1", **workshop.environment, **_own_variables(stage, workshop)}
    began = time.monotonic()
    tries, peak = 0, 0
    try:
        while True:
            tries += 1
            ended, largest = _one_try(stage, workshop, environment, log.fd, tell)
            peak = max(peak, largest)
            if ended.worked or ended.ending is Ending.STOPPED or tries > stage.retries or workshop.stop.asked:
                break
            _note(log.fd, f"# dvcx: try {tries} of {1 + stage.retries} ended with {_how(ended)}; trying again\n", tell)
            _wait(min(_PAUSE * 2 ** (tries - 1), _MOST_PAUSE), workshop.stop)
    finally:
        os.close(log.fd)
    run = LoggedRun(
        started=log.started,
        seconds=time.monotonic() - began,
        code=ended.code,
        ending=ended.ending.value,
        peak_memory=peak,
        tries=tries,
        log=log.path.name,
        cmd=stage.cmd,
        reasons=reasons,
    )
    workshop.logs.end(stage.address, run)
    return run


def ending_text(run: LoggedRun, timeout: float | None = None) -> str:
    """Gives how a run ended, in words: `exit code 3`."""
    if run.ending == Ending.TIMEOUT.value:
        return f"no end after {timeout:g} s" if timeout is not None else "no end in time"
    if run.ending == Ending.STOPPED.value:
        return "stopped"
    return f"signal {-run.code}" if run.code < 0 else f"exit code {run.code}"


def _one_try(
    stage: Stage, workshop: Workshop, environment: Mapping[str, str], log: int, tell: Callable[[str], None] | None
) -> tuple[CommandRun, int]:
    peak = 0
    deadline = None if stage.timeout is None else time.monotonic() + stage.timeout
    ended = CommandRun(0, 0.0, 0, Ending.ITSELF)
    for line in stage.cmd:
        _note(log, f"$ {line}\n")
        rest = None if deadline is None else max(0.0, deadline - time.monotonic())
        ended = run_command(
            line, workshop.root / stage.wdir, environment, log, timeout=rest, stop=workshop.stop, tell=tell
        )
        peak = max(peak, ended.peak_memory)
        if not ended.worked:
            break
    return ended, peak


def _own_variables(stage: Stage, workshop: Workshop) -> dict[str, str]:
    return {"DVCX_ROOT": str(workshop.root), "DVCX_STAGE": stage.address}


def _note(log: int, text: str, tell: Callable[[str], None] | None = None) -> None:
    try:
        os.write(log, text.encode("utf-8", "surrogateescape"))
    except OSError:
        pass  # a full disk cuts the log off
    if tell is not None:
        tell(text.rstrip("\n"))


def _how(ended: CommandRun) -> str:
    if ended.ending is Ending.TIMEOUT:
        return "no end in time"
    return f"signal {-ended.code}" if ended.code < 0 else f"exit code {ended.code}"


def _wait(seconds: float, stop: Stop) -> None:
    until = time.monotonic() + seconds
    while not stop.asked and (rest := until - time.monotonic()) > 0:
        time.sleep(min(rest, 0.1))
