"""Reading parts of objects: from memory, from a file, or of a large object on a remote only the chunks touched.

All of these may be asked by many threads at once. What comes from a remote is verified chunk by chunk. A whole file
that is read from its start to its end is verified at its end, a small one before its first byte.
"""

from __future__ import annotations

import os
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from dvcx.base.errors import ArrivedDamaged, DamagedData
from dvcx.base.files import read_exactly
from dvcx.base.hashing import Algorithm, Hasher, hash_open_file
from dvcx.formats.recipe import Recipe
from dvcx.storage.remote import Remote

_VERIFIED_FIRST = 64 << 20
"""Files up to this many bytes are hashed before anything of them is given: 20 ms."""
_LEAST_AHEAD = 512 << 10
_MOST_AHEAD = 8 << 20
_HELD = 64 << 20
"""Bytes of chunks that are held in memory, for all files of one view together."""

Range = tuple[int, int]
KeepChunks = Callable[[Mapping[bytes, bytes]], None]


class Bytes(Protocol):
    """The content of one file, of which any part can be read."""

    @property
    def size(self) -> int:
        """Bytes in the file."""

    def read(self, start: int, end: int) -> bytes:
        """Gives the bytes from `start` up to `end`, or up to the end of the file; raises `DamagedData`."""

    def read_ranges(self, ranges: Sequence[Range]) -> list[bytes]:
        """Gives what `read` gives for each of `ranges`, with as few requests as that takes."""

    def close(self) -> None:
        """Gives back what is held open; nothing may be read afterwards."""


