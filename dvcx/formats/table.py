"""Tables: fixed-width records, sorted by digest, that say where in which pack an object lies.

A record is `digest | role u8 | encoding u8 | zero u16 | pack u32 | offset u32 | stored u32 | raw u32`, little-endian.
A pack ends in a table of its own objects (pack number 0); an index holds the joined tables of many packs.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import NamedTuple


class Role(IntEnum):
    """What a payload is. A recipe stands under the id of the blob or tree that its chunks make."""

    BLOB = 1
    TREE = 2
    CHUNK = 3
    RECIPE = 4
    PART = 5


class Encoding(IntEnum):
    """How a payload is stored."""

    RAW = 0
    ZSTD = 1


class Record(NamedTuple):
    """Where one object lies: `stored` bytes at `offset` of pack number `pack`, `raw` bytes when decoded."""

    digest: bytes
    role: int
    encoding: int
    zero: int
    pack: int
    offset: int
    stored: int
    raw: int


TAIL = struct.Struct("<BBHIIII")
"""The record without its digest."""

MAX_OFFSET = 0xFFFF_FFFF


def record_struct(digest_size: int) -> struct.Struct:
    """Gives the layout of a record whose digest has `digest_size` bytes."""
    return struct.Struct(f"<{digest_size}sBBHIIII")


def dump_table(records: Iterable[Record], digest_size: int) -> bytes:
    """Gives the table of `records`, sorted by digest."""
    pack = record_struct(digest_size).pack
    return b"".join(sorted(pack(*record) for record in records))


def parse_table(data: bytes | memoryview, digest_size: int) -> Iterator[Record]:
    """Gives the records of a table in its order; `data` is a whole number of records."""
    return map(Record._make, record_struct(digest_size).iter_unpack(data))
