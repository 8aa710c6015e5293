"""What a kind of store has to do for a bucket, and how its requests run on the one event loop that fsspec has."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

from dvcx.storage.bucket import BucketFile, Part

_Result = TypeVar("_Result")
_Item = TypeVar("_Item")

PATIENCE = 60.0
"""Seconds without an answer after which a request counts as failed; the option `timeout` is another number."""
_SLOWEST = 8 << 10
"""Bytes a second: a request that is slower than this over its whole length is given up."""
CONNECTIONS = 64
ANY_SIZE = 1 << 30
"""Given to `LoopStore.ask` when nobody knows how much will come: the library's own timeouts have to do."""


def patience_of(options: Mapping[str, object]) -> float:
    """Gives the number of seconds to wait for an answer that the options name, or the usual one."""
    seconds = options.get("timeout", PATIENCE)
    assert isinstance(seconds, int | float)
    return float(seconds)


class Store(Protocol):
    """Files on a store, by their names below the remote's own folder. Raises whatever its library raises.

    May be asked by many threads at once.
    """

    def list(self, prefix: str) -> Iterable[BucketFile]:
        """Gives every file whose name starts with `prefix`, asked anew."""

    def stat(self, name: str) -> BucketFile | None:
        """Gives what is known of one file, or None; raises `FileNotFoundError` when it may be either."""

    def read(self, name: str) -> bytes:
        """Gives the whole content."""

    def read_range(self, name: str, start: int, end: int) -> bytes:
        """Gives the bytes from `start` up to `end`, which is larger; fewer when the file ends before."""

    def write(self, name: str, data: bytes, *, exclusive: bool) -> bool:
        """Makes `data` the content, and tells whether the store has confirmed that it has just these bytes.

        With `exclusive` raises `FileExistsError` instead of replacing a file, if the store can do that.
        """

    def delete(self, names: Sequence[str]) -> None:
        """Removes files; may raise `FileNotFoundError` for those that are not there."""


@runtime_checkable
class SendsFiles(Protocol):
    """A store that can send a file of any size in pieces, so that it is never in memory as a whole."""

    def write_file(self, name: str, source: Path, size: int) -> None:
        """Makes the content of the file `source`, of `size` bytes, that of a file: whole or not at all."""


class LoopStore:
    """The part that stores with an asynchronous library have in common: waiting for it, but not for ever."""

    def __init__(self, loop: asyncio.AbstractEventLoop, patience: float) -> None:
        self._loop = loop
        self.patience = patience

    def ask(self, coroutine: Coroutine[Any, Any, _Result], size: int = 0) -> _Result:
        """Gives the result of a coroutine that moves `size` bytes; raises `TimeoutError` when it takes too long.

        The library's own timeouts, between two bytes, come first; this is for what they do not see.
        """
        longest = 3 * self.patience + size / _SLOWEST
        future = asyncio.run_coroutine_threadsafe(asyncio.wait_for(coroutine, longest), self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()  # Ctrl-C: the request must not go on behind our back
            raise


async def for_each(items: Iterable[_Item], work: Callable[[_Item], Awaitable[Any]], at_once: int = 16) -> None:
    """Does `work` for all items, a few at a time; raises the first error."""
    gate = asyncio.Semaphore(at_once)

    async def guarded(item: _Item) -> None:
        async with gate:
            await work(item)

    await asyncio.gather(*(guarded(item) for item in items))


def as_bytes(parts: Sequence[Part]) -> bytes:
    """Gives the joined parts; no copy is made of a single one that is bytes already."""
    return bytes(parts[0]) if len(parts) == 1 else b"".join(parts)


def below(root: str, name: str) -> str:
    """Gives the path of a file below a folder, which may be the top."""
    return f"{root}/{name}" if root else name
