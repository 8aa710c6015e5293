"""The packs of a cache: finding objects in them and reading them, verified."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import zstandard

from dvcx.base.errors import DamagedData
from dvcx.base.files import read_exactly, write_atomically
from dvcx.base.hashing import Algorithm
from dvcx.formats.index import Index, build_index, join_indexes
from dvcx.formats.pack import FOOTER_SIZE, HEADER_SIZE, check_table, parse_footer, parse_header
from dvcx.formats.table import Encoding, Record, record_struct

_WINDOW = 4 << 20
"""Neighbouring objects are read together, up to this many bytes at once."""
_GAP = 64 << 10
"""Reading over a gap of this many bytes is cheaper than another read."""
_OPEN_PACKS = 64
_JOIN_AFTER = 8
"""With more packs than this outside the joined index, it is written anew."""


class Place(NamedTuple):
    """Where an object lies: the pack's name and the record in its table."""

    pack: str
    record: Record


class PackFolder:
    """The folder `packs/` of a cache: opening reads one joined index and the tables of packs newer than it.

    `damaged` tells what could not be read: packs by name, each with the reason.
    """

    def __init__(self, root: Path, algorithm: Algorithm) -> None:
        self.root = root / "packs" / algorithm.name
        self._index_path = root / "index" / f"{algorithm.name}.idx"
        self._algorithm = algorithm
        self._fds: dict[str, int] = {}
        self._indexes: list[Index] = []
        self._present: frozenset[str] = frozenset()
        self._loaded = False
        self.damaged: dict[str, str] = {}

    def path_of(self, name: str) -> Path:
        """Gives the path of the pack called `name`."""
        return self.root / f"{name}.pack"

    def find(self, digest: bytes) -> Place | None:
        """Gives where the object lies, or None."""
        if not self._loaded:
            self.refresh()
        for index in self._indexes:
            record = index.find(digest)
            if record is None:
                continue
            if (name := index.packs[record.pack].name) in self._present:
                return Place(name, record)
            for other in index.find_all(digest):
                if (name := index.packs[other.pack].name) in self._present:
                    return Place(name, other)
        return None

    def refresh(self) -> None:
        """Looks again which packs there are."""
        self.close()
        sizes = self._listed()
        self._present = frozenset(sizes)
        self.damaged = {}
        joined = self._joined_index()
        covered = {info.name for info in joined.packs} if joined else set()
        tail: list[tuple[str, int, bytes]] = []
        for name in sorted(self._present - covered):
            try:
                tail.append((name, sizes[name], self.table_of(name)))
            except FileNotFoundError:
                continue  # joined into another pack by someone else since the listing
            except DamagedData as error:
                self.damaged[name] = error.message
        self._indexes = [joined] if joined else []
        if tail:
            self._indexes.append(Index(build_index(self._algorithm, tail), "new packs", verify=False))
        self._loaded = True

    def names(self) -> list[str]:
        """Gives the names of all packs, damaged ones too."""
        if not self._loaded:
            self.refresh()
        return sorted(self._present)

    def table_of(self, name: str) -> bytes:
        """Reads and checks the table of a pack; raises `DamagedData` when the pack is cut off or changed."""
        path = self.path_of(name)
        where = f"the pack {path}"
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            size = os.fstat(fd).st_size
            algorithm = parse_header(os.pread(fd, HEADER_SIZE, 0), where)
            if size < HEADER_SIZE + FOOTER_SIZE:
                raise DamagedData(f"{where} is cut off", "run `dvcx fsck --repair`")
            footer = parse_footer(os.pread(fd, FOOTER_SIZE, size - FOOTER_SIZE), size, algorithm.digest_size, where)
            table = read_exactly(fd, footer.count * record_struct(algorithm.digest_size).size, footer.offset)
        finally:
            os.close(fd)
        check_table(table, footer, where)
        return table

    def read_raw(self, place: Place) -> bytes:
        """Gives the decoded payload at `place`, not yet verified; raises `FileNotFoundError` when the pack is gone."""
        record = place.record
        data = read_exactly(self._open(place.pack), record.stored, record.offset)
        return decode(record, data, place.pack)

    def read_in_order(self, places: Iterable[Place]) -> Iterator[tuple[Place, bytes]]:
        """Gives each place with its payload, by pack and offset, neighbours in one read; not yet verified."""
        by_pack: dict[str, list[Record]] = {}
        for name, record in places:
            by_pack.setdefault(name, []).append(record)
        for name, records in by_pack.items():
            records.sort(key=_offset_of)
            for run in _runs(records):
                start = run[0].offset
                data = memoryview(read_exactly(self._open(name), run[-1].offset + run[-1].stored - start, start))
                for record in run:
                    piece = data[record.offset - start : record.offset - start + record.stored]
                    yield Place(name, record), decode(record, bytes(piece), name)

    def write_joined_index(self, *, durable: bool) -> None:
        """Writes one index over all packs when many lie outside it; without room or right to write, does nothing."""
        newer = self._indexes[-1] if self._indexes else None
        if newer is None or len(newer.packs) <= _JOIN_AFTER or self.damaged:
            return
        gone = frozenset(i.name for index in self._indexes for i in index.packs) - self._present
        data = join_indexes(self._algorithm, self._indexes, gone)
        try:
            self._index_path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._index_path, data, durable=durable)
        except OSError:
            return  # a hint only: the tables in the packs are the truth
        self._loaded = False

    def close(self) -> None:
        """Closes the files that reading left open."""
        for fd in self._fds.values():
            os.close(fd)
        self._fds.clear()

    def _open(self, name: str) -> int:
        fd = self._fds.get(name)
        if fd is None:
            if len(self._fds) >= _OPEN_PACKS:
                os.close(self._fds.pop(next(iter(self._fds))))
            fd = self._fds[name] = os.open(self.path_of(name), os.O_RDONLY | os.O_CLOEXEC)
        return fd

    def _listed(self) -> dict[str, int]:
        try:
            with os.scandir(self.root) as entries:
                packs = [e for e in entries if e.name.endswith(".pack") and len(e.name) == 69]
                return {e.name[:-5]: e.stat().st_size for e in packs}
        except FileNotFoundError:
            return {}

    def _joined_index(self) -> Index | None:
        try:
            with open(self._index_path, "rb") as file:
                index = Index(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), str(self._index_path))
        except (FileNotFoundError, ValueError, DamagedData):
            return None  # derived from the packs: without it their tables are read
        return index if index.algorithm.name == self._algorithm.name else None


def decode(record: Record, data: bytes, where: str) -> bytes:
    """Gives the payload that `data` stores; raises `DamagedData` when it cannot be decoded to the promised length."""
    if record.encoding == Encoding.RAW:
        return data
    if record.encoding == Encoding.ZSTD:
        try:
            raw = zstandard.ZstdDecompressor().decompress(data, max_output_size=max(record.raw, 1))
        except zstandard.ZstdError as error:
            raise DamagedData(f"{record.digest.hex()} in pack {where} cannot be decompressed: {error}") from error
        if len(raw) == record.raw:
            return raw
    raise DamagedData(f"{record.digest.hex()} in pack {where} is stored in an unknown way", "run `dvcx fsck --repair`")


def _offset_of(record: Record) -> int:
    return record.offset


def _runs(records: Sequence[Record]) -> Iterator[list[Record]]:
    run: list[Record] = []
    for record in records:
        if run:
            end = run[-1].offset + run[-1].stored
            if record.offset - end > _GAP or record.offset + record.stored - run[0].offset > _WINDOW:
                yield run
                run = []
        run.append(record)
    if run:
        yield run
