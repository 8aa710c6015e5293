"""How far one request has come: stores that know tell whoever listens in the thread that asks.

A pack or a stretch of one can take minutes over a slow line, and a progress bar should move meanwhile.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from dvcx.base.progress import Task

Listener = Callable[[int], None]
"""Is told the bytes of the request's content that have gone or come so far; fewer when it is tried again."""

_LISTENER: ContextVar[Listener | None] = ContextVar("moved", default=None)


@contextmanager
def listening(listener: Listener | None) -> Iterator[None]:
    """Has `listener` told of the requests that this thread makes in the block; None: nobody listens."""
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)


def listener() -> Listener | None:
    """Gives who listens to the requests of this thread, or None. It may be told by any thread."""
    return _LISTENER.get()


def telling(data: bytes) -> bytes | io.BytesIO:
    """Gives `data` as a library should send it: piece by piece, telling who listens, or as it is when nobody does."""
    listens = listener()
    return data if listens is None else _Told(data, listens)


class _Told(io.BytesIO):
    """Bytes to be sent that tell how far they were read."""

    def __init__(self, data: bytes, told: Listener) -> None:
        super().__init__(data)
        self._told = told

    def read(self, size: int | None = -1, /) -> bytes:
        """Gives the next bytes, and tells how many were given before these: those are sent."""
        self._told(self.tell())
        return super().read(size)


class Steady:
    """Turns what is told of requests into steady progress: `advance` is called with differences, which may be negative.

    For each piece of work: `part` gives a listener that shares in it, and ends it with all that it counts for.
    """

    def __init__(self, advance: Callable[[int], None]) -> None:
        self._advance = advance

    @contextmanager
    def part(self, content: int, stored: int) -> Iterator[None]:
        """Listens in the block to a request of `stored` bytes that counts for `content`, at its end as a whole.

        After an error nothing of it counts.
        """
        done = 0

        def told(moved: int) -> None:
            nonlocal done
            now = min(content, content * moved // max(1, stored))
            step, done = now - done, now
            self._advance(step)

        try:
            with listening(told):
                yield
        except BaseException:
            self._advance(-done)
            raise
        self._advance(content - done)


class Ahead:
    """A task around a task: what comes over a line counts at once, and not again when it is taken in."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._early = 0
        self._lock = threading.Lock()

    def arrived(self, n: int) -> None:
        """Counts bytes that have come; a negative number takes back what came of a request that failed."""
        with self._lock:
            self._early += n
        self._task.advance(n)

    def advance(self, n: int = 1) -> None:
        """Counts bytes that are taken in. See `Task`."""
        with self._lock:
            early = max(0, min(n, self._early))
            self._early -= early
        self._task.advance(n - early)

    def done(self) -> None:
        """Takes back what came and was not needed, and ends the task. See `Task`."""
        with self._lock:
            early, self._early = self._early, 0
        self._task.advance(-early)
        self._task.done()
