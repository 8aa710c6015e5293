"""How long work tells how far it is: a protocol that the terminal implements, and a silent one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Task(Protocol):
    """One piece of work under way. Any thread may call it; calls are cheap enough for one a file."""

    def advance(self, n: int = 1) -> None:
        """Adds `n` units to what is done."""

    def done(self) -> None:
        """Ends the task; calling it again does nothing."""


class Progress(Protocol):
    """Where operations report to."""

    def start(self, label: str, total: int | None, unit: str) -> Task:
        """Gives a task called `label` of `total` units (None: not known), each a `unit`: "bytes", "files", "objects".

        A unit of "bytes" is shown as sizes and a rate.
        """


class _Silent:
    """Progress and task at once, telling nothing."""

    def start(self, label: str, total: int | None, unit: str) -> Task:
        return self

    def advance(self, n: int = 1) -> None:
        return None

    def done(self) -> None:
        return None


SILENT: Progress = _Silent()


@contextmanager
def task(progress: Progress, label: str, total: int | None, unit: str) -> Iterator[Task]:
    """Starts a task and ends it when the block is left, also by an error."""
    started = progress.start(label, total, unit)
    try:
        yield started
    finally:
        started.done()
