"""Indexes: the joined tables of many packs, searchable in place without being parsed.

    header   64 bytes: magic "DVCXINDX", version u16, digest size u16, fanout bits u32, algorithm name (16),
             pack count u64, record count u64, XXH3-128 of all that follows
    packs    pack count times: name (32 bytes), size of the pack file u64, number of its records u64
    fanout   2**bits + 1 times u32: how many records have a digest whose first `bits` bits are below this number
    records  sorted by digest; the pack number counts in the order of the packs above

The same file is what a push leaves on the remote and what a cache keeps of its own packs.
"""

from __future__ import annotations

import mmap
import struct
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from types import MappingProxyType
from typing import NamedTuple

from dvcx.base.errors import DamagedData
from dvcx.base.hashing import ALGORITHMS, Algorithm, checksum
from dvcx.formats.table import TAIL, Record, record_struct

MAGIC = b"DVCXINDX"
VERSION = 1
HEADER_SIZE = 64
_HEADER = struct.Struct("<8sHHI16sQQ16s")
_PACK = struct.Struct("<32sQQ")
_PACK_NUMBER = struct.Struct("<I")


class PackInfo(NamedTuple):
    """A pack that an index covers: its name (hex), the size of its file in bytes, and its number of records."""

    name: str
    size: int
    count: int  # type: ignore[assignment]  # a field hides the method of tuples


class Index:
    """An index over bytes or a memory map; look-ups read only what they touch."""

    def __init__(self, data: bytes | mmap.mmap, where: str, *, verify: bool = True) -> None:
        """Opens `data`; raises `DamagedData` when it is no index, or with `verify` when its checksum is wrong."""
        if len(data) < HEADER_SIZE:
            raise DamagedData(f"{where} is too short to be an index", _HINT)
        magic, version, digest_size, bits, name, packs, count, total = _HEADER.unpack(data[:HEADER_SIZE])
        if magic != MAGIC:
            raise DamagedData(f"{where} does not start like an index", _HINT)
        if version != VERSION:
            raise DamagedData(f"{where} has index version {version}; this dvcx reads {VERSION}", "upgrade dvcx")
        algorithm = ALGORITHMS.get(name.rstrip(b"\0").decode("ascii", "replace"))
        if algorithm is None or algorithm.digest_size != digest_size:
            raise DamagedData(f"{where} uses an unknown hash algorithm {name!r}", "upgrade dvcx")
        self.algorithm: Algorithm = algorithm
        self._width = record_struct(digest_size).size
        fan_start = HEADER_SIZE + packs * _PACK.size
        self._start = fan_start + ((1 << bits) + 1) * 4 if bits <= 24 else len(data) + 1
        if self._start + count * self._width != len(data):
            raise DamagedData(f"{where} is cut off or changed: its size does not fit its header", _HINT)
        if verify:
            with memoryview(data) as view:
                if checksum(view[HEADER_SIZE:]) != total:
                    raise DamagedData(f"{where} is damaged: its checksum is wrong", _HINT)
        self._where = where
        self._data = data
        self._bits = bits
        self._fan = array("I", bytes(data[fan_start : self._start]))
        self.count: int = count
        self.packs: tuple[PackInfo, ...] = tuple(
            PackInfo(raw.hex(), size, number) for raw, size, number in _PACK.iter_unpack(data[HEADER_SIZE:fan_start])
        )

    def find(self, digest: bytes) -> Record | None:
        """Gives the first record of `digest`, or None; raises `DamagedData` when it names a pack that is not listed."""
        if len(digest) != self.algorithm.digest_size:
            return None
        bucket = int.from_bytes(digest[:4], "big") >> (32 - self._bits) if self._bits else 0
        width, start = self._width, self._start
        low, high = start + self._fan[bucket] * width, start + self._fan[bucket + 1] * width
        at = self._data.find(digest, low, high)
        while at >= 0 and (at - start) % width:  # the digest's bytes can stand across two records by chance
            at = self._data.find(digest, at + 1, high)
        if at < 0:
            return None
        size = len(digest)
        record = Record(digest, *TAIL.unpack(self._data[at + size : at + width]))
        if record.pack >= len(self.packs):
            raise self._unlisted()
        return record

    def find_all(self, digest: bytes) -> list[Record]:
        """Gives every record of `digest`: the same object can lie in several packs."""
        first = self.find(digest)
        if first is None:
            return []
        bucket = int.from_bytes(digest[:4], "big") >> (32 - self._bits) if self._bits else 0
        return [r for r in self._slice(self._fan[bucket], self._fan[bucket + 1]) if r.digest == digest]

    def __contains__(self, digest: bytes) -> bool:
        return self.find(digest) is not None

    def __len__(self) -> int:
        return self.count

    def records(self) -> Iterator[Record]:
        """Gives all records, sorted by digest, holding only a slice of them in memory at a time."""
        step = 8192
        for low in range(0, self.count, step):
            yield from self._slice(low, min(low + step, self.count))

    def digests(self) -> set[bytes]:
        """Gives the digests of all records."""
        width, size = self._width, self.algorithm.digest_size
        body = self._data[self._start :]
        return {body[at : at + size] for at in range(0, len(body), width)}

    def raw_records(self) -> list[bytes]:
        """Gives every record as its bytes, in order."""
        body = self._data[self._start :]
        return [body[at : at + self._width] for at in range(0, len(body), self._width)]

    def _slice(self, low: int, high: int) -> Iterator[Record]:
        data = self._data[self._start + low * self._width : self._start + high * self._width]
        listed = len(self.packs)
        for record in map(Record._make, record_struct(self.algorithm.digest_size).iter_unpack(data)):
            if record.pack >= listed:
                raise self._unlisted()
            yield record

    def _unlisted(self) -> DamagedData:
        return DamagedData(f"{self._where} is damaged: it names packs that it does not list", _HINT)


