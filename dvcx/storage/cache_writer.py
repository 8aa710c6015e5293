"""Taking objects into the cache: all of a batch in temporary files, flushed together, then named."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dvcx.base.copying import hash_and_copy
from dvcx.base.errors import DamagedData
from dvcx.base.files import flush, sync_directory, sync_filesystem, temporary_name
from dvcx.base.hashing import threaded_hasher
from dvcx.base.links import clone_into
from dvcx.base.scratch import scratch_folder
from dvcx.formats.table import Role
from dvcx.storage.cache_join import join_small_packs
from dvcx.storage.pack_writer import FinishedPack, PackFile

if TYPE_CHECKING:
    from dvcx.storage.cache import Cache

_SYNC_ONE_BY_ONE = 16
"""Up to this many files, flushing each is cheaper than flushing the whole file system."""
_ABSORB_BATCH = 2 << 30
"""Bytes of large objects after which they get their names, so that a killed run has not worked for nothing."""


class CacheWriter:
    """Takes objects into a cache. Nothing has its final name before its bytes are on the disk."""

    def __init__(self, cache: Cache, scratch: Path) -> None:
        self.scratch = scratch
        self._cache = cache
        self._algorithm = cache.algorithm
        self._durable = cache.settings.durability == "full"
        self._pack: PackFile | None = None
        self._finished: list[FinishedPack] = []
        self._large: dict[bytes, Path] = {}
        self._large_bytes = 0
        self._taken: set[bytes] = set()

    def put(self, role: Role, digest: bytes, data: bytes) -> None:
        """Takes an object that fits in memory; one the cache holds already is passed over."""
        if digest in self._taken or self._cache.packs.find(digest) is not None:
            return
        if role is Role.BLOB and len(data) >= self._cache.settings.pack_below:
            if self._cache.loose.has(digest):
                return
            temporary = self._temporary()
            temporary.write_bytes(data)
            self._keep_large(digest, temporary, len(data))
            return
        if self._pack is None:
            self._pack = PackFile(self._temporary(), self._algorithm)
        self._pack.add(role, digest, data)
        self._taken.add(digest)
        if self._pack.is_full:
            self._finished.append(self._pack.finish())
            self._pack = None

    def put_file(self, role: Role, digest: bytes, path: Path) -> None:
        """Takes the content of a file; raises `DamagedData` when it is not what `digest` says."""
        if digest in self._taken or self._cache.has(digest):
            return
        with open(path, "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            if role is not Role.BLOB or size < self._cache.settings.pack_below:
                data = file.read()
                if self._algorithm.of(data) != digest:
                    raise DamagedData(f"{path} is not {self._algorithm.name}:{digest.hex()}")
                self.put(role, digest, data)
            elif self.absorb(file.fileno(), size) != digest:
                raise DamagedData(f"{path} is not {self._algorithm.name}:{digest.hex()}")

    def absorb(self, fd: int, size: int) -> bytes:
        """Takes the content of an open file of about `size` bytes, large or not, and gives its digest.

        It is hashed while it is copied (or, where the file system can share blocks, the shared copy is hashed), so the
        stored bytes are the hashed ones even if someone writes to the file meanwhile.
        """
        temporary = self._temporary()
        target = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        try:
            hasher = threaded_hasher(self._algorithm, size)
            source = fd
            cloned = clone_into(fd, target)
            if cloned:
                source = target
            copied = hash_and_copy(source, hasher, None if cloned else target, size, past_page_cache=True)
        finally:
            os.close(target)
        digest = hasher.digest()
        if digest in self._taken or self._cache.has(digest):
            temporary.unlink()
        else:
            self._keep_large(digest, temporary, copied)
        return digest

    def adopt_file(self, role: Role, digest: bytes, path: Path) -> None:
        """Takes over a file inside `scratch` whose content was verified to be `digest`'s; the file is moved."""
        if role is not Role.BLOB or path.stat().st_size < self._cache.settings.pack_below:
            self.put(role, digest, path.read_bytes())
            path.unlink()
        elif digest in self._taken or self._cache.has(digest):
            path.unlink()
        else:
            self._keep_large(digest, path, path.stat().st_size)

    def has(self, digest: bytes) -> bool:
        """Tells whether the object is in the cache or was taken in here."""
        return digest in self._taken or self._cache.has(digest)

    def flush(self) -> None:
        """Makes everything taken so far durable and visible; the writer can go on after it."""
        if self._pack is not None:
            self._finished.append(self._pack.finish())
            self._pack = None
        if not self._finished and not self._large:
            return
        self._sync_files([p.temporary for p in self._finished] + list(self._large.values()))
        folders: set[Path] = set()
        for digest, temporary in self._large.items():
            folders.add(self._cache.loose.place(temporary, digest).parent)
        for pack in self._finished:
            target = self._cache.packs.path_of(pack.name)
            target.parent.mkdir(parents=True, exist_ok=True)
            pack.temporary.rename(target)
            folders.add(target.parent)
        self._sync_folders(folders)
        self._finished.clear()
        self._large.clear()
        self._large_bytes = 0
        self._taken.clear()
        self._cache.packs.forget()  # a pack of this name may have been there, damaged
        join_small_packs(self._cache, self.scratch)
        self._cache.packs.write_joined_index(durable=False)

    def abandon(self) -> None:
        """Lets go of what was taken and not flushed."""
        if self._pack is not None:
            self._pack.abandon()

    def _keep_large(self, digest: bytes, temporary: Path, size: int) -> None:
        self._large[digest] = temporary
        self._taken.add(digest)
        self._large_bytes += size
        if self._large_bytes >= _ABSORB_BATCH:
            self.flush()

    def _temporary(self) -> Path:
        return self.scratch / temporary_name("new")

    def _sync_files(self, paths: list[Path]) -> None:
        if not self._durable:
            return
        if len(paths) > _SYNC_ONE_BY_ONE:
            sync_filesystem(self.scratch)
            return
        for path in paths:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                flush(fd)
            finally:
                os.close(fd)

    def _sync_folders(self, folders: set[Path]) -> None:
        if not self._durable:
            return
        # A folder made just now needs its own name flushed as well, in its parent.
        root = self._cache.root
        above = {p for folder in folders for p in (folder, *folder.parents) if p.is_relative_to(root)}
        if len(above) > _SYNC_ONE_BY_ONE:
            sync_filesystem(self.scratch)
            return
        for folder in sorted(above, reverse=True):
            sync_directory(folder)


@contextmanager
def open_writer(cache: Cache) -> Iterator[CacheWriter]:
    """Gives a writer that flushes at the end of the context, or leaves nothing visible when it ends in an error."""
    with scratch_folder(cache.root / "tmp") as scratch:
        writer = CacheWriter(cache, scratch)
        try:
            yield writer
            writer.flush()
        finally:
            writer.abandon()
