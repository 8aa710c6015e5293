"""Packs: many objects in one immutable file, the same on disk and in remotes.

    header   32 bytes: magic "DVCXPACK", version u16, digest size u16, zero u32, algorithm name padded with NUL to 16
    payloads one after the other, each raw or one zstd frame
    table    the records of all payloads (see `table`)
    footer   64 bytes: table offset u64, record count u64, XXH3-128 of the table, XXH3-128 of the header,
             8 zero bytes, magic "DVCXPEND"

A pack is named by the BLAKE3 of its table, so that writing the same objects again gives the same name.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from blake3 import blake3

from dvcx.base.errors import DamagedData
from dvcx.base.hashing import ALGORITHMS, Algorithm, checksum
from dvcx.formats.table import record_struct

MAGIC = b"DVCXPACK"
END_MAGIC = b"DVCXPEND"
VERSION = 1
HEADER_SIZE = 32
FOOTER_SIZE = 64
TARGET_SIZE = 64 << 20
"""A pack is closed once its payloads reach this many bytes."""

_HEADER = struct.Struct("<8sHHI16s")
_FOOTER = struct.Struct("<QQ16s16s8s8s")


class Footer(NamedTuple):
    """Where the table of a pack lies: `count` records from byte `offset` on."""

    offset: int
    count: int  # type: ignore[assignment]  # a field hides the method of tuples
    table_sum: bytes
    header_sum: bytes


def dump_header(algorithm: Algorithm) -> bytes:
    """Gives the first 32 bytes of a pack whose objects are named by `algorithm`."""
    return _HEADER.pack(MAGIC, VERSION, algorithm.digest_size, 0, algorithm.name.encode())


def parse_header(data: bytes, where: str) -> Algorithm:
    """Gives the algorithm that names the objects of a pack; raises `DamagedData` when it is not a pack we know."""
    if len(data) != HEADER_SIZE:
        raise DamagedData(f"{where} is too short to be a pack", _FSCK)
    magic, version, digest_size, _, name = _HEADER.unpack(data)
    if magic != MAGIC:
        raise DamagedData(f"{where} does not start like a pack", _FSCK)
    if version != VERSION:
        raise DamagedData(f"{where} has pack version {version}; this dvcx reads {VERSION}", "upgrade dvcx")
    algorithm = ALGORITHMS.get(name.rstrip(b"\0").decode("ascii", "replace"))
    if algorithm is None or algorithm.digest_size != digest_size:
        raise DamagedData(f"{where} uses an unknown hash algorithm {name!r}", "upgrade dvcx")
    return algorithm


def dump_footer(header: bytes, table: bytes, table_offset: int, count: int) -> bytes:
    """Gives the last 64 bytes of a pack."""
    return _FOOTER.pack(table_offset, count, checksum(table), checksum(header), bytes(8), END_MAGIC)


def parse_footer(data: bytes, pack_size: int, digest_size: int, where: str) -> Footer:
    """Reads the footer of a pack of `pack_size` bytes; raises `DamagedData` when it does not fit the file.

    The claimed table must fill exactly the room between the payloads and the footer, so no claim can make a reader
    ask for more memory than the file has bytes.
    """
    if len(data) != FOOTER_SIZE:
        raise DamagedData(f"{where} is cut off", _FSCK)
    offset, count, table_sum, header_sum, zeros, magic = _FOOTER.unpack(data)
    size = record_struct(digest_size).size
    if magic != END_MAGIC or any(zeros) or offset < HEADER_SIZE or offset + count * size + FOOTER_SIZE != pack_size:
        raise DamagedData(f"{where} has no valid footer: it was cut off or changed", _FSCK)
    return Footer(offset, count, table_sum, header_sum)


def check_table(table: bytes, footer: Footer, where: str) -> None:
    """Raises `DamagedData` when `table` is not the one that the footer was written for."""
    if checksum(table) != footer.table_sum:
        raise DamagedData(f"the table of {where} is damaged", _FSCK)


def pack_name(table: bytes) -> str:
    """Gives the name of the pack with this table: 64 hex digits."""
    return blake3(table).hexdigest()


_FSCK = "run `dvcx fsck --repair`: it sets the damaged file aside and mends from the other side"
