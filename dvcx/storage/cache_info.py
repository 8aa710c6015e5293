"""Counting what a cache holds and what that takes on the disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dvcx.formats.table import Role
from dvcx.storage.cache import Cache
from dvcx.storage.loose import entries_of


@dataclass(frozen=True, slots=True)
class CacheTotals:
    """What a cache holds: distinct objects, and bytes of the files that they lie in.

    `trees` of the `objects` are listings of folders. `pack_bytes` are those of whole pack files, `unreadable_packs`
    those that could not be counted.
    """

    objects: int
    trees: int
    packs: int
    pack_bytes: int
    packed_objects: int
    loose_objects: int
    loose_bytes: int
    unreadable_packs: tuple[str, ...]


def stored_size(cache: Cache, digest: bytes) -> int | None:
    """Gives the bytes that an object takes on the disk, or None when the cache does not hold it."""
    place = cache.packs.find(digest)
    if place is not None:
        return place.record.stored
    try:
        return cache.loose.path_of(digest).lstat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return None


def cache_totals(cache: Cache) -> CacheTotals:
    """Counts everything in `cache`, from its tables and folder listings; no content is read."""
    packed: set[bytes] = set()
    trees = 0
    for _, records in cache.tables():
        for record in records:
            if record.digest not in packed:
                packed.add(record.digest)
                trees += record.role == Role.TREE
    loose = dict(cache.loose.all())
    sizes = cache.packs.sizes()
    return CacheTotals(
        objects=len(packed | loose.keys()),
        trees=trees,
        packs=len(sizes),
        pack_bytes=sum(sizes.values()),
        packed_objects=len(packed),
        loose_objects=len(loose),
        loose_bytes=sum(loose.values()),
        unreadable_packs=tuple(str(cache.packs.path_of(name)) for name in cache.packs.damaged),
    )


def space_in(folder: Path) -> tuple[int, int]:
    """Gives the number of files below a folder and their bytes; nothing when there is no such folder.

    A file that has several names there counts once.
    """
    files = size = 0
    seen: set[tuple[int, int]] = set()
    waiting = [str(folder)]
    while waiting:
        for entry in entries_of(waiting.pop()):
            try:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                    continue
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue  # removed while we looked
            if status.st_nlink > 1:
                if (status.st_dev, status.st_ino) in seen:
                    continue
                seen.add((status.st_dev, status.st_ino))
            files += 1
            size += status.st_size
    return files, size