class HeldBytes:
    """A small object in memory, verified already."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    def read(self, start: int, end: int) -> bytes:
        """See `Bytes`."""
        return self._data[start:end]

    def read_ranges(self, ranges: Sequence[Range]) -> list[bytes]:
        """See `Bytes`."""
        return [self._data[start:end] for start, end in ranges]

    def close(self) -> None:
        """See `Bytes`."""


class _WholeCheck:
    """Hashes what is read from the start of an object to its end, and then tells whether it is `digest`'s.

    Reads here and there do not disturb it: what comes next in order counts, whoever reads it.
    """

    def __init__(self, algorithm: Algorithm, digest: bytes, size: int, error: Callable[[], DamagedData]) -> None:
        self._hasher: Hasher | None = algorithm.new()
        self._digest, self._size, self._error = digest, size, error
        self._hashed = 0
        self._lock = threading.Lock()

    def see(self, start: int, data: bytes) -> None:
        """Takes note of bytes that were read from `start` on; raises the error when they end a wrong object."""
        with self._lock:
            if self._hasher is None or not start <= self._hashed < start + len(data):
                return
            self._hasher.update(memoryview(data)[self._hashed - start :])
            self._hashed = start + len(data)
            if self._hashed == self._size:
                hasher, self._hasher = self._hasher, None
                if hasher.digest() != self._digest:
                    raise self._error()


class FileBytes:
    """An open file of this machine; takes over the descriptor `fd`.

    With a `digest`, which `shown_as` explains in the error, the content has to be the one of that name.
    """

    def __init__(
        self, fd: int, algorithm: Algorithm | None = None, digest: bytes | None = None, shown_as: str = ""
    ) -> None:
        self._fd = fd
        self._lock = threading.Lock()
        self._shown_as = shown_as
        self.size = os.fstat(fd).st_size
        self._check: _WholeCheck | None = None
        self._closed = False
        if algorithm is not None and digest is not None:
            if self.size > _VERIFIED_FIRST:
                self._check = _WholeCheck(algorithm, digest, self.size, self._damaged)
            elif hash_open_file(algorithm, fd, self.size)[0] != digest:
                os.close(fd)
                raise self._damaged()

    def read(self, start: int, end: int) -> bytes:
        """See `Bytes`."""
        data = read_exactly(self._fd, max(0, min(end, self.size) - start), start)
        if self._check is not None:
            self._check.see(start, data)
        return data

    def read_ranges(self, ranges: Sequence[Range]) -> list[bytes]:
        """See `Bytes`."""
        return [self.read(start, end) for start, end in ranges]

    def close(self) -> None:
        """See `Bytes`."""
        with self._lock:
            if not self._closed:
                self._closed = True
                os.close(self._fd)

    def _damaged(self) -> DamagedData:
        return DamagedData(
            f"the cached content of {self._shown_as} is damaged: its bytes are not what its name says",
            "run `dvcx fsck --repair` to set it aside and fetch a good copy",
        )


class ChunkShelf:
    """Chunks held in memory, the latest used ones; shared by all files of a view."""

    def __init__(self, most: int = _HELD) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._held: OrderedDict[bytes, bytes] = OrderedDict()
        self._size = 0

    def get(self, digests: Collection[bytes]) -> dict[bytes, bytes]:
        """Gives those of `digests` that are held."""
        with self._lock:
            found = {digest: self._held[digest] for digest in digests if digest in self._held}
            for digest in found:
                self._held.move_to_end(digest)
        return found

    def put(self, chunks: Mapping[bytes, bytes]) -> None:
        """Holds chunks, and lets go of those that were not used for longest."""
        with self._lock:
            for digest, data in chunks.items():
                if digest not in self._held:
                    self._held[digest] = data
                    self._size += len(data)
            while self._size > self._most and len(self._held) > 1:
                self._size -= len(self._held.popitem(last=False)[1])


class ChunkedBytes:
    """The large object `digest` on a remote, which `recipe` makes.

    Reading it in order reads ahead, more with every step; reading here and there does not.

    `nearby` gives those chunks that are on this machine, verified; `keep` is handed what was fetched.
    """

    def __init__(
        self,
        remote: Remote,
        digest: bytes,
        recipe: Recipe,
        shelf: ChunkShelf,
        nearby: Callable[[Collection[bytes]], Mapping[bytes, bytes]] | None = None,
        keep: KeepChunks | None = None,
    ) -> None:
        self._remote, self._shelf, self._nearby, self._keep = remote, shelf, nearby, keep
        self._entries = recipe.entries
        self._lengths = dict(recipe.entries)
        self._starts: list[int] = []
        offset = 0
        for _, length in recipe.entries:
            self._starts.append(offset)
            offset += length
        self.size = recipe.total
        self._check = _WholeCheck(remote.algorithm, digest, recipe.total, lambda: self._damaged(digest))
        self._lock = threading.Lock()
        self._next = 0
        self._ahead = 0

    def read(self, start: int, end: int) -> bytes:
        """See `Bytes`."""
        end = min(end, self.size)
        if start >= end:
            return b""
        numbers = self._numbers(start, end)
        got = self._shelf.get({self._entries[number][0] for number in numbers})
        if len(got) < len({self._entries[number][0] for number in numbers}):
            ahead = self._window(start, end)
            wider = self._numbers(start, min(self.size, end + ahead)) if ahead else numbers
            got |= self._gather({self._entries[number][0] for number in wider} - got.keys())
        with self._lock:
            self._next = end
        data = self._joined(numbers, got, start, end)
        self._check.see(start, data)
        return data

    def read_ranges(self, ranges: Sequence[Range]) -> list[bytes]:
        """See `Bytes`."""
        clipped = [(start, min(end, self.size)) for start, end in ranges]
        numbers = [self._numbers(start, end) if start < end else range(0) for start, end in clipped]
        wanted = {self._entries[number][0] for each in numbers for number in each}
        got = self._shelf.get(wanted)
        got |= self._gather(wanted - got.keys())
        return [
            self._joined(each, got, start, end) if len(each) else b""
            for each, (start, end) in zip(numbers, clipped, strict=True)
        ]

    def close(self) -> None:
        """See `Bytes`."""

    def _damaged(self, digest: bytes) -> ArrivedDamaged:
        what = f"{self._remote.id_text(digest)} on {self._remote.label}"
        return self._remote.arrived_damaged(f"{what} is not what its recipe makes")

    def _window(self, start: int, end: int) -> int:
        """Gives the number of bytes to read beyond what was asked for."""
        with self._lock:
            if start == self._next:
                self._ahead = min(max(_LEAST_AHEAD, 2 * self._ahead), _MOST_AHEAD) if start else _LEAST_AHEAD
            else:
                self._ahead = 0
            return self._ahead

    def _numbers(self, start: int, end: int) -> range:
        return range(bisect_right(self._starts, start) - 1, bisect_right(self._starts, end - 1))

    def _joined(self, numbers: range, got: Mapping[bytes, bytes], start: int, end: int) -> bytes:
        first = self._starts[numbers[0]]
        if len(numbers) == 1:
            return got[self._entries[numbers[0]][0]][start - first : end - first]
        whole = b"".join(got[self._entries[number][0]] for number in numbers)
        return whole[start - first : end - first]

    def _gather(self, wanted: Collection[bytes]) -> dict[bytes, bytes]:
        if not wanted:
            return {}
        got = dict(self._nearby(wanted)) if self._nearby is not None else {}
        far = {
            place.record.digest: data
            for place, data in self._remote.fetch(self._remote.locate([d for d in wanted if d not in got]))
        }
        if far and self._keep is not None:
            self._keep(far)
        got |= far
        self._check_lengths(got)
        self._shelf.put(got)
        return got

    def _check_lengths(self, got: Mapping[bytes, bytes]) -> None:
        for digest, data in got.items():
            if len(data) != self._lengths[digest]:
                where = f"the chunk {digest.hex()} on {self._remote.label}"
                raise self._remote.arrived_damaged(f"{where} is not as long as its recipe says")
