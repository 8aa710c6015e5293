"""Moving objects from packs into new packs, verified, so that the old ones can go."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from dvcx.base.errors import DamagedData
from dvcx.base.files import flush, sync_directory, temporary_name
from dvcx.base.hashing import Algorithm
from dvcx.formats.table import Record
from dvcx.storage.pack_reader import decode, open_pack
from dvcx.storage.pack_writer import FinishedPack, PackFile

if TYPE_CHECKING:
    from dvcx.storage.cache import Cache


class Repacker:
    """Gathers objects of existing packs in new ones, each object once; used as a context.

    Nothing is visible before `place`. The new packs look as old as the youngest that they come from, so that a grace
    period does not begin anew.
    """

    def __init__(self, cache: Cache, scratch: Path) -> None:
        self._cache = cache
        self._scratch = scratch
        self._pack: PackFile | None = None
        self._finished: list[FinishedPack] = []
        self._taken: set[bytes] = set()
        self._youngest = 0

    def take(self, name: str, records: Iterable[Record]) -> list[bytes]:
        """Takes objects of the pack called `name`; gives the digests of those that are damaged and were left out.

        Raises `OSError` as writing does, and `FileNotFoundError` when there is no such pack.
        """
        bad: list[bytes] = []
        pack = open_pack(self._cache.packs.path_of(name))
        try:
            self._youngest = max(self._youngest, os.fstat(pack.fd).st_mtime_ns)
            for record, stored in pack.stored(r for r in records if r.digest not in self._taken):
                if stored is None or not is_good(self._cache.algorithm, record, stored):
                    bad.append(record.digest)
                elif record.digest not in self._taken:
                    self._add(record, stored)
        finally:
            os.close(pack.fd)
        return bad

    def place(self) -> frozenset[str]:
        """Makes what was taken durable, whatever the cache's settings say, then visible; gives the packs' names.

        The old packs may go after it: then these hold the only copies of data that was safe long ago.
        """
        if self._pack is not None:
            self._finished.append(self._pack.finish())
            self._pack = None
        for pack in self._finished:
            os.utime(pack.temporary, ns=(self._youngest, self._youngest))
            _sync_file(pack.temporary)
        for pack in self._finished:
            pack.temporary.rename(self._cache.packs.path_of(pack.name))
        if self._finished:
            sync_directory(self._cache.packs.root)
        return frozenset(pack.name for pack in self._finished)

    def __len__(self) -> int:
        """Gives the number of objects taken."""
        return len(self._taken)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._pack is not None:
            self._pack.abandon()

    def _add(self, record: Record, stored: bytes) -> None:
        if self._pack is None:
            self._pack = PackFile(self._scratch / temporary_name("repack"), self._cache.algorithm)
        self._pack.add_stored(record, stored)
        self._taken.add(record.digest)
        if self._pack.is_full:
            self._finished.append(self._pack.finish())
            self._pack = None


def is_good(algorithm: Algorithm, record: Record, stored: bytes) -> bool:
    """Tells whether a stored payload is what the record's digest says."""
    try:
        return algorithm.of(decode(record, stored, "")) == record.digest
    except DamagedData:
        return False


def _sync_file(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        flush(fd)
    finally:
        os.close(fd)
