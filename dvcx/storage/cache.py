"""The cache: every object of a project on the local disk, small ones in packs and large ones as files."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dvcx.base.copying import hash_and_copy
from dvcx.base.errors import DamagedData, MissingData, shown
from dvcx.base.files import Durability
from dvcx.base.folders import make_folder
from dvcx.base.hashing import Algorithm, threaded_hasher
from dvcx.base.locks import FileLock
from dvcx.base.text import counted
from dvcx.formats.table import Record, Role
from dvcx.storage.cache_lock import CacheLock
from dvcx.storage.cache_writer import CacheWriter, open_writer
from dvcx.storage.loose import LooseFolder
from dvcx.storage.object_store import StoredObject
from dvcx.storage.packs import PackFolder, Place

_TRIES = 100
"""How often in a row a reader looks anew for objects that other processes move away under its hands."""


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """How a cache stores: blobs below `pack_below` bytes go to packs; `durability` says when a write counts as done.

    `lock_wait` is the number of seconds to wait for a garbage collection to end.
    """

    pack_below: int = 64 << 10
    durability: Durability = "full"
    lock_wait: float = 30.0


class Cache:
    """The store of objects at `root`; any number of processes may use it at once. See `ObjectStore`.

    Readers take no lock. Who adds objects, or relies on those that are there, holds `lock` shared; who takes away
    objects that are whole, for garbage collection or `delete`, holds it alone. Who moves objects from one pack to
    another holds it shared, and `moving` alone, which is taken after `lock`.
    """

    label = "the cache"

    def __init__(self, root: Path, algorithm: Algorithm, settings: CacheSettings | None = None) -> None:
        self.root = root
        self.settings = settings or CacheSettings()
        self._algorithm = algorithm
        self.loose = LooseFolder(root, algorithm)
        self.packs = PackFolder(root, algorithm)
        self.lock = CacheLock(root)
        self.moving = FileLock(root / "moving.lock", f"the cache {root}")

    @property
    def algorithm(self) -> Algorithm:
        """The algorithm that names the objects."""
        return self._algorithm

    def has(self, digest: bytes) -> bool:
        """Tells whether the cache holds the object."""
        return self.packs.find(digest) is not None or self.loose.has(digest)

    def lookup(self) -> Callable[[bytes], bool]:
        """Gives a function like `has`, made for asking about many objects; it goes by the packs that are there now."""
        packed, loose = self.packs.lookup(), self.loose.has
        return lambda digest: packed(digest) or loose(digest)

    def missing(self, digests: Iterable[bytes]) -> set[bytes]:
        """Gives those of `digests` that the cache does not hold."""
        absent = self._absent(digests if isinstance(digests, (set, frozenset)) else set(digests))
        # Another process may have added them, or moved them to a new pack.
        if absent and self.packs.look_again():
            absent = self._absent(absent)
        return absent

    def _absent(self, digests: Collection[bytes]) -> set[bytes]:
        return {digest for digest in self.packs.missing(digests) if not self.loose.has(digest)}

    def loose_path(self, digest: bytes) -> Path | None:
        """Gives the file that holds the object when it is stored as one of its own."""
        return self.loose.path_of(digest) if self.loose.has(digest) else None

    def read(self, digest: bytes) -> bytes:
        """Gives the content of one object, verified; raises `MissingData` or `DamagedData`."""
        for _, data in self.read_many([digest]):
            return data
        raise AssertionError("read_many gives every object it was asked for")

    def read_many(self, digests: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
        """Gives each of `digests` once with its content, verified, in the order in which it lies on the disk.

        Takes no lock: when another process joins packs or collects garbage meanwhile, what is left is looked for anew.
        """
        waiting = set(digests)
        tries = 0
        while waiting:
            packed, loose = self.locate(waiting)
            try:
                for digest, data in self._read_located(packed, loose):
                    waiting.remove(digest)
                    tries = 0
                    yield digest, data
            except FileNotFoundError:
                # If what is left went away for good, `locate` raises.
                tries += 1
                if tries > _TRIES:
                    raise
                self.packs.look_again()

    def read_placed(self, places: list[Place]) -> Iterator[tuple[bytes, bytes]]:
        """Gives the objects at `places`, which `locate` gave, verified.

        Raises `FileNotFoundError` when a pack has gone since, `DamagedData` at an object without a good copy.
        """
        return self._read_located(places, [])

    def _read_located(self, packed: list[Place], loose: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
        check = self._algorithm.of
        for place, data in self.packs.read_in_order(packed):
            digest = place.record.digest
            yield digest, data if check(data) == digest else self._other_copy(place)
        for digest in loose:
            path = self.loose.path_of(digest)
            data = path.read_bytes()
            if check(data) != digest:
                raise damaged(self._algorithm, digest, str(path))
            yield digest, data

    def _other_copy(self, bad: Place) -> bytes:
        """Gives an object whose copy at `bad` is damaged from another place, or raises `DamagedData`."""
        digest = bad.record.digest
        for place in self.packs.find_all(digest):
            if place.pack != bad.pack and self._algorithm.of(data := self.packs.read_raw(place)) == digest:
                return data
        if self.loose.has(digest) and self._algorithm.of(data := self.loose.path_of(digest).read_bytes()) == digest:
            return data
        raise damaged(self._algorithm, digest, str(self.packs.path_of(bad.pack)))

    def locate(self, digests: Collection[bytes]) -> tuple[list[Place], list[bytes]]:
        """Tells where objects lie: those in packs, and those in files of their own.

        Raises `MissingData` that counts what is in neither.
        """
        packed, loose, absent = self._places(digests)
        # A listing taken while packs are joined can miss the old ones and the new one.
        if absent and self.packs.look_again():
            packed, loose, absent = self._places(digests)
        if absent:
            raise self._missing(absent)
        return packed, loose

    def _places(self, digests: Collection[bytes]) -> tuple[list[Place], list[bytes], list[bytes]]:
        packed: list[Place] = []
        loose: list[bytes] = []
        absent: list[bytes] = []
        found = self.packs.find_many(digests if isinstance(digests, Set) else set(digests))
        for digest in digests:
            if digest in found:
                packed.append(found[digest])
            elif self.loose.has(digest):
                loose.append(digest)
            else:
                absent.append(digest)
        return packed, loose, absent

    def _missing(self, absent: list[bytes]) -> MissingData:
        ids = [f"{self._algorithm.name}:{digest.hex()}" for digest in sorted(absent)]
        message = f"{counted(len(ids), 'object is', 'objects are')} not in the cache: {shown(ids, 3)}"
        if self.packs.damaged:
            packs = [str(self.packs.path_of(name)) for name in self.packs.damaged]
            return MissingData(
                f"{message}; they may be in packs that cannot be read: {shown(packs)}", "run `dvcx fsck --repair`", ids
            )
        return MissingData(message, "run `dvcx fetch` to get them from a remote", ids)

    def verify_loose(self, digest: bytes) -> None:
        """Hashes an object that has a file of its own.

        Raises `DamagedData` when its bytes are not what its name says, `MissingData` when it is gone.
        """
        source = self.loose.path_of(digest)
        try:
            fd = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            raise self._missing([digest]) from None
        try:
            size = os.fstat(fd).st_size
            hasher = threaded_hasher(self._algorithm, size)
            hash_and_copy(fd, hasher, None, size)
        finally:
            os.close(fd)
        if hasher.digest() != digest:
            raise damaged(self._algorithm, digest, str(source))

    @contextmanager
    def writer(self) -> Iterator[CacheWriter]:
        """Gives a context that takes objects in; a garbage collection waits for it and it for one."""
        make_folder(self.root, durable=self.settings.durability == "full")
        with self.lock.shared(self.settings.lock_wait):
            # What was looked up before the lock was held may have been collected since.
            self.packs.look_again()
            with open_writer(self) as writer:
                yield writer

    def ids(self) -> Iterator[StoredObject]:
        """Gives every object held; one that lies in several places comes once for each."""
        for _, records in self.tables():
            for record in records:
                yield StoredObject(record.digest, Role(record.role), record.stored)
        for digest, size in self.loose.all():
            yield StoredObject(digest, Role.BLOB, size)

    def tables(self) -> Iterator[tuple[str, Iterator[Record]]]:
        """Gives the name and the records of every pack that can be read; `packs.damaged` then tells the others."""
        seen: set[str] = set()
        self.packs.refresh()
        # A pack that goes away while we look was joined with others: the new one is in the next listing.
        while names := [n for n in self.packs.names() if n not in seen and n not in self.packs.damaged]:
            seen.update(names)
            for name in names:
                try:
                    records = self.packs.records_of(name)
                except FileNotFoundError:
                    continue
                yield name, records
            self.packs.refresh()

    def delete(self, digests: Collection[bytes]) -> None:
        """Forgets objects at once, for good; garbage collection moves them to the trash instead."""
        from dvcx.storage.cache_gc import drop_objects  # gc builds on this module

        drop_objects(self, frozenset(digests))

    def close(self) -> None:
        """Closes the files that reading left open."""
        self.packs.close()


def damaged(algorithm: Algorithm, digest: bytes, where: str) -> DamagedData:
    """Gives the error for bytes that are not what their name says."""
    return DamagedData(
        f"{algorithm.name}:{digest.hex()} in {where} is damaged: its bytes are not what its name says",
        "run `dvcx fsck --repair` to set it aside and fetch a good copy",
    )
