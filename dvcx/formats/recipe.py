"""Recipes: how the chunks of a large object make it up.

    header   32 bytes: magic "DVCXRCPE", version u16, digest size u16, level u32, total length u64, entry count u64
    entries  each: digest, length u32

At level 0 the entries are chunks. A recipe of a very large object has level 1: its entries are parts, each a level-0
recipe of at most `PART_ENTRIES` chunks, stored under the digest of its own bytes; a part's `length` is the number of
chunks in it. So no single payload grows with the object.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from dvcx.base.errors import DamagedData

MAGIC = b"DVCXRCPE"
VERSION = 1
PART_ENTRIES = 8192
_HEADER = struct.Struct("<8sHHIQQ")


@dataclass(frozen=True, slots=True)
class Recipe:
    """The pieces of an object in order: `(digest, length)` each; `total` is the object's length in bytes."""

    level: int
    total: int
    entries: tuple[tuple[bytes, int], ...]


def dump_recipe(recipe: Recipe, digest_size: int) -> bytes:
    """Gives the bytes of a recipe."""
    pack = struct.Struct(f"<{digest_size}sI").pack
    header = _HEADER.pack(MAGIC, VERSION, digest_size, recipe.level, recipe.total, len(recipe.entries))
    return header + b"".join(pack(digest, length) for digest, length in recipe.entries)


def parse_recipe(data: bytes, digest_size: int, where: str, most: int | None = None) -> Recipe:
    """Reads a recipe; raises `DamagedData` when it is none, has more than `most` chunks, or does not add up."""
    if len(data) < _HEADER.size:
        raise DamagedData(f"{where} is too short to be a recipe", _HINT)
    magic, version, size, level, total, count = _HEADER.unpack_from(data)
    layout = struct.Struct(f"<{digest_size}sI")
    if magic != MAGIC or size != digest_size or len(data) != _HEADER.size + count * layout.size or level > 1:
        raise DamagedData(f"{where} is not a recipe", _HINT)
    if version != VERSION:
        raise DamagedData(f"{where} has recipe version {version}; this dvcx reads {VERSION}", "upgrade dvcx")
    if most is not None and level == 0 and count > most:
        raise DamagedData(f"{where} has {count} chunks; more than {most} stand in parts", _HINT)
    entries: tuple[tuple[bytes, int], ...] = tuple(layout.iter_unpack(data[_HEADER.size :]))
    if level == 0 and sum(length for _, length in entries) != total:
        raise DamagedData(f"{where}: the lengths of the chunks do not make {total} bytes", _HINT)
    return Recipe(level, total, entries)


def split_recipe(chunks: Sequence[tuple[bytes, int]], total: int) -> list[Recipe]:
    """Gives the level-0 recipe of `chunks`, or its parts when it would be too long for one payload."""
    if len(chunks) <= PART_ENTRIES:
        return [Recipe(0, total, tuple(chunks))]
    parts = [tuple(chunks[at : at + PART_ENTRIES]) for at in range(0, len(chunks), PART_ENTRIES)]
    return [Recipe(0, sum(length for _, length in part), part) for part in parts]


_HINT = "run `dvcx fsck --remote NAME --repair`"
