"""Copying and hashing an open file in one pass: one thread hashes while the other writes."""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor

from dvcx.base.files import begin_flush, write_all
from dvcx.base.hashing import Hasher

_BLOCK = 4 << 20
_TWO_THREADS_ABOVE = 8 << 20


def hash_and_copy(source: int, hasher: Hasher, target: int | None, size: int) -> int:
    """Reads `source` from its start to its end into `hasher`, and into `target` when there is one.

    `size` (bytes) is the expected length. Gives the number of bytes read. Raises `OSError` as reading and writing do.
    """
    if size < _TWO_THREADS_ABOVE:
        return _in_one_thread(source, hasher, target, size)
    offset = 0
    buffers = [memoryview(bytearray(_BLOCK)) for _ in range(2)]
    with ThreadPoolExecutor(1) as pool:
        hashing: Future[object] | None = None
        turn = 0
        while count := os.preadv(source, [buffers[turn]], offset):
            block = buffers[turn][:count]
            if hashing is not None:
                hashing.result()
            hashing = pool.submit(hasher.update, block)
            if target is not None:
                write_all(target, block)
                begin_flush(target, offset, count)
            offset += count
            turn = 1 - turn
        if hashing is not None:
            hashing.result()
    return offset


def _in_one_thread(source: int, hasher: Hasher, target: int | None, size: int) -> int:
    offset = 0
    buffer = memoryview(bytearray(min(_BLOCK, size + 1)))
    while count := os.preadv(source, [buffer], offset):
        hasher.update(buffer[:count])
        if target is not None:
            write_all(target, buffer[:count])
        offset += count
    return offset
