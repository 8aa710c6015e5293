"""Putting a large object together: chunks that are here from disk, the others from the remote, verified as a whole.

The object is written from its start to its end, so its digest is known when its last byte is written; requests for
what comes next are under way meanwhile.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Protocol

from dvcx.base.copying import HashingSink
from dvcx.base.files import read_exactly, write_all
from dvcx.base.hashing import hash_open_file, threaded_hasher
from dvcx.base.progress import SILENT, Task
from dvcx.base.workers import workers
from dvcx.formats.recipe import Recipe
from dvcx.storage.recipe_shelf import LocalChunk
from dvcx.storage.remote import Remote
from dvcx.storage.remote_catalog import Found
from dvcx.storage.remote_reader import MOST

_GROUP = MOST
"""Bytes of chunks that are gathered together: where they lie side by side, one request."""

Payload = bytes | memoryview
Entry = tuple[bytes, int]
"""A chunk of a recipe: its digest and its length in bytes."""


class ChunkFinder(Protocol):
    """Tells where chunks may lie on this machine."""

    def __call__(self, wanted: Collection[bytes], /) -> Mapping[bytes, LocalChunk]:
        """Gives a place for those of `wanted` that may be here."""


def assemble(
    remote: Remote,
    digest: bytes,
    recipe: Recipe,
    path: Path,
    nearby: ChunkFinder | None = None,
    shown: Task | None = None,
    copy: Path | None = None,
) -> bool:
    """Makes the file at `path` the object `digest` that `recipe` describes.

    With `copy`, another file is made of the same bytes in the same pass. Tells whether it is there and whole; if not,
    who wanted it copies `path`.

    What the file has at the right place already, from an attempt that was interrupted, is not fetched again. Raises
    `ArrivedDamaged` when the result is not `digest`'s even after each chunk was verified and damaged ones were fetched
    again; `MissingData` when a chunk is nowhere.
    """
    shown = shown or SILENT.start("", None, "bytes")
    gathering = _Gathering(remote, recipe.entries, nearby)
    gathering.use(path)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        with _opened_copy(copy) as target:
            written, copied = _write_in_order(remote, fd, target, recipe, gathering, shown)
        if written == digest:
            return copied
        _mend(remote, fd, recipe)
        os.lseek(fd, 0, os.SEEK_SET)
        if hash_open_file(remote.algorithm, fd, recipe.total)[0] != digest:
            raise remote.arrived_damaged(f"{remote.id_text(digest)} on {remote.label} is not what its recipe makes")
        return False
    finally:
        os.close(fd)


@contextmanager
def _opened_copy(path: Path | None) -> Iterator[int | None]:
    if path is None:
        yield None
        return
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        yield fd
    finally:
        os.close(fd)


def assemble_many(
    remote: Remote, recipes: Iterable[tuple[bytes, Recipe]], nearby: ChunkFinder | None = None
) -> Iterator[tuple[bytes, bytes]]:
    """Gives objects, each small enough for memory, with their contents, in the order of `recipes`: digests with them.

    The chunks of all are one stream, so that objects of a few MiB do not cost requests of their own, one after the
    other. An object that does not come right is left out. Raises `DamagedData` and `MissingData` when a chunk cannot
    be had: which object that harms is found by `assemble` for each that was not given.
    """
    wanted = list(recipes)
    entries = [entry for _, recipe in wanted for entry in recipe.entries]
    pieces = _pieces(remote, _Gathering(remote, entries, nearby))
    for digest, recipe in wanted:
        data = b"".join(islice(pieces, len(recipe.entries)))
        if remote.algorithm.of(data) == digest:
            yield digest, data


class _Gathering:
    """Gives the contents of chunks among `entries`, from this machine or from the remote; many threads may ask."""

    def __init__(self, remote: Remote, entries: Sequence[Entry], nearby: ChunkFinder | None) -> None:
        self._remote = remote
        self._of = remote.algorithm.of
        # The digest of the whole object tells whether what the remote sent is right; only if not, which chunk is not.
        self._reader = remote.reader(jobs=1, verify=False)
        self._local: dict[bytes, list[LocalChunk]] = {}
        self._entries = entries
        self._places = remote.find(dict(entries))
        if nearby is not None:
            self._local = {chunk: [place] for chunk, place in nearby(dict(entries).keys()).items()}

    def use(self, path: Path) -> None:
        """Takes what a file has at the right place already, from an attempt that was interrupted."""
        begun = path.stat().st_size if path.exists() else 0
        offset = 0
        for chunk, length in self._entries:
            if offset + length <= begun:
                self._local.setdefault(chunk, []).append(LocalChunk(path, offset, length))
            offset += length

    def __call__(self, entries: Sequence[Entry]) -> dict[bytes, Payload]:
        """Gives the contents of the chunks of `entries` by digest."""
        lengths = dict(entries)
        got: dict[bytes, Payload] = {}
        for chunk in lengths.keys() & self._local.keys():
            data = self._held(chunk)
            if data is not None:
                got[chunk] = data
        places = self._located(lengths.keys() - got.keys())
        for place, payload in self._remote.payloads(places, self._reader):
            got[place.record.digest] = payload
        for chunk, length in entries:
            if len(got[chunk]) != length:
                where = f"the chunk {chunk.hex()} on {self._remote.label}"
                raise self._remote.arrived_damaged(f"{where} is not as long as its recipe says")
        return got

    def groups(self) -> Iterator[list[Entry]]:
        """Gives the entries in order, cut into groups of which each is to be gathered at once.

        Where one pack ends and the next begins is a good place to cut: a group is one request then.
        """
        group: list[Entry] = []
        size = 0
        pack = None
        for entry in self._entries:
            place = self._places.get(entry[0])
            elsewhere = place is not None and place.pack != pack
            if group and (size + entry[1] > _GROUP or (elsewhere and size > _GROUP // 2)):
                yield group
                group, size = [], 0
            group.append(entry)
            size += entry[1]
            pack = place.pack if place is not None else pack
        if group:
            yield group

    def _located(self, wanted: Collection[bytes]) -> list[Found]:
        if all(chunk in self._places for chunk in wanted):
            return [self._places[chunk] for chunk in wanted]
        return self._remote.locate(wanted)

    def _held(self, chunk: bytes) -> bytes | None:
        for path, offset, length in self._local[chunk]:
            try:
                fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                continue  # gone since it was found: the remote has it
            try:
                data = read_exactly(fd, length, offset)
            finally:
                os.close(fd)
            if self._of(data) == chunk:
                return data
        return None


def _write_in_order(
    remote: Remote, fd: int, copy: int | None, recipe: Recipe, gathering: _Gathering, shown: Task
) -> tuple[bytes, bool]:
    """Writes the whole object and gives the digest of what was written, and whether all of it is in the copy as well.

    After an error the file has a part of it.
    """
    hasher = threaded_hasher(remote.algorithm, recipe.total)
    with HashingSink(hasher, fd, copy) as sink:
        for data in _pieces(remote, gathering):
            sink.write(data)
            shown.advance(len(data))
    os.ftruncate(fd, recipe.total)
    return hasher.digest(), sink.copied


def _pieces(remote: Remote, gathering: _Gathering) -> Iterator[Payload]:
    """Gives the chunks in order, with a few groups of them gathered ahead."""
    ahead = remote.settings.jobs + 1
    waiting: deque[tuple[list[Entry], Future[dict[bytes, Payload]]]] = deque()
    with workers(remote.settings.jobs, "dvcx-gather") as pool:
        for group in gathering.groups():
            waiting.append((group, pool.submit(gathering, group)))
            if len(waiting) > ahead:
                yield from _in_order(*waiting.popleft())
        while waiting:
            yield from _in_order(*waiting.popleft())


def _in_order(group: list[Entry], gathered: Future[dict[bytes, Payload]]) -> Iterator[Payload]:
    contents = gathered.result()
    return (contents[chunk] for chunk, _ in group)


def _mend(remote: Remote, fd: int, recipe: Recipe) -> None:
    """Fetches again, and verified, each chunk that is not right in the file."""
    offsets: dict[bytes, list[int]] = {}
    offset = 0
    for chunk, length in recipe.entries:
        if remote.algorithm.of(read_exactly(fd, length, offset)) != chunk:
            offsets.setdefault(chunk, []).append(offset)
        offset += length
    for place, data in remote.fetch(remote.locate(offsets)):
        for at in offsets[place.record.digest]:
            os.lseek(fd, at, os.SEEK_SET)
            write_all(fd, data)
