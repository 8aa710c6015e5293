"""Buckets around a bucket: one that tries again, one that counts, one that writes nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from dvcx.base.errors import Refused
from dvcx.storage.bucket import AlreadyThere, Bucket, BucketFile, Part, TakesFiles, Unavailable
from dvcx.storage.retrying import retried

_Result = TypeVar("_Result")


class RetryingBucket:
    """Tries again what failed with `Unavailable`, at most `attempts` times: see `retried`.

    A write whose answer was lost and that finds its own file there is no error.
    """

    def __init__(self, inner: Bucket, attempts: int = 6, sleep: Callable[[float], None] = time.sleep) -> None:
        self._inner = inner
        self._attempts = attempts
        self._sleep = sleep

    @property
    def label(self) -> str:
        """How messages call the bucket."""
        return self._inner.label

    def list(self, prefix: str) -> Iterator[BucketFile]:
        """Gives every file whose name starts with `prefix`."""
        return iter(self._tried(lambda: list(self._inner.list(prefix))))

    def stat(self, name: str) -> BucketFile | None:
        """Gives what is known of one file, or None."""
        return self._tried(lambda: self._inner.stat(name))

    def read(self, name: str) -> bytes:
        """Gives the whole content of a file; raises `NotThere`."""
        return self._tried(lambda: self._inner.read(name))

    def read_range(self, name: str, start: int, end: int) -> bytes:
        """Gives the bytes from `start` up to `end`; raises `NotThere`."""
        return self._tried(lambda: self._inner.read_range(name, start, end))

    def write(self, name: str, parts: Sequence[Part], *, exclusive: bool = False) -> None:
        """Makes the joined `parts` the content of a file; see `Bucket.write`."""
        failed = False

        def attempt() -> None:
            nonlocal failed
            try:
                self._inner.write(name, parts, exclusive=exclusive)
            except Unavailable:
                failed = True
                raise
            except AlreadyThere:
                if not failed or self._inner.read(name) != b"".join(parts):
                    raise

        self._tried(attempt)

    def write_file(self, name: str, source: Path) -> None:
        """Makes the content of the file `source` that of a file; see `TakesFiles`."""
        inner = self._inner
        if isinstance(inner, TakesFiles):
            self._tried(lambda: inner.write_file(name, source))
        else:
            self.write(name, [source.read_bytes()])

    def write_later(self, name: str, parts: Sequence[Part]) -> None:
        """Takes a file that is there when `settle` returns."""
        self._tried(lambda: self._inner.write_later(name, parts))

    def settle(self) -> None:
        """Waits for what was given to `write_later`."""
        self._tried(self._inner.settle)

    def delete(self, names: Iterable[str]) -> None:
        """Removes files; those that are not there are passed over."""
        some = list(names)
        self._tried(lambda: self._inner.delete(some))

    def _tried(self, call: Callable[[], _Result]) -> _Result:
        return retried(call, self._attempts, self._sleep)


@dataclass(slots=True)
class Counts:
    """What was asked of a bucket: requests by kind, bytes read and written."""

    listings: int = 0
    stats: int = 0
    reads: int = 0
    writes: int = 0
    deletes: int = 0
    bytes_read: int = 0
    bytes_written: int = 0

    @property
    def requests(self) -> int:
        """All requests together."""
        return self.listings + self.stats + self.reads + self.writes + self.deletes


class CountingBucket:
    """Counts in `counts` what is asked of the bucket inside. A listing and a deletion count once, however long."""

    def __init__(self, inner: Bucket) -> None:
        self._inner = inner
        self._lock = threading.Lock()
        self.counts = Counts()

    @property
    def label(self) -> str:
        """How messages call the bucket."""
        return self._inner.label

    def list(self, prefix: str) -> Iterator[BucketFile]:
        """Gives every file whose name starts with `prefix`."""
        with self._lock:
            self.counts.listings += 1
        return self._inner.list(prefix)

    def stat(self, name: str) -> BucketFile | None:
        """Gives what is known of one file, or None."""
        with self._lock:
            self.counts.stats += 1
        return self._inner.stat(name)

    def read(self, name: str) -> bytes:
        """Gives the whole content of a file; raises `NotThere`."""
        return self._counted(lambda: self._inner.read(name))

    def read_range(self, name: str, start: int, end: int) -> bytes:
        """Gives the bytes from `start` up to `end`; raises `NotThere`."""
        return self._counted(lambda: self._inner.read_range(name, start, end))

    def write(self, name: str, parts: Sequence[Part], *, exclusive: bool = False) -> None:
        """Makes the joined `parts` the content of a file; see `Bucket.write`."""
        with self._lock:
            self.counts.writes += 1
            self.counts.bytes_written += sum(len(part) for part in parts)
        self._inner.write(name, parts, exclusive=exclusive)

    def write_later(self, name: str, parts: Sequence[Part]) -> None:
        """Takes a file that is there when `settle` returns."""
        with self._lock:
            self.counts.writes += 1
            self.counts.bytes_written += sum(len(part) for part in parts)
        self._inner.write_later(name, parts)

    def settle(self) -> None:
        """Waits for what was given to `write_later`."""
        self._inner.settle()

    def delete(self, names: Iterable[str]) -> None:
        """Removes files; those that are not there are passed over."""
        with self._lock:
            self.counts.deletes += 1
        self._inner.delete(names)

    def _counted(self, call: Callable[[], bytes]) -> bytes:
        with self._lock:
            self.counts.reads += 1
        data = call()
        with self._lock:
            self.counts.bytes_read += len(data)
        return data


class ReadOnlyBucket:
    """Reads like the bucket inside; every write is `Refused`."""

    def __init__(self, inner: Bucket) -> None:
        self._inner = inner

    @property
    def label(self) -> str:
        """How messages call the bucket."""
        return self._inner.label

    def list(self, prefix: str) -> Iterator[BucketFile]:
        """Gives every file whose name starts with `prefix`."""
        return self._inner.list(prefix)

    def stat(self, name: str) -> BucketFile | None:
        """Gives what is known of one file, or None."""
        return self._inner.stat(name)

    def read(self, name: str) -> bytes:
        """Gives the whole content of a file; raises `NotThere`."""
        return self._inner.read(name)

    def read_range(self, name: str, start: int, end: int) -> bytes:
        """Gives the bytes from `start` up to `end`; raises `NotThere`."""
        return self._inner.read_range(name, start, end)

    def write(self, name: str, parts: Sequence[Part], *, exclusive: bool = False) -> None:
        """Raises `Refused`."""
        raise self._refused()

    def write_later(self, name: str, parts: Sequence[Part]) -> None:
        """Raises `Refused`."""
        raise self._refused()

    def settle(self) -> None:
        """Has nothing to wait for."""

    def delete(self, names: Iterable[str]) -> None:
        """Raises `Refused`."""
        raise self._refused()

    def _refused(self) -> Refused:
        return Refused(f"{self.label} is only read here", "use another remote to write to")
