"""A pool of threads that nobody waits for after Control-C."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


@contextmanager
def workers(threads: int, name: str) -> Iterator[ThreadPoolExecutor]:
    """Gives a pool of `threads` threads called `name`. At the end of the block all its work is done.

    After an error what has not begun is not begun any more, and what has is waited for; after Control-C nothing is
    waited for: a thread may be stuck on a line over which nothing comes.
    """
    pool = ThreadPoolExecutor(max(1, threads), thread_name_prefix=name)
    try:
        yield pool
    except (KeyboardInterrupt, GeneratorExit):  # a generator is left this way when it happens to who uses it
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    except BaseException:
        pool.shutdown(cancel_futures=True)
        raise
    pool.shutdown()
