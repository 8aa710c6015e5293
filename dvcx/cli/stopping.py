"""Control-C, and what job systems send, while commands of stages run."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

from dvcx.pipeline.process import Stop


@contextlib.contextmanager
def stopping(stop: Stop) -> Iterator[None]:
    """Makes Control-C, and what a job system sends, end the commands instead of us: what is complete is recorded."""

    def ask(number: int, frame: FrameType | None) -> None:
        stop.ask()

    before = {}
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        try:
            before[number] = signal.signal(number, ask)
        except ValueError:  # not in the main thread
            break
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
