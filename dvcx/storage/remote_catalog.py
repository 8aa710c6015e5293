"""What a remote holds: its index files, mirrored on the local disk, and the packs marked for deletion.

The listing of `index/` is the truth. Every file in it is immutable and named by the BLAKE3 of its bytes, so a local
copy is either right or thrown away; the mirror may be deleted or damaged at any time.
"""

from __future__ import annotations

import mmap
import os
import re
from collections.abc import Iterable, Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from blake3 import blake3

from dvcx.base.errors import DamagedData
from dvcx.base.files import remove_if_there, write_atomically
from dvcx.base.hashing import Algorithm
from dvcx.formats.index import Index, PackInfo, join_indexes
from dvcx.formats.remote_json import MOST_BYTES, Marks, parse_marks
from dvcx.formats.table import Record
from dvcx.storage.arrival import TRIES
from dvcx.storage.bucket import Bucket, BucketFile, NotThere

FOLDER = "index/"
_NAME = re.compile(r"index/([0-9a-f]{64})\.(idx|marks)")
_JOIN_ABOVE = 8
"""With more index files than this, their join is kept too: a look-up asks every index in turn."""
_ATTEMPTS = 3
_MOST_INDEX = 4 << 30
"""An index has 52 bytes for each object or chunk: one of more bytes is damaged or hostile, and is not read."""


class Found(NamedTuple):
    """Where an object lies on a remote: the pack's name, its size in bytes, and the record in its table."""

    pack: str
    pack_size: int
    record: Record


class Catalog:
    """What a remote held when `index/` was listed.

    `files` are the names of the index files, `marks` the marks by file name; `damaged` tells which index files could
    not be read, and why. What lies only where marks are counts as missing, but can still be read.
    """

    def __init__(
        self,
        indexes: Sequence[Index],
        files: Iterable[BucketFile] = (),
        marks: dict[str, Marks] | None = None,
        damaged: dict[str, str] | None = None,
    ) -> None:
        self.indexes = tuple(indexes)
        self.files = tuple(files)
        self.marks = marks or {}
        self.damaged = damaged or {}
        self.marked = frozenset(pack for marks in self.marks.values() for pack in marks.packs)
        self._has_marks = any(marks.packs or marks.objects for marks in self.marks.values())
        self._hidden: dict[str, set[bytes]] = {}
        for each in self.marks.values():
            for pack, digests in each.objects.items():
                self._hidden.setdefault(pack, set()).update(map(bytes.fromhex, digests))

    def find(self, digest: bytes) -> Found | None:
        """Gives where the object lies, where no mark is if that can be, or None."""
        marked, hidden = self.marked, self._hidden
        for index in self.indexes:
            record = index.find(digest)
            if record is not None:
                info = index.packs[record.pack]
                if info.name not in marked and not (hidden and digest in hidden.get(info.name, ())):
                    return Found(info.name, info.size, record)
        if not marked and not hidden:
            return None
        every = self.find_all(digest)
        return every[0] if every else None

    def find_many(self, digests: Set[bytes]) -> dict[bytes, Found]:
        """Gives where those of `digests` lie that are there; for many of them much faster than `find` for each."""
        if len(digests) * 8 < sum(index.count for index in self.indexes):
            found = {digest: self.find(digest) for digest in digests}
            return {digest: place for digest, place in found.items() if place is not None}
        places: dict[bytes, Found] = {}
        for index in self.indexes:
            packs = [(info.name, info.size) for info in index.packs]
            for record in index.records():
                digest = record.digest
                if digest in digests and digest not in places:
                    name, size = packs[record.pack]
                    places[digest] = Found(name, size, record)
        for digest in [d for d, place in places.items() if self.is_marked(place)] if self._has_marks else ():
            places[digest] = self.find(digest) or places[digest]
        return places

    def find_all(self, digest: bytes) -> list[Found]:
        """Gives every place where the object lies, those without a mark first."""
        found: dict[tuple[str, int], Found] = {}
        for index in self.indexes:
            for record in index.find_all(digest):
                info = index.packs[record.pack]
                found[info.name, record.offset] = Found(info.name, info.size, record)
        return sorted(found.values(), key=self.is_marked)

    def is_marked(self, found: Found) -> bool:
        """Tells whether a pack, or the object in it, is marked for deletion."""
        return found.pack in self.marked or found.record.digest in self._hidden.get(found.pack, ())

    def has(self, digest: bytes) -> bool:
        """Tells whether the object is held where no mark is."""
        found = self.find(digest)
        return found is not None and not self.is_marked(found)

    def missing(self, digests: Iterable[bytes]) -> set[bytes]:
        """Gives those of `digests` that are not held where no mark is."""
        wanted = digests if isinstance(digests, (set, frozenset)) else set(digests)
        records = sum(index.count for index in self.indexes)
        if not self.marked and not self._hidden and len(wanted) * len(self.indexes) > records // 4:
            return set(wanted).difference(*(index.digests() for index in self.indexes))
        has = self.has
        return {digest for digest in wanted if not has(digest)}

    @property
    def deleted(self) -> frozenset[str]:
        """The packs that were deleted and still have marks, so that nobody uses their names."""
        return frozenset(p for marks in self.marks.values() if marks.deleted is not None for p in marks.packs)

    def packs(self) -> dict[str, PackInfo]:
        """Gives every pack that an index names, marked ones too."""
        return {info.name: info for index in self.indexes for info in index.packs}


