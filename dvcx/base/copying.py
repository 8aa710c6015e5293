"""Copying and hashing in one pass: one thread hashes a block while another writes it and the next one is read."""

from __future__ import annotations

import mmap
import os
from collections import deque
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

from dvcx.base.direct import read_direct, write_direct
from dvcx.base.files import begin_flush, write_all
from dvcx.base.hashing import Hasher

if TYPE_CHECKING:
    from concurrent.futures import Future

_BLOCK = 8 << 20
_BLOCKS = 3
"""One that is filled, one that waits or is written, one that is hashed."""
_SMALL_BLOCK = 4 << 20
_THREADS_ABOVE = 8 << 20


def hash_and_copy(source: int, hasher: Hasher, target: int | None, size: int, *, past_page_cache: bool = False) -> int:
    """Reads `source` from its start to its end into `hasher`, and into `target` when there is one.

    `size` (bytes) is the expected length. With `past_page_cache` what memory does not hold of a large file is read
    without being kept there. Gives the number of bytes read. Raises `OSError` as reading and writing do.
    """
    if size < _THREADS_ABOVE:
        return _in_one_thread(source, hasher, target, size)
    offset = 0
    with HashingSink(hasher, target) as sink:
        while True:
            room = sink.room()
            count = read_direct(source, room, offset) if past_page_cache else os.preadv(source, [room], offset)
            if not count:
                break
            sink.fill(count)
            offset += count
    return offset


class HashingSink:
    """Takes a stream of bytes into `hasher`, and from the position of `target` on into that when there is one.

    With `copy`, an empty file, the same bytes go there in the ordinary way, for a program that reads them next, and
    into `target` past the page cache. `copied` tells in the end whether the copy is whole: it may fail, the rest not.
    As a context: at its end all has been hashed and written, also after an error, so that what came in is not lost.
    """

    def __init__(self, hasher: Hasher, target: int | None, copy: int | None = None) -> None:
        from concurrent.futures import ThreadPoolExecutor  # 4 ms that small files do not pay

        self._hasher = hasher
        self._target = target
        self._copy = copy
        self.copied = copy is not None
        self._hashing = ThreadPoolExecutor(1, thread_name_prefix="dvcx-hash")
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="dvcx-write")
        self._copying = ThreadPoolExecutor(1, thread_name_prefix="dvcx-copy")
        # Memory that starts on a page: direct reads want it.
        self._free = deque(memoryview(mmap.mmap(-1, _BLOCK)) for _ in range(_BLOCKS))
        self._busy: deque[tuple[memoryview, list[Future[object]]]] = deque()
        self._block = self._free.popleft()
        self._filled = 0
        self._offset = os.lseek(target, 0, os.SEEK_CUR) if target is not None else 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            with suppress(*((OSError,) if error is not None else ())):
                self._send()
                while self._busy:
                    self._wait()
        finally:
            self._hashing.shutdown(cancel_futures=True)
            self._writing.shutdown(cancel_futures=True)
            self._copying.shutdown(cancel_futures=True)

    def room(self) -> memoryview:
        """Gives the memory that the next bytes go to; it is never empty."""
        if self._filled == len(self._block):
            self._send()
            if not self._free:
                self._wait()
            self._block = self._free.popleft()
            self._filled = 0
        return self._block[self._filled :]

    def fill(self, count: int) -> None:
        """Takes the first `count` bytes of what `room` gave."""
        self._filled += count

    def write(self, data: bytes | memoryview) -> None:
        """Takes all of `data`."""
        rest = memoryview(data)
        while rest:
            room = self.room()
            count = min(len(rest), len(room))
            room[:count] = rest[:count]
            self.fill(count)
            rest = rest[count:]

    def _send(self) -> None:
        if not self._filled:
            return
        block = self._block[: self._filled]
        work: list[Future[object]] = [self._hashing.submit(self._hasher.update, block)]
        if self._target is not None:
            work.append(self._writing.submit(self._write, self._target, block, self._offset))
        if self.copied:
            work.append(self._copying.submit(self._write_copy, block, self._offset))
        self._busy.append((self._block, work))
        self._offset += self._filled
        self._filled = 0

    def _wait(self) -> None:
        """Waits for the oldest block, and has it free. Raises what went wrong with it."""
        block, work = self._busy.popleft()
        for each in work:
            each.result()
        self._free.append(block)

    def _write(self, target: int, block: memoryview, offset: int) -> None:
        # Through memory, unless the copy is there already: it is read soon, by a checkout, a push or a program.
        done = write_direct(target, block) if self._copy is not None else 0
        _write_and_begin_flush(target, block[done:], offset + done)

    def _write_copy(self, block: memoryview, offset: int) -> None:
        assert self._copy is not None
        try:
            _write_and_begin_flush(self._copy, block, offset)
        except OSError:
            self.copied = False


def _write_and_begin_flush(target: int, block: memoryview, offset: int) -> None:
    if block:
        write_all(target, block)
        begin_flush(target, offset, len(block))


def _in_one_thread(source: int, hasher: Hasher, target: int | None, size: int) -> int:
    offset = 0
    buffer = memoryview(bytearray(min(_SMALL_BLOCK, size + 1)))
    while count := os.preadv(source, [buffer], offset):
        hasher.update(buffer[:count])
        if target is not None:
            write_all(target, buffer[:count])
        offset += count
    return offset
