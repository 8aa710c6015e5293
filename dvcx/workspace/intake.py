"""Taking what a scan finds into the cache."""

from __future__ import annotations

from collections.abc import Callable

from dvcx.formats.table import Role
from dvcx.storage.cache_writer import CacheWriter


class CacheIntake:
    """Puts contents into a cache as a scan finds them; `stored` counts the bytes that were new."""

    def __init__(self, writer: CacheWriter, advance: Callable[[int], None] | None = None) -> None:
        self._writer = writer
        self._advance = advance

    def has(self, digest: bytes) -> bool:
        """Tells whether the content is stored already."""
        return self._writer.has(digest)

    def small(self, digest: bytes, data: bytes) -> None:
        """Takes the whole content of a file."""
        self._writer.put(Role.BLOB, digest, data)

    def large(self, fd: int, size: int) -> bytes:
        """Takes the content of an open file of about `size` bytes and gives its digest."""
        return self._writer.absorb(fd, size)

    def tree(self, digest: bytes, data: bytes) -> None:
        """Takes the bytes of a tree."""
        self._writer.put(Role.TREE, digest, data)