def build_index(algorithm: Algorithm, tables: Iterable[tuple[str, int, bytes]]) -> bytes:
    """Joins pack tables into one index.

    `tables` gives for each pack its name, the size of its file and its table.
    """
    packs: list[PackInfo] = []
    records: list[bytes] = []
    width = record_struct(algorithm.digest_size).size
    for name, size, table in tables:
        records.extend(_renumbered(table, width, algorithm.digest_size + 4, len(packs)))
        packs.append(PackInfo(name, size, len(table) // width))
    records.sort()
    return _assemble(algorithm, packs, records)


def join_indexes(
    algorithm: Algorithm,
    indexes: Sequence[Index],
    without: frozenset[str] = frozenset(),
    hidden: Mapping[str, Set[bytes]] = MappingProxyType({}),
) -> bytes:
    """Joins indexes into one, leaving out the packs called `without` and keeping each pack once.

    `hidden` gives digests by pack whose records are left out as well.
    """
    packs: list[PackInfo] = []
    number_by_name: dict[str, int] = {}
    records: list[bytes] = []
    at = algorithm.digest_size + 4
    repeated = False
    for index in indexes:
        numbers: dict[int, bytes] = {}
        omitted: set[bytes] = set()
        for old, info in enumerate(index.packs):
            if info.name in without:
                continue
            repeated = repeated or info.name in number_by_name
            if info.name not in number_by_name:
                number_by_name[info.name] = len(packs)
                packs.append(info)
            numbers[old] = _PACK_NUMBER.pack(number_by_name[info.name])
            omitted.update(digest + _PACK_NUMBER.pack(old) for digest in hidden.get(info.name, ()))
        if not numbers:
            continue
        for record in index.raw_records():
            new = numbers.get(int.from_bytes(record[at : at + 4], "little"))
            if new is not None and not (omitted and record[: at - 4] + record[at : at + 4] in omitted):
                records.append(record[:at] + new + record[at + 4 :])
    # Two indexes of one pack can leave out different records of it: what either one has counts, once.
    records = sorted(set(records)) if repeated else sorted(records)
    return _assemble(algorithm, packs, records)


def _renumbered(table: bytes, width: int, at: int, number: int) -> Iterator[bytes]:
    new = _PACK_NUMBER.pack(number)
    for low in range(0, len(table), width):
        yield table[low : low + at] + new + table[low + at + 4 : low + width]


def _assemble(algorithm: Algorithm, packs: list[PackInfo], records: list[bytes]) -> bytes:
    # About eight records a bucket: one short scan finds a record, and the fanout stays 1 % of the file.
    bits = max(0, min(20, (len(records) // 8).bit_length()))
    head = b"".join(_PACK.pack(bytes.fromhex(p.name), p.size, p.count) for p in packs)
    fan = _fanout(records, bits)
    body = b"".join([head, fan.tobytes(), *records])
    header = _HEADER.pack(
        MAGIC, VERSION, algorithm.digest_size, bits, algorithm.name.encode(), len(packs), len(records), checksum(body)
    )
    return header + body


def _fanout(records: list[bytes], bits: int) -> array[int]:
    if not bits:
        return array("I", [0, len(records)])
    shift = 32 - bits
    fan = array("I", bytes(4 * ((1 << bits) + 1)))
    if len(records) < 1 << bits:
        for bucket in range(1 << bits):
            fan[bucket] = bisect_left(records, (bucket << shift).to_bytes(4, "big"))
    else:
        bucket = 0
        for position, record in enumerate(records):
            own = int.from_bytes(record[:4], "big") >> shift
            while bucket < own:
                bucket += 1
                fan[bucket] = position
        for rest in range(bucket + 1, 1 << bits):
            fan[rest] = len(records)
    fan[1 << bits] = len(records)
    return fan


_HINT = "indexes are made anew from the packs: run `dvcx fsck --repair`"
