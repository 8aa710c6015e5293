"""A bucket in memory, for tests and for trying things out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from dvcx.storage.bucket import AlreadyThere, BucketFile, NotThere, Part


class MemoryBucket:
    """Files in a dictionary; `clock` gives the times of writing. See `Bucket`."""

    def __init__(self, label: str = "memory", clock: Callable[[], float] = time.time) -> None:
        self._label = label
        self._clock = clock
        self._lock = threading.Lock()
        self.files: dict[str, tuple[bytes, float]] = {}

    @property
    def label(self) -> str:
        """How messages call the bucket."""
        return self._label

    def list(self, prefix: str) -> Iterator[BucketFile]:
        """Gives every file whose name starts with `prefix`."""
        with self._lock:
            found = [BucketFile(n, len(d), t) for n, (d, t) in self.files.items() if n.startswith(prefix)]
        return iter(found)

    def stat(self, name: str) -> BucketFile | None:
        """Gives what is known of one file, or None."""
        with self._lock:
            held = self.files.get(name)
        return None if held is None else BucketFile(name, len(held[0]), held[1])

    def read(self, name: str) -> bytes:
        """Gives the whole content of a file; raises `NotThere`."""
        with self._lock:
            held = self.files.get(name)
        if held is None:
            raise NotThere(f"{self._label} has no file {name}")
        return held[0]

    def read_range(self, name: str, start: int, end: int) -> bytes:
        """Gives the bytes from `start` up to `end`; raises `NotThere`."""
        return self.read(name)[start:end]

    def write(self, name: str, parts: Sequence[Part], *, exclusive: bool = False) -> None:
        """Makes the joined `parts` the content of a file; see `Bucket.write`."""
        data = b"".join(parts)
        with self._lock:
            if exclusive and name in self.files:
                raise AlreadyThere(f"{self._label} has a file {name} already")
            self.files[name] = (data, self._clock())

    def write_later(self, name: str, parts: Sequence[Part]) -> None:
        """Does the same as `write`, at once."""
        self.write(name, parts)

    def settle(self) -> None:
        """Has nothing to wait for."""

    def delete(self, names: Iterable[str]) -> None:
        """Removes files."""
        with self._lock:
            for name in names:
                self.files.pop(name, None)
