"""Putting a large object together: chunks that are here from disk, the others from the remote, verified as a whole."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from typing import Protocol

from dvcx.base.errors import DamagedData
from dvcx.base.files import read_exactly
from dvcx.base.hashing import Algorithm, hash_open_file
from dvcx.base.progress import SILENT, Task
from dvcx.formats.recipe import Recipe
from dvcx.storage.recipe_shelf import LocalChunk
from dvcx.storage.remote import Remote
from dvcx.storage.remote_catalog import Found


class ChunkFinder(Protocol):
    """Tells where chunks may lie on this machine."""

    def __call__(self, wanted: Collection[bytes], /) -> Mapping[bytes, LocalChunk]:
        """Gives a place for those of `wanted` that may be here."""


def assemble(
    remote: Remote,
    digest: bytes,
    recipe: Recipe,
    fd: int,
    nearby: ChunkFinder | None = None,
    shown: Task | None = None,
) -> None:
    """Makes the open file `fd` (readable, writable) the object `digest` that `recipe` describes.

    What the file holds already at the right place, from an attempt that was interrupted, is kept. Raises
    `DamagedData` when the result is not `digest`'s even after each chunk was verified and damaged ones were fetched
    again; `MissingData` when a chunk is nowhere.
    """
    shown = shown or SILENT.start("", None, "bytes")
    places = _places(recipe)
    left = _not_yet(fd, places, remote.algorithm)
    shown.advance(recipe.total - _weight(left))
    os.ftruncate(fd, recipe.total)
    if nearby is not None and left:
        _take_nearby(fd, left, nearby(left), remote.algorithm, shown)
    _take_from(remote, fd, left, shown, verify=False)
    if _digest(remote.algorithm, fd, recipe.total) == digest:
        return
    damaged = _not_yet(fd, places, remote.algorithm)
    _take_from(remote, fd, damaged, shown, verify=True)
    if _digest(remote.algorithm, fd, recipe.total) != digest:
        raise DamagedData(
            f"{remote.id_text(digest)} on {remote.label} is not what its recipe makes",
            f"run `dvcx fsck --remote {remote.name} --repair`",
        )


Places = dict[bytes, tuple[int, list[int]]]
"""For each chunk its length and the offsets where it stands in the object."""


def _places(recipe: Recipe) -> Places:
    places: Places = {}
    offset = 0
    for chunk, length in recipe.entries:
        known = places.get(chunk)
        if known is None:
            places[chunk] = (length, [offset])
        elif known[0] != length:
            raise DamagedData(f"a recipe gives the chunk {chunk.hex()} two lengths")
        else:
            known[1].append(offset)
        offset += length
    return places


def _weight(places: Places) -> int:
    return sum(length * len(offsets) for length, offsets in places.values())


def _not_yet(fd: int, places: Places, algorithm: Algorithm) -> Places:
    """Gives the chunks that do not stand in the file everywhere they should."""
    if not os.fstat(fd).st_size:
        return dict(places)
    of = algorithm.of
    return {
        chunk: (length, offsets)
        for chunk, (length, offsets) in places.items()
        if any(of(read_exactly(fd, length, offset)) != chunk for offset in offsets)
    }


def _take_nearby(
    fd: int, left: Places, nearby: Mapping[bytes, LocalChunk], algorithm: Algorithm, shown: Task
) -> None:
    sources: dict[str, int] = {}
    try:
        for chunk, (path, offset, length) in nearby.items():
            source = sources.get(str(path))
            if source is None:
                try:
                    source = sources[str(path)] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                except OSError:
                    continue  # gone since it was found: the remote has it
            data = read_exactly(source, length, offset)
            if algorithm.of(data) == chunk:
                _write(fd, left.pop(chunk), data, shown)
    finally:
        for source in sources.values():
            os.close(source)


def _take_from(remote: Remote, fd: int, left: Places, shown: Task, *, verify: bool) -> None:
    """Takes chunks from the remote. Unless `verify`, the whole object's digest is what tells whether they are good."""
    if not left:
        return
    places: list[Found] = remote.locate(left)
    for place, data in remote.fetch(places, verify=verify):
        wanted = left[place.record.digest]
        if len(data) == wanted[0]:
            _write(fd, wanted, data, shown)


def _write(fd: int, wanted: tuple[int, list[int]], data: bytes, shown: Task) -> None:
    for offset in wanted[1]:
        view = memoryview(data)
        at = offset
        while view:
            written = os.pwrite(fd, view, at)
            view = view[written:]
            at += written
        shown.advance(len(data))


def _digest(algorithm: Algorithm, fd: int, size: int) -> bytes:
    os.lseek(fd, 0, os.SEEK_SET)
    return hash_open_file(algorithm, fd, size)[0]
