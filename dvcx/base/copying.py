"""Copying and hashing an open file in one pass: one thread hashes while the other writes."""

from __future__ import annotations

import mmap
import os
from typing import TYPE_CHECKING

from dvcx.base.direct import write_direct
from dvcx.base.files import begin_flush, write_all
from dvcx.base.hashing import Hasher

if TYPE_CHECKING:
    from concurrent.futures import Future

_BLOCK = 4 << 20
_TWO_THREADS_ABOVE = 8 << 20


def hash_and_copy(source: int, hasher: Hasher, target: int | None, size: int, *, past_page_cache: bool = False) -> int:
    """Reads `source` from its start to its end into `hasher`, and into `target` when there is one.

    `size` (bytes) is the expected length. With `past_page_cache` a large copy that nobody reads soon does not push
    other files out of memory. Gives the number of bytes read. Raises `OSError` as reading and writing do.
    """
    if size < _TWO_THREADS_ABOVE:
        return _in_one_thread(source, hasher, target, size)
    from concurrent.futures import ThreadPoolExecutor  # 4 ms that small files do not pay

    offset = 0
    buffers = [memoryview(mmap.mmap(-1, _BLOCK)) for _ in range(2)]  # direct writes want memory that starts on a page
    with ThreadPoolExecutor(1) as pool:
        hashing: Future[object] | None = None
        turn = 0
        while count := os.preadv(source, [buffers[turn]], offset):
            block = buffers[turn][:count]
            if hashing is not None:
                hashing.result()
            hashing = pool.submit(hasher.update, block)
            if target is not None:
                written = write_direct(target, block) if past_page_cache else 0
                write_all(target, block[written:])
                begin_flush(target, offset + written, count - written)
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
