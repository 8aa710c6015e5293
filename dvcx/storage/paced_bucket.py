"""A bucket around a bucket that keeps to a number of bytes a second, whatever the number of requests at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from dvcx.storage.bucket import Bucket, BucketFile, Part
from dvcx.storage.moved import listener, listening

_SMALLEST_READ = 256 << 10


class Pace:
    """Books bytes one after the other on a line of `rate` bytes a second, for many threads."""

    def __init__(
        self,
        rate: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.rate = rate
        self._clock = clock
        self._sleep = sleep
        self._free_at = clock()
        self._lock = threading.Lock()

    def take(self, size: int) -> None:
        """Waits until the line has carried all that was booked before, and books `size` bytes."""
        with self._lock:
            now = self._clock()
            start = max(now, self._free_at)
            self._free_at = start + size / self.rate
        if start > now:
            self._sleep(start - now)


class PacedBucket:
    """Reads and writes like the bucket inside, on average `pace.rate` bytes a second in both directions together.

    A file that is written goes in one piece, at the speed of the line, and what follows waits for it. Reads of more
    than half a second's bytes are cut into several.
    """

    def __init__(self, inner: Bucket, pace: Pace) -> None:
        self._inner = inner
        self._pace = pace
        self._step = max(_SMALLEST_READ, int(pace.rate / 2))

    @property
    def label(self) -> str:
        """How messages call the bucket."""
        return self._inner.label

    def list(self, prefix: str) -> Iterator[BucketFile]:
        """Gives every file whose name starts with `prefix`; the bytes of listings are not counted."""
        return self._inner.list(prefix)

    def stat(self, name: str) -> BucketFile | None:
        """Gives what is known of one file, or None."""
        return self._inner.stat(name)

    def read(self, name: str) -> bytes:
        """Gives the whole content of a file; what follows waits for it. Raises `NotThere`."""
        self._pace.take(0)
        data = self._inner.read(name)
        self._pace.take(len(data))
        return data

    def read_range(self, name: str, start: int, end: int) -> bytes:
        """Gives the bytes from `start` up to `end`; raises `NotThere`."""
        pieces: list[bytes] = []
        listens = listener()
        for low in range(start, end, self._step):
            high = min(low + self._step, end)
            self._pace.take(high - low)
            with listening(None):
                pieces.append(self._inner.read_range(name, low, high))
            if listens is not None:
                listens(high - start)
            if len(pieces[-1]) < high - low:
                break
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def write(self, name: str, parts: Sequence[Part], *, exclusive: bool = False) -> None:
        """Makes the joined `parts` the content of a file; see `Bucket.write`."""
        self._pace.take(sum(map(len, parts)))
        self._inner.write(name, parts, exclusive=exclusive)

    def write_later(self, name: str, parts: Sequence[Part]) -> None:
        """Takes a file that is there when `settle` returns."""
        self._pace.take(sum(map(len, parts)))
        self._inner.write_later(name, parts)

    def settle(self) -> None:
        """Waits for what was given to `write_later`."""
        self._inner.settle()

    def delete(self, names: Iterable[str]) -> None:
        """Removes files; those that are not there are passed over."""
        self._inner.delete(names)
