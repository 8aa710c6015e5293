"""The cache: every object of a project on the local disk, small ones in packs and large ones as files."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dvcx.base.copying import hash_and_copy
from dvcx.base.errors import DamagedData, MissingData, shown
from dvcx.base.files import Durability, write_all
from dvcx.base.hashing import Algorithm, threaded_hasher
from dvcx.base.locks import FileLock
from dvcx.formats.table import Role, parse_table
from dvcx.storage.cache_writer import CacheWriter, open_writer
from dvcx.storage.loose import LooseFolder
from dvcx.storage.object_store import StoredObject
from dvcx.storage.packs import PackFolder, Place


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """How a cache stores: blobs below `pack_below` bytes go to packs; `durability` says when a write counts as done.

    `lock_wait` is the number of seconds to wait for a garbage collection to end.
    """

    pack_below: int = 64 << 10
    durability: Durability = "full"
    lock_wait: float = 30.0


class Cache:
    """The store of objects at `root`; any number of processes may use it at once. See `ObjectStore`."""

    label = "the cache"

    def __init__(self, root: Path, algorithm: Algorithm, settings: CacheSettings | None = None) -> None:
        self.root = root
        self.settings = settings or CacheSettings()
        self._algorithm = algorithm
        self.loose = LooseFolder(root, algorithm)
        self.packs = PackFolder(root, algorithm)
        self.lock = FileLock(root / "lock", f"the cache {root}")

    @property
    def algorithm(self) -> Algorithm:
        """The algorithm that names the objects."""
        return self._algorithm

    def has(self, digest: bytes) -> bool:
        """Tells whether the cache holds the object."""
        return self.packs.find(digest) is not None or self.loose.has(digest)

    def missing(self, digests: Iterable[bytes]) -> set[bytes]:
        """Gives those of `digests` that the cache does not hold."""
        return {digest for digest in digests if not self.has(digest)}

    def loose_path(self, digest: bytes) -> Path | None:
        """Gives the file that holds the object when it is stored as one of its own."""
        return self.loose.path_of(digest) if self.loose.has(digest) else None

    def read(self, digest: bytes) -> bytes:
        """Gives the content of one object, verified; raises `MissingData` or `DamagedData`."""
        for _, data in self.read_many([digest]):
            return data
        raise AssertionError("read_many gives every object it was asked for")

    def read_many(self, digests: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
        """Gives each of `digests` once with its content, verified, in the order in which it lies on the disk."""
        packed, loose = self.locate(set(digests))
        check, algorithm = self._algorithm.of, self._algorithm
        try:
            for place, data in self.packs.read_in_order(packed):
                if check(data) != place.record.digest:
                    raise damaged(algorithm, place.record.digest, str(self.packs.path_of(place.pack)))
                yield place.record.digest, data
        except FileNotFoundError:
            # The packs were joined by another process since they were listed; what was given already is not given again.
            self.packs.refresh()
            yield from ((d, self._reread(d)) for d in [p.record.digest for p in packed])
        for digest in loose:
            path = self.loose.path_of(digest)
            data = path.read_bytes()
            if check(data) != digest:
                raise damaged(algorithm, digest, str(path))
            yield digest, data

    def _reread(self, digest: bytes) -> bytes:
        place = self.packs.find(digest)
        if place is None:
            return self.read(digest)
        data = self.packs.read_raw(place)
        if self._algorithm.of(data) != digest:
            raise damaged(self._algorithm, digest, str(self.packs.path_of(place.pack)))
        return data

    def locate(self, digests: Collection[bytes]) -> tuple[list[Place], list[bytes]]:
        """Tells where objects lie: those in packs, and those in files of their own.

        Raises `MissingData` that counts what is in neither.
        """
        packed: list[Place] = []
        loose: list[bytes] = []
        absent: list[bytes] = []
        for digest in digests:
            place = self.packs.find(digest)
            if place is not None:
                packed.append(place)
            elif self.loose.has(digest):
                loose.append(digest)
            else:
                absent.append(digest)
        if absent:
            raise self._missing(absent)
        return packed, loose

    def _missing(self, absent: list[bytes]) -> MissingData:
        ids = [f"{self._algorithm.name}:{digest.hex()}" for digest in sorted(absent)]
        message = f"{len(ids)} objects are not in the cache: {shown(ids, 3)}"
        if self.packs.damaged:
            packs = [str(self.packs.path_of(name)) for name in self.packs.damaged]
            return MissingData(
                f"{message}; they may be in packs that cannot be read: {shown(packs)}", "run `dvcx fsck --repair`", ids
            )
        return MissingData(message, "run `dvcx fetch` to get them from a remote", ids)

    def copy_out(self, digest: bytes, target: Path) -> None:
        """Writes an object to the new file `target`, verified; on an error the file is removed."""
        source = self.loose_path(digest)
        fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            if source is None:
                write_all(fd, self.read(digest))
            else:
                self._copy_loose(source, digest, fd)
        except BaseException:
            target.unlink()
            raise
        finally:
            os.close(fd)

    def _copy_loose(self, source: Path, digest: bytes, target: int) -> None:
        with open(source, "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            hasher = threaded_hasher(self._algorithm, size)
            hash_and_copy(file.fileno(), hasher, target, size)
        if hasher.digest() != digest:
            raise damaged(self._algorithm, digest, str(source))

    @contextmanager
    def writer(self) -> Iterator[CacheWriter]:
        """Gives a context that takes objects in; a garbage collection waits for it and it for one."""
        with self.lock.shared(self.settings.lock_wait), open_writer(self) as writer:
            yield writer

    def ids(self) -> Iterator[StoredObject]:
        """Gives every object held; one that lies in several places comes once for each."""
        self.packs.refresh()
        for name in self.packs.names():
            if name not in self.packs.damaged:
                for record in parse_table(self.packs.table_of(name), self._algorithm.digest_size):
                    yield StoredObject(record.digest, Role(record.role), record.stored)
        for digest, size in self.loose.all():
            yield StoredObject(digest, Role.BLOB, size)

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
