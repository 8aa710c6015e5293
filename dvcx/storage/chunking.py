"""Cutting large objects into content-defined chunks, so that an edit changes only the chunks around it.

FastCDC 2020 (Xia et al., "The Design of Fast Content-Defined Chunking for Data Deduplication Based Storage Systems",
IEEE TPDS 31(9)), with the gear table of the paper's own code, seed 0, as pyfastcdc and fastcdc-rs implement it.
"""

from __future__ import annotations

import mmap
import os
import queue
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from dvcx.base.direct import read_direct, read_held
from dvcx.formats.remote_json import Chunking

if TYPE_CHECKING:
    from pyfastcdc import FastCDC

_BLOCK = 8 << 20
"""Bytes read at once."""


class Window(NamedTuple):
    """A stretch of a file in memory and the `(start, end)` of the chunks in it; `buffer` goes back to the pool."""

    data: memoryview
    chunks: list[tuple[int, int]]
    buffer: mmap.mmap


class Closed(Exception):
    """There are no buffers any more: the transfer was given up."""


class Buffers:
    """A fixed number of buffers: who needs one while all are in use waits, which bounds the memory of a transfer.

    They start on a page of memory, so that a disk can take them without another copy.
    """

    def __init__(self, count: int, size: int) -> None:
        self._free: queue.SimpleQueue[mmap.mmap | None] = queue.SimpleQueue()
        self.size = size
        self._closed = False
        for _ in range(count):
            self._free.put(None)  # made when first needed

    def take(self) -> mmap.mmap:
        """Gives a buffer, waiting until one is free; raises `Closed`."""
        buffer = self._free.get()
        if self._closed:
            self._free.put(None)
            raise Closed
        return buffer or mmap.mmap(-1, self.size)

    def give_back(self, buffer: mmap.mmap) -> None:
        """Takes a buffer back; nobody may look at it any more."""
        self._free.put(buffer)

    def close(self) -> None:
        """Ends the waiting for buffers: from now on `take` raises `Closed`."""
        self._closed = True
        self._free.put(None)


def cutter(chunking: Chunking) -> FastCDC:
    """Gives the chunker for these parameters; it is for one thread."""
    from pyfastcdc import FastCDC  # it takes 30 ms, which only a push of large objects pays

    return FastCDC(
        chunking.average,
        min_size=chunking.minimum,
        max_size=chunking.maximum,
        normalized_chunking=chunking.normalization,  # type: ignore[arg-type]  # checked when it was parsed
    )


def window_buffers(count: int, chunking: Chunking, window: int) -> Buffers:
    """Gives buffers for `windows`, which cut about `window` bytes at a time, and never less than one chunk."""
    return Buffers(count, max(window, chunking.maximum) + chunking.maximum)


def cut_memory(data: bytes, chunking: Chunking) -> list[tuple[int, int]]:
    """Gives the `(start, end)` of the chunks of `data`."""
    return [(chunk.offset, chunk.offset + chunk.length) for chunk in cutter(chunking).cut_buf(data)]


def windows(fd: int, chunking: Chunking, buffers: Buffers) -> Iterator[Window]:
    """Cuts an open file from its present position to its end, a window at a time, the next one while one is in use.

    The chunks are those that cutting the whole file at once would give: where a chunk ends depends on the bytes from
    its start to at most `maximum` further on, so a chunk counts only when that many bytes were at hand or the file
    ended. Each window's buffer must be given back to `buffers`, which has to have two at least.
    """
    cutting = _cut_windows(fd, chunking, buffers)
    with ThreadPoolExecutor(1, thread_name_prefix="dvcx-cut") as pool:
        coming = pool.submit(next, cutting, None)
        while (window := coming.result()) is not None:
            coming = pool.submit(next, cutting, None)
            yield window


def _cut_windows(fd: int, chunking: Chunking, buffers: Buffers) -> Iterator[Window]:
    chunker = cutter(chunking)
    reading = _Reading(fd)
    window = buffers.size - chunking.maximum
    rest = b""
    ended = False
    while not ended:
        buffer = buffers.take()
        view = memoryview(buffer)
        view[: len(rest)] = rest
        filled = len(rest)
        while filled < window and not ended:
            count = reading.into(view[filled : window + len(rest)])
            filled += count
            ended = count == 0
        chunks, end = _settled(chunker, view[:filled], 0 if ended else chunking.maximum)
        rest = bytes(view[end:filled])
        yield Window(view[:end], chunks, buffer)


class _Reading:
    """Reads a file from its present position on, past the page cache: it is read once, and soon forgotten."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._offset = os.lseek(fd, 0, os.SEEK_CUR)
        self._block = memoryview(mmap.mmap(-1, _BLOCK))  # starts on a page, as what is filled from it does not

    def into(self, view: memoryview) -> int:
        """Reads at most as many bytes as `view` has, and gives their number; 0 at the end of the file."""
        part = view[:_BLOCK]
        count = read_held(self._fd, part, self._offset)
        if count is None:
            block = self._block[: len(part)]
            count = read_direct(self._fd, block, self._offset)
            view[:count] = block[:count]
        self._offset += count
        return count


def _settled(chunker: FastCDC, data: memoryview, needed: int) -> tuple[list[tuple[int, int]], int]:
    """Gives the chunks that start at least `needed` bytes before the end of `data`, and where the last one ends."""
    chunks: list[tuple[int, int]] = []
    end = 0
    for chunk in chunker.cut_buf(data):
        if chunk.offset + needed > len(data):
            break
        end = chunk.offset + chunk.length
        chunks.append((chunk.offset, end))
    return chunks, end
