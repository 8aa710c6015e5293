"""Setting damaged files of the cache aside: moved to its folder `quarantine`, never deleted, what is good saved first.

Afterwards the cache simply does not hold the damaged objects, so that a fetch gets them again.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dvcx.base.errors import DamagedData
from dvcx.base.files import sync_directory
from dvcx.base.folders import make_folder
from dvcx.base.hashing import hash_file
from dvcx.base.scratch import scratch_folder
from dvcx.formats.table import Encoding, Record, parse_table
from dvcx.storage.cache_findings import CacheFindings
from dvcx.storage.pack_check import trouble_with
from dvcx.storage.pack_reader import open_pack
from dvcx.storage.repack import Repacker, is_good

if TYPE_CHECKING:
    from dvcx.storage.cache import Cache

FOLDER = "quarantine"


@dataclass(frozen=True, slots=True)
class SetAside:
    """What was set aside: the files in the quarantine, the good objects saved out of them, and the objects that the
    cache does not hold any more. What a pack with a broken table held besides is not known. `left` are files that this
    user may not read: they stay, for who may."""

    files: tuple[Path, ...]
    saved: int
    lost: tuple[bytes, ...]
    left: tuple[Path, ...] = ()


def set_aside(cache: Cache, findings: CacheFindings) -> SetAside:
    """Moves everything damaged to the quarantine, whole packs too, after saving the good objects of those.

    Each finding is checked again: what was mended meanwhile stays. Raises `Busy`, and `OSError` as writing does.
    """
    packs = {finding.pack for finding in findings.damaged if finding.pack is not None}
    files = [finding for finding in findings.damaged if finding.pack is None]
    with _Quarantine(cache).open() as quarantine:
        for name in sorted(packs):
            quarantine.take_pack(name)
        for finding in files:
            if finding.digest is None:
                quarantine.take_file(finding.path)  # an index: made anew from the packs
            else:
                quarantine.take_loose(finding.digest)
    lost = {finding.digest for finding in findings.damaged if finding.digest is not None} | quarantine.bad
    lost = {digest for digest in lost if not cache.has(digest)}
    return SetAside(tuple(quarantine.files), quarantine.saved, tuple(sorted(lost)), tuple(quarantine.left))


def set_aside_object(cache: Cache, digest: bytes) -> tuple[Path, ...]:
    """Sets aside the copies of one object that are damaged, wherever they lie; gives the files in the quarantine.

    Gives none when the object is whole, or not there. May be called by who writes to the cache. Raises as `set_aside`.
    """
    cache.packs.look_again()
    with _Quarantine(cache).open() as quarantine:
        for place in cache.packs.find_all(digest):
            quarantine.take_pack(place.pack, only_if_bad=place.record)
        quarantine.take_loose(digest)
    return tuple(quarantine.files)


class _Quarantine:
    """The quarantine of a cache while something is moved there."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._folder = cache.root / FOLDER
        self._durable = cache.settings.durability == "full"
        self.files: list[Path] = []
        self.left: list[Path] = []
        self.bad: set[bytes] = set()
        self.saved = 0

    @contextmanager
    def open(self) -> Iterator[_Quarantine]:
        """Keeps garbage collections and whoever else moves objects away meanwhile."""
        wait = self._cache.settings.lock_wait
        with self._cache.lock.shared(wait), self._cache.moving.exclusive(wait):
            try:
                yield self
            finally:
                self._cache.packs.forget()
            if self.files and self._durable:
                sync_directory(self._folder)

    def take_pack(self, name: str, only_if_bad: Record | None = None) -> None:
        """Moves a damaged pack here after saving the good objects in it; one that is whole stays.

        With `only_if_bad` it stays if this one object is good.
        """
        path = self._cache.packs.path_of(name)
        try:
            if only_if_bad is not None and self._is_good(path, only_if_bad):
                return
            records, broken = self._look_into(path, name)
        except FileNotFoundError:
            return  # joined with others meanwhile
        except PermissionError:
            self.left.append(path)
            return
        with scratch_folder(self._cache.root / "tmp") as scratch, Repacker(self._cache, scratch) as repacker:
            bad = repacker.take(name, records)
            if not bad and not broken:
                return
            self.bad.update(bad)
            self.saved += len(repacker)
            self._replace(path, name, repacker)

    def take_loose(self, digest: bytes) -> None:
        """Moves the file of an object here if it is damaged."""
        path = self._cache.loose.path_of(digest)
        try:
            is_whole = stat.S_ISREG(path.lstat().st_mode) and (
                _unless_unreadable(lambda: hash_file(self._cache.algorithm, path)) == digest
            )
        except FileNotFoundError:
            return
        except PermissionError:
            self.left.append(path)
            return
        if not is_whole:
            self._take(path, digest.hex())

    def take_file(self, path: Path) -> None:
        """Moves a file here."""
        if os.path.lexists(path):
            self._take(path, path.name)

    def _look_into(self, path: Path, name: str) -> tuple[list[Record], bool]:
        """Gives what is known of the objects in a pack, and whether more than payloads is damaged."""
        packs = self._cache.packs
        try:
            table = _unless_unreadable(lambda: packs.table_of(name))
        except DamagedData:
            table = None
        if table is None:
            # The joined index may remember where the objects lie; their digests prove it.
            return packs.indexed_records_of(name) or self._truly_named(path, packs.claimed_records_of(name)), True
        pack = open_pack(path)
        try:
            records = list(parse_table(table, self._cache.algorithm.digest_size))
            return records, trouble_with(pack, table, records, name) is not None
        finally:
            os.close(pack.fd)

    def _truly_named(self, path: Path, claimed: Iterable[Record]) -> list[Record]:
        """Gives the records with the digests that raw payloads have: whatever lies there is good under its own name."""
        pack = open_pack(path)
        try:
            return [
                record._replace(digest=self._cache.algorithm.of(stored))
                if stored is not None and record.encoding == Encoding.RAW
                else record
                for record, stored in pack.stored(claimed)
            ]
        finally:
            os.close(pack.fd)

    def _is_good(self, path: Path, record: Record) -> bool:
        pack = open_pack(path)
        try:
            ((_, stored),) = pack.stored([record])
            return stored is not None and is_good(self._cache.algorithm, record, stored)
        finally:
            os.close(pack.fd)

    def _replace(self, path: Path, name: str, repacker: Repacker) -> None:
        """Puts the saved objects in the place of a pack, which they may share the name with."""
        target = self._place_for(f"{name}.pack")
        try:
            os.link(path, target)
        except OSError:
            path.rename(target)  # without hard links the good objects are away for a moment
        self.files.append(target)
        if name not in repacker.place():
            path.unlink(missing_ok=True)

    def _take(self, path: Path, name: str) -> None:
        target = self._place_for(name)
        path.rename(target)
        self.files.append(target)

    def _place_for(self, name: str) -> Path:
        make_folder(self._folder, durable=self._durable)
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        return self._folder / f"{stamp}-{secrets.token_hex(4)}-{name}"


def _unless_unreadable(read: Callable[[], bytes]) -> bytes | None:
    """Gives what `read` gives, or None when the disk says twice that it cannot read it. Raises other errors."""
    for _ in range(2):
        try:
            return read()
        except OSError as error:
            if error.errno != errno.EIO:
                raise
    return None
