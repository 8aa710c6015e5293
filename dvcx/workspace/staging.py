"""Staging: writing contents from the cache into files beside the workspace, verified, before they get their places."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from dvcx.base.copying import hash_and_copy
from dvcx.base.errors import DamagedData, MissingData
from dvcx.base.files import closing, write_all
from dvcx.base.forking import run_forked, usable_processes
from dvcx.base.hashing import threaded_hasher
from dvcx.base.links import LinkType, try_link
from dvcx.model.tree import EntryKind, Tree, TreeEntry
from dvcx.storage.cache import Cache
from dvcx.storage.copies import Copies
from dvcx.storage.packs import Place
from dvcx.workspace.state import FINE_GRAIN, Seen, seen

_MANY = 2000
"""From this number of files on, more processes pay for their start."""
_HUGE = 256 << 20
"""Files of this many bytes and more are copied past the page cache; smaller ones stay in memory for their reader."""
_PART = 2500
"""Files that a process writes before it reports: often enough to be seen, seldom enough to cost little."""


@dataclass(slots=True)
class Staged:
    """A thing made ready at `place` (absolute) that will become `path`; `rows` are its files by folder path."""

    place: str
    path: str
    entry: TreeEntry
    rows: dict[str, dict[str, Seen]] = field(default_factory=dict)


@dataclass(slots=True)
class _Wanted:
    """One file to write: where, what, and where its state row goes."""

    place: str
    path: str
    entry: TreeEntry
    staged: Staged


class Stager:
    """Writes entries into the folder `scratch`. `damaged` gives path and digest of contents that turned out damaged."""

    def __init__(self, cache: Cache, scratch: Path, links: Sequence[LinkType], copies: Copies | None = None) -> None:
        self._cache = cache
        self._copies = copies
        self._scratch = scratch
        self._links = links
        self._wanted: list[_Wanted] = []
        self._count = 0
        self.damaged: list[tuple[str, bytes]] = []
        self._failed: set[str] = set()

    def add(self, path: str, entry: TreeEntry, load_tree: Callable[[bytes], Tree]) -> Staged:
        """Prepares `entry` for `path`: makes its folders and links at once, and notes its files for `write`."""
        self._count += 1
        staged = Staged(os.path.join(self._scratch, str(self._count)), path, entry)
        self._prepare(staged.place, path, entry, staged, load_tree)
        return staged

    def _prepare(
        self, place: str, path: str, entry: TreeEntry, staged: Staged, load_tree: Callable[[bytes], Tree]
    ) -> None:
        if entry.kind == EntryKind.LINK:
            os.symlink(entry.target, place)
        elif entry.kind == EntryKind.FOLDER:
            os.mkdir(place)
            for child in load_tree(entry.digest).entries:
                self._prepare(f"{place}/{child.name}", f"{path}/{child.name}", child, staged, load_tree)
        else:
            self._wanted.append(_Wanted(place, path, entry, staged))

    def write(self, advance: Callable[[int], None]) -> None:
        """Writes all files noted, verified; tells `advance` their number. Raises `OSError` such as a full disk."""
        by_digest: dict[bytes, list[_Wanted]] = {}
        for wanted in self._wanted:
            by_digest.setdefault(wanted.entry.digest, []).append(wanted)
        places, loose = self._cache.locate(by_digest.keys())
        left = self._write_packed(places, by_digest, advance)
        for digest, data in self._verified(left, by_digest):
            for wanted in by_digest[digest]:
                self._keep_row(wanted, _write_small(wanted, data))
        for digest in loose:
            for wanted in by_digest[digest]:
                try:
                    self._write_loose(wanted)
                except FileNotFoundError:
                    if self._cache.loose.has(digest):
                        raise
                    self._note_damage(wanted)  # set aside or collected just now
                advance(1)
        if self._wanted:
            _wait_for_a_tick()
        self._wanted.clear()

    def _write_packed(
        self, places: list[Place], by_digest: dict[bytes, list[_Wanted]], advance: Callable[[int], None]
    ) -> list[bytes]:
        """Writes the files whose content is in packs, with several processes when there are many.

        Making a file costs the kernel and Python about the same, and both work for one process at a time only. Gives
        the digests that could not be read well.
        """
        places.sort(key=_position)
        count = usable_processes() if len(places) >= _MANY else 1
        parts = [places[at : at + _PART] for at in range(0, len(places), _PART)]

        def write_part(part: list[Place]) -> bytes:
            return _write_part(self._cache, part, by_digest)

        left: list[bytes] = []
        for part, answer in zip(parts, _in_rounds(parts, count, write_part), strict=True):
            rows, bad = msgspec.msgpack.decode(answer, type=tuple[list[Seen | None], list[bytes]])
            skipped = set(bad)
            files = (w for place in part if place.record.digest not in skipped for w in by_digest[place.record.digest])
            for wanted, row in zip(files, rows, strict=True):
                self._keep_row(wanted, row)
            advance(len(rows))
            left += bad
        return left

    def has_failed(self, staged: Staged) -> bool:
        """Tells whether `staged` is a file whose content was damaged. A folder only lacks its damaged files."""
        return staged.place in self._failed

    def _verified(
        self, digests: Iterable[bytes], by_digest: Mapping[bytes, list[_Wanted]]
    ) -> Iterator[tuple[bytes, bytes]]:
        left = dict.fromkeys(digests)
        try:
            for digest, data in self._cache.read_many(list(left)):
                del left[digest]
                yield digest, data
        except (DamagedData, MissingData):
            # One damaged object does not keep the others from their places: go on one by one and collect them.
            for digest in left:
                try:
                    yield digest, self._cache.read(digest)
                except (DamagedData, MissingData):
                    for wanted in by_digest[digest]:
                        self._note_damage(wanted)

    def _note_damage(self, wanted: _Wanted) -> None:
        self.damaged.append((wanted.path, wanted.entry.digest))
        self._failed.add(wanted.place)

    def _write_loose(self, wanted: _Wanted) -> None:
        digest = wanted.entry.digest
        source = self._cache.loose.text_path_of(digest)
        executable = wanted.entry.kind == EntryKind.EXECUTABLE
        for kind in self._links:
            # A hard or symbolic link has the object's own mode, which is not executable.
            if kind is LinkType.COPY or (executable and kind in (LinkType.HARDLINK, LinkType.SYMLINK)):
                continue
            if self._try(kind, source, wanted, executable=executable):
                return
        self._copy(source, wanted)

    def _try(self, kind: LinkType, source: str, wanted: _Wanted, *, executable: bool) -> bool:
        parent, name = os.path.split(wanted.place)
        folder = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if not try_link(kind, source, name, folder):
                return False
        finally:
            os.close(folder)
        if not self._is_sound(wanted.place, wanted):
            return True
        if kind is LinkType.REFLINK:
            fd = os.open(wanted.place, os.O_RDWR | os.O_CLOEXEC)
            try:
                if executable:
                    _make_executable(fd)
                self._keep_row(wanted, _stamp(fd, wanted.entry.digest))
            finally:
                os.close(fd)
        return True

    def _is_sound(self, place: str, wanted: _Wanted) -> bool:
        """Hashes what was linked: neither a mode nor a time proves that an object is whole."""
        fd = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
        try:
            size = os.fstat(fd).st_size
            hasher = threaded_hasher(self._cache.algorithm, size)
            hash_and_copy(fd, hasher, None, size, past_page_cache=size >= _HUGE)
        finally:
            os.close(fd)
        return self._check(hasher.digest(), wanted)

    def _copy(self, source: str, wanted: _Wanted) -> None:
        if self._copies is not None and (ready := self._copies.take(wanted.entry.digest)) is not None:
            self._move(ready, wanted)
            return
        with closing(os.open(source, os.O_RDONLY | os.O_CLOEXEC)) as origin, closing(_create(wanted)) as target:
            size = os.fstat(origin).st_size
            hasher = threaded_hasher(self._cache.algorithm, size)
            hash_and_copy(origin, hasher, target, size, past_page_cache=size >= _HUGE)
            if self._check(hasher.digest(), wanted):
                self._keep_row(wanted, _stamp(target, wanted.entry.digest))

    def _move(self, ready: Path, wanted: _Wanted) -> None:
        """Puts a file there that was verified while it was written, a moment ago and by this process."""
        os.rename(ready, wanted.place)
        with closing(os.open(wanted.place, os.O_RDWR | os.O_CLOEXEC)) as fd:
            if wanted.entry.kind == EntryKind.EXECUTABLE:
                _make_executable(fd)
            self._keep_row(wanted, _stamp(fd, wanted.entry.digest))

    def _check(self, digest: bytes, wanted: _Wanted) -> bool:
        if digest == wanted.entry.digest:
            return True
        self._note_damage(wanted)
        os.unlink(wanted.place)
        return False

    def _keep_row(self, wanted: _Wanted, row: Seen | None) -> None:
        if row is not None:
            folder, _, name = wanted.path.rpartition("/")
            wanted.staged.rows.setdefault(folder, {})[name] = row


def _in_rounds(parts: list[list[Place]], count: int, work: Callable[[list[Place]], bytes]) -> Iterator[bytes]:
    for at in range(0, len(parts), count):
        yield from run_forked(parts[at : at + count], work)


def _write_part(cache: Cache, places: list[Place], by_digest: dict[bytes, list[_Wanted]]) -> bytes:
    """Writes the files of `places` and gives, as MessagePack, their rows in this order and the digests left out."""
    rows: dict[bytes, list[Seen | None]] = {}
    try:
        for digest, data in cache.read_placed(places):
            rows[digest] = [_write_small(wanted, data) for wanted in by_digest[digest]]
    except (DamagedData, FileNotFoundError):
        pass  # what is missing in `rows` is looked at one by one
    order = [place.record.digest for place in places]
    done = [row for digest in order if digest in rows for row in rows[digest]]
    return msgspec.msgpack.encode((done, [digest for digest in order if digest not in rows]))


def _write_small(wanted: _Wanted, data: bytes) -> Seen | None:
    fd = _create(wanted)
    try:
        if data:
            write_all(fd, data)
        return _stamp(fd, wanted.entry.digest)
    finally:
        os.close(fd)


def _make_executable(fd: int) -> None:
    mode = stat.S_IMODE(os.fstat(fd).st_mode)
    os.fchmod(fd, mode | (mode & 0o444) >> 2)  # for those who may read it, as umask has it


def _stamp(fd: int, digest: bytes) -> Seen | None:
    """Gives the row that remembers a file just written; None where times are whole seconds.

    Nobody else writes to a file that is being staged, so the row is safe once the file system's clock has ticked before
    the file gets its place: see `_wait_for_a_tick`.
    """
    status = os.fstat(fd)
    return seen(status, digest) if status.st_mtime_ns % 1_000_000_000 else None


def _wait_for_a_tick() -> None:
    """Waits until no later write can leave the times that files written until now have."""
    time.sleep(FINE_GRAIN / 1e9)


def _position(place: Place) -> tuple[str, int]:
    return place.pack, place.record.offset


def _create(wanted: _Wanted) -> int:
    mode = 0o777 if wanted.entry.kind == EntryKind.EXECUTABLE else 0o666
    return os.open(wanted.place, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
