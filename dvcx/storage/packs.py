"""The packs of a cache: finding objects in them and reading them, verified."""

from __future__ import annotations

import mmap
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Set
from pathlib import Path
from typing import NamedTuple

from dvcx.base.errors import DamagedData
from dvcx.base.files import read_exactly, write_atomically
from dvcx.base.hashing import Algorithm, checksum
from dvcx.formats.index import Index, build_index, join_indexes
from dvcx.formats.pack import FOOTER_SIZE, HEADER_SIZE, check_table, parse_footer, parse_header
from dvcx.formats.table import Encoding, Record, Role, parse_table, record_struct
from dvcx.storage.pack_reader import OpenPack, decode, open_pack, open_to_read, runs_of, stored_in

_OPEN_PACKS = 64
_JOIN_AFTER = 8
"""With more packs than this outside the joined index, it is written anew."""
_JOIN_RECORDS = 8192
"""And with more records than this, unless the joined index is so large that rewriting it would cost more."""
_LISTED_MEANWHILE = 8
"""Looking one digest up costs about as much as listing this many."""
_READ_MEANWHILE = 2
"""And as much as reading this many records."""
_MOST_IN_MEMORY = 300_000
"""Digests that are held in memory to answer many questions: 30 MiB."""
_MAP_ABOVE = 32 << 20
"""An index of more bytes is mapped, not read. A map of a file on NFS can fail in a way that no program survives."""
_TRIES = 100
"""How often in a row the packs are looked at anew because other processes join them meanwhile."""
_NAME = re.compile(r"[0-9a-f]{64}\.pack")
_ROLES, _ENCODINGS = frozenset(Role), frozenset(Encoding)


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
        self.index_path = root / "index" / f"{algorithm.name}.idx"
        self._algorithm = algorithm
        self._open_packs: dict[str, OpenPack] = {}
        self._indexes: list[Index] = []
        self._joined: Index | None = None
        self._joined_is: tuple[int, ...] | None = None
        self._sizes: dict[str, int] = {}
        self._readable: frozenset[str] = frozenset()
        self._loaded = False
        self.damaged: dict[str, str] = {}

    def path_of(self, name: str) -> Path:
        """Gives the path of the pack called `name`."""
        return self.root / f"{name}.pack"

    def find(self, digest: bytes) -> Place | None:
        """Gives where the object lies, or None. Of several places it is one of those in packs that can be read."""
        if not self._loaded:
            self.refresh()
        for index in self._indexes:
            record = index.find(digest)
            if record is None:
                continue
            if (name := index.packs[record.pack].name) in self._readable:
                return Place(name, record)
            for other in index.find_all(digest):
                if (name := index.packs[other.pack].name) in self._readable:
                    return Place(name, other)
        return None

    def missing(self, digests: Collection[bytes]) -> set[bytes]:
        """Gives those of `digests` that are in no pack; for many of them much faster than `find` for each."""
        if not self._loaded:
            self.refresh()
        count = sum(index.count for index in self._indexes)
        if len(digests) * _LISTED_MEANWHILE < count or any(
            info.name not in self._readable for index in self._indexes for info in index.packs
        ):
            return {digest for digest in digests if self.find(digest) is None}
        return set(digests).difference(*(index.digests() for index in self._indexes))

    def find_many(self, digests: Set[bytes]) -> dict[bytes, Place]:
        """Gives where those of `digests` lie that are there; for many of them much faster than `find` for each."""
        if not self._loaded:
            self.refresh()
        if len(digests) * _READ_MEANWHILE < sum(index.count for index in self._indexes):
            one_by_one = {digest: self.find(digest) for digest in digests}
            return {digest: place for digest, place in one_by_one.items() if place is not None}
        found: dict[bytes, Place] = {}
        for index in self._indexes:
            names = [info.name for info in index.packs]
            for record in index.records():
                if record.digest in digests and names[record.pack] in self._readable:
                    found.setdefault(record.digest, Place(names[record.pack], record))
        return found

    def lookup(self) -> Callable[[bytes], bool]:
        """Gives a function that tells whether an object is in the packs as they are now, made for many questions."""
        if not self._loaded:
            self.refresh()
        whole = all(info.name in self._readable for index in self._indexes for info in index.packs)
        if not whole or sum(index.count for index in self._indexes) > _MOST_IN_MEMORY:
            return lambda digest: self.find(digest) is not None
        return set[bytes]().union(*(index.digests() for index in self._indexes)).__contains__

    def find_all(self, digest: bytes) -> list[Place]:
        """Gives every place of the object: it can lie in several packs."""
        if not self._loaded:
            self.refresh()
        found = {index.packs[record.pack].name: record for index in self._indexes for record in index.find_all(digest)}
        return [Place(name, record) for name, record in found.items() if name in self._readable]

    def refresh(self) -> None:
        """Looks again which packs there are; that costs little when they are the same."""
        for _ in range(_TRIES):
            sizes, joined_is = self._listed(), self._identity_of_joined()
            if self._loaded and not self.damaged and sizes == self._sizes and joined_is == self._joined_is:
                return
            self.close()
            self._loaded = True
            if self._load(sizes, joined_is):
                return

    def _load(self, sizes: dict[str, int], joined_is: tuple[int, ...] | None) -> bool:
        """Reads the indexes of the packs that were listed; tells whether they were all still there."""
        self._sizes, self.damaged = dict(sizes), {}
        joined = self._read_joined()
        # A pack of another size than the index knows was cut off: its own table has to say what it holds.
        covered = {info.name for info in joined.packs if sizes.get(info.name) == info.size} if joined else set()
        tail: list[tuple[str, int, bytes]] = []
        for name in sorted(sizes.keys() - covered):
            try:
                tail.append((name, sizes[name], self.table_of(name)))
            except FileNotFoundError:
                del self._sizes[name]  # joined into another pack by someone else since the listing
            except DamagedData as error:
                self.damaged[name] = error.message
            except OSError as error:
                self.damaged[name] = f"the pack {self.path_of(name)} cannot be read: {error.strerror}"
        self._readable = frozenset(self._sizes.keys() - self.damaged.keys())
        self._joined, self._joined_is = joined, joined_is
        self._indexes = [joined] if joined else []
        if tail:
            self._indexes.append(Index(build_index(self._algorithm, tail), "new packs", verify=False))
        return self._sizes == sizes

    def forget(self) -> None:
        """Makes the next look-up read everything anew: a pack was replaced by one of the same name and size."""
        self.close()
        self._loaded = False

    def joined_sums(self) -> dict[str, bytes]:
        """Gives for each pack that the joined index covers the checksum of its table as the index has it.

        Raises `DamagedData` when there is an index file that cannot be read.
        """
        if self._identity_of_joined() is None:
            return {}
        joined = self._read_joined()
        if joined is None:
            raise DamagedData(f"the index {self.index_path} is damaged", "it is made anew by itself")
        dump = record_struct(self._algorithm.digest_size).pack
        tables: list[list[bytes]] = [[] for _ in joined.packs]
        for record in joined.records():
            tables[record.pack].append(dump(*record._replace(pack=0)))
        return {info.name: checksum(b"".join(sorted(table))) for info, table in zip(joined.packs, tables, strict=True)}

    def look_again(self) -> bool:
        """Makes look-ups see what other processes did meanwhile; tells whether they did anything."""
        before = self._indexes
        self.refresh()
        return self._indexes is not before

    def names(self) -> list[str]:
        """Gives the names of all packs, damaged ones too."""
        return sorted(self.sizes())

    def sizes(self) -> dict[str, int]:
        """Gives the names of all packs, damaged ones too, and the bytes that each one's file has."""
        if not self._loaded:
            self.refresh()
        return dict(self._sizes)

    def records_of(self, name: str) -> Iterator[Record]:
        """Gives the records of a pack, sorted by digest; raises as `table_of` does, before the first one."""
        return parse_table(self.table_of(name), self._algorithm.digest_size)

    def indexed_records_of(self, name: str) -> list[Record]:
        """Gives what the joined index remembers of a pack whose own table may be damaged, if anything."""
        if not self._loaded:
            self.refresh()
        if self._joined is None or name not in (names := [info.name for info in self._joined.packs]):
            return []
        number = names.index(name)
        return [record for record in self._joined.records() if record.pack == number]

    def claimed_records_of(self, name: str) -> Iterator[Record]:
        """Gives what a pack's table says although its checksum is wrong: only the payloads prove what of it is true.

        One wrong byte in a table leaves all its other records good.
        """
        size_of_digest = self._algorithm.digest_size
        try:
            fd = open_to_read(self.path_of(name))
        except OSError:
            return
        try:
            size = os.fstat(fd).st_size
            end = os.pread(fd, FOOTER_SIZE, max(0, size - FOOTER_SIZE))
            footer = parse_footer(end, size, size_of_digest, name)
            table = read_exactly(fd, footer.count * record_struct(size_of_digest).size, footer.offset)
        except (DamagedData, OSError):
            return
        finally:
            os.close(fd)
        for record in parse_table(table, size_of_digest):
            fits = record.offset >= HEADER_SIZE and record.offset + record.stored <= footer.offset
            if fits and record.role in _ROLES and record.encoding in _ENCODINGS:
                yield record._replace(pack=0)

    def table_of(self, name: str) -> bytes:
        """Reads and checks the table of a pack; raises `DamagedData` when the pack is cut off or changed."""
        path = self.path_of(name)
        where = f"the pack {path}"
        fd = open_to_read(path)
        try:
            size = os.fstat(fd).st_size
            algorithm = parse_header(os.pread(fd, HEADER_SIZE, 0), where)
            if algorithm.name != self._algorithm.name:
                raise DamagedData(f"{where} says that it is one of {algorithm.name}", "run `dvcx fsck --repair`")
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
        for _, data in self.read_in_order([place]):
            return data
        raise AssertionError("read_in_order gives every place it was asked for")

    def read_in_order(self, places: Iterable[Place]) -> Iterator[tuple[Place, bytes]]:
        """Gives each place with its payload, by pack and offset, neighbours in one read; not yet verified.

        Raises `FileNotFoundError` when a pack is gone, because someone joined it with others.
        """
        by_pack: dict[str, list[Record]] = {}
        for name, record in places:
            by_pack.setdefault(name, []).append(record)
        for name, records in by_pack.items():
            for run in runs_of(records):
                # Opened anew for each run: the files may be closed between two of them.
                data = self._open(name).read_run(run)
                for record in run:
                    yield Place(name, record), decode(record, stored_in(data, run[0].offset, record), name)

    def write_joined_index(self, *, durable: bool) -> None:
        """Writes one index over all packs when much lies outside it; without room or right to write, does nothing."""
        newer = self._indexes[-1] if self._indexes else None
        if newer is None or newer is self._joined or self.damaged or not self._is_worth_joining(newer):
            return
        gone = frozenset(i.name for index in self._indexes for i in index.packs) - self._readable
        # The newer one comes first: where both know a pack, it was read from the pack itself.
        data = join_indexes(self._algorithm, self._indexes[::-1], gone)
        try:
            self.index_path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self.index_path, data, durable=durable)
        except OSError:
            return  # a hint only: the tables in the packs are the truth
        self._loaded = False

    def _is_worth_joining(self, newer: Index) -> bool:
        old = self._joined.count if self._joined else 0
        return len(newer.packs) > _JOIN_AFTER or newer.count > max(_JOIN_RECORDS, old // 8)

    def close(self) -> None:
        """Closes the files that reading left open."""
        for pack in self._open_packs.values():
            os.close(pack.fd)
        self._open_packs.clear()

    def __del__(self) -> None:
        self.close()

    def _open(self, name: str) -> OpenPack:
        pack = self._open_packs.get(name)
        if pack is None:
            if len(self._open_packs) >= _OPEN_PACKS:
                os.close(self._open_packs.pop(next(iter(self._open_packs))).fd)
            pack = self._open_packs[name] = open_pack(self.path_of(name))
        return pack

    def _listed(self) -> dict[str, int]:
        """Gives the packs and their sizes.

        A folder that is read while packs are joined can show neither the old ones nor the new one: so it is read until
        it twice shows the same names.
        """
        sizes = self._listed_once()
        for _ in range(_TRIES):
            if sizes.keys() == (again := self._listed_once()).keys():
                break
            sizes = again
        return sizes

    def _listed_once(self) -> dict[str, int]:
        sizes: dict[str, int] = {}
        try:
            with os.scandir(self.root) as entries:
                for entry in entries:
                    if _NAME.fullmatch(entry.name):
                        try:
                            sizes[entry.name[:64]] = entry.stat().st_size
                        except FileNotFoundError:
                            continue  # joined into another pack while we looked
        except (FileNotFoundError, NotADirectoryError):
            pass
        return sizes

    def _identity_of_joined(self) -> tuple[int, ...] | None:
        try:
            status = os.stat(self.index_path)
        except OSError:
            return None
        return status.st_ino, status.st_size, status.st_mtime_ns

    def _read_joined(self) -> Index | None:
        try:
            with open(self.index_path, "rb") as file:
                if os.fstat(file.fileno()).st_size > _MAP_ABOVE:
                    data: bytes | mmap.mmap = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
                else:
                    data = file.read()
            index = Index(data, str(self.index_path))
        except (OSError, ValueError, DamagedData):
            return None  # derived from the packs: without it their tables are read
        return index if index.algorithm.name == self._algorithm.name else None