class IndexMirror:
    """The local copies of a remote's index files, in `folder` (None: nothing is kept)."""

    def __init__(self, bucket: Bucket, folder: Path | None, algorithm: Algorithm, jobs: int = 4) -> None:
        self._bucket = bucket
        self._folder = folder
        self._algorithm = algorithm
        self._jobs = jobs

    def load(self) -> Catalog:
        """Lists the remote's index files, fetches those not seen before, and gives the catalog of them all."""
        for _ in range(_ATTEMPTS):
            try:
                return self._load_once()
            except NotThere:
                continue  # another process joined index files between the listing and the fetch
        return self._load_once()

    def _load_once(self) -> Catalog:
        files = {found[1] + "." + found[2]: each for each, found in self._listed()}
        joined, covered = self._joined(frozenset(n for n in files if n.endswith(".idx")))
        damaged = {
            file.name: f"{self._where(name)} cannot be right: it has {file.size} bytes"
            for name, file in files.items()
            if file.size > (_MOST_INDEX if name.endswith(".idx") else MOST_BYTES)
        }
        rest = sorted(name for name in files if name not in covered and files[name].name not in damaged)
        indexes = [joined] if joined else []
        marks: dict[str, Marks] = {}
        for name, data in zip(rest, self._all_bytes(rest, files), strict=True):
            try:
                self._check_name(name, data)
                if name.endswith(".marks"):
                    marks[files[name].name] = parse_marks(bytes(data), self._where(name))
                else:
                    indexes.append(self._opened(name, data))
            except DamagedData as error:
                damaged[files[name].name] = error.message
        if len(indexes) > _JOIN_ABOVE and not damaged:
            indexes = [self._join(indexes, [n for n in files if n.endswith(".idx")])]
        self._forget_others(files)
        return Catalog(indexes, files.values(), marks, damaged)

    def _listed(self) -> Iterator[tuple[BucketFile, re.Match[str]]]:
        for each in self._bucket.list(FOLDER):
            if found := _NAME.fullmatch(each.name):
                yield each, found

    def keep(self, name: str, data: bytes) -> None:
        """Keeps the bytes of the index file `name` (without its folder) that was just written to the remote."""
        self._store(name, data)

    def _all_bytes(self, names: Sequence[str], files: dict[str, BucketFile]) -> Iterator[bytes | mmap.mmap]:
        here = {name: data for name in names if (data := self._local(name, files[name].size)) is not None}
        with ThreadPoolExecutor(self._jobs) if len(names) - len(here) > 1 else _Inline() as pool:
            yield from pool.map(lambda n: here[n] if n in here else self._fetch(n, files[n]), names)

    def _local(self, name: str, size: int) -> bytes | mmap.mmap | None:
        if self._folder is None:
            return None
        try:
            data = _mapped(self._folder / name)
        except (OSError, ValueError):
            return None
        if len(data) == size and _name_of(data) == name.partition(".")[0]:
            return data
        remove_if_there(self._folder / name)  # damaged: it is fetched anew
        return None

    def _fetch(self, name: str, file: BucketFile) -> bytes | mmap.mmap:
        for _ in range(TRIES):
            data = self._bucket.read(file.name)
            if _name_of(data) == name.partition(".")[0]:
                self._store(name, data)
                break
        return data

    def _store(self, name: str, data: bytes) -> None:
        if self._folder is None:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_atomically(self._folder / name, data, durable=False)
        except OSError:
            return  # without room or right to write here every command fetches the indexes it needs

    def _check_name(self, name: str, data: bytes | mmap.mmap) -> None:
        if _name_of(data) != name.partition(".")[0]:
            raise DamagedData(f"{self._where(name)} is damaged: its bytes are not what its name says")

    def _opened(self, name: str, data: bytes | mmap.mmap) -> Index:
        index = Index(data, self._where(name), verify=False)  # its name is the stronger proof
        if index.algorithm.name != self._algorithm.name:
            raise DamagedData(f"{self._where(name)} uses {index.algorithm.name}, not {self._algorithm.name}")
        return index

    def _joined(self, listed: frozenset[str]) -> tuple[Index | None, frozenset[str]]:
        if self._folder is None or len(listed) <= _JOIN_ABOVE:
            return None, frozenset()
        try:
            names = frozenset((self._folder / "joined.names").read_text("ascii").split())
            if not names or not names <= listed:
                return None, frozenset()
            return Index(_mapped(self._folder / f"joined-{_key(names)}"), "the joined index"), names
        except (OSError, ValueError, DamagedData):
            return None, frozenset()

    def _join(self, indexes: list[Index], names: list[str]) -> Index:
        data = join_indexes(self._algorithm, indexes)
        if self._folder is not None:
            try:
                path = self._folder / f"joined-{_key(names)}"
                write_atomically(path, data, durable=False)
                write_atomically(self._folder / "joined.names", "\n".join(sorted(names)).encode(), durable=False)
                return Index(_mapped(path), "the joined index", verify=False)
            except OSError:
                pass  # it is only kept for the next time
        return Index(data, "the joined index", verify=False)

    def _forget_others(self, files: dict[str, BucketFile]) -> None:
        """Removes the copies of index files that the remote no longer has."""
        if self._folder is None:
            return
        keep = set(files) | {"joined.names"}
        try:
            names = frozenset((self._folder / "joined.names").read_text("ascii").split())
            keep.add(f"joined-{_key(names)}")
        except OSError:
            pass
        try:
            for name in os.listdir(self._folder):
                if name not in keep and not name.startswith("."):
                    remove_if_there(self._folder / name)
        except OSError:
            return

    def _where(self, name: str) -> str:
        return f"{FOLDER}{name} of {self._bucket.label}"


def index_name(data: bytes) -> str:
    """Gives the file name, without its folder and ending, of an index or marks file with these bytes."""
    return blake3(data).hexdigest()


def _name_of(data: bytes | mmap.mmap) -> str:
    return blake3(data).hexdigest()


def _key(names: Iterable[str]) -> str:
    return blake3("\n".join(sorted(names)).encode()).hexdigest()[:32]


def _mapped(path: Path) -> mmap.mmap:
    with open(path, "rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


class _Inline:
    """Stands in for a pool of threads when there is at most one thing to fetch."""

    def __enter__(self) -> _Inline:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    map = staticmethod(map)
