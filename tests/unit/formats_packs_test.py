from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvcx.base.errors import DamagedData
from dvcx.base.hashing import ALGORITHMS
from dvcx.formats.index import Index, PackInfo, build_index, join_indexes
from dvcx.formats.pack import (
    FOOTER_SIZE,
    HEADER_SIZE,
    check_table,
    dump_footer,
    dump_header,
    pack_name,
    parse_footer,
    parse_header,
)
from dvcx.formats.recipe import PART_ENTRIES, Recipe, dump_recipe, parse_recipe, split_recipe
from dvcx.formats.table import Encoding, Record, Role, dump_table, parse_table, record_struct

BLAKE3 = ALGORITHMS["blake3"]
XXH = ALGORITHMS["xxh128"]


def record(digest: bytes, pack: int = 0, offset: int = 32, role: Role = Role.BLOB) -> Record:
    return Record(digest, role, Encoding.RAW, 0, pack, offset, 10, 10)


def digests(count: int, seed: int = 0, size: int = 32) -> list[bytes]:
    chance = random.Random(seed)
    return [chance.randbytes(size) for _ in range(count)]


def test_a_table_is_sorted_by_digest_and_read_back() -> None:
    records = [record(digest, offset=32 + 10 * number) for number, digest in enumerate(digests(50))]
    table = dump_table(records, 32)
    assert len(table) == 50 * record_struct(32).size
    assert list(parse_table(table, 32)) == sorted(records)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_header_of_a_pack_names_its_algorithm(name: str) -> None:
    header = dump_header(ALGORITHMS[name])
    assert len(header) == HEADER_SIZE
    assert parse_header(header, "a pack") is ALGORITHMS[name]


def test_what_is_no_header_is_damaged_data() -> None:
    header = dump_header(BLAKE3)
    for damaged in (
        b"",
        header[:-1],
        b"X" + header[1:],
        header.replace(b"blake3", b"blake4"),
        header[:8] + b"\x02" + header[9:],
    ):
        with pytest.raises(DamagedData, match="a pack"):
            parse_header(damaged, "a pack")


def test_a_footer_fits_its_file_exactly() -> None:
    header, table = dump_header(BLAKE3), dump_table(map(record, digests(3)), 32)
    data = dump_footer(header, table, 500, 3)
    size = 500 + len(table) + FOOTER_SIZE
    footer = parse_footer(data, size, 32, "a pack")
    assert (footer.offset, footer.count) == (500, 3)
    check_table(table, footer, "a pack")
    with pytest.raises(DamagedData, match="the table of a pack is damaged"):
        check_table(table[:-1] + b"x", footer, "a pack")
    for other in (size - 1, size + 1, 1 << 60):
        with pytest.raises(DamagedData, match="has no valid footer"):
            parse_footer(data, other, 32, "a pack")
    with pytest.raises(DamagedData, match="is cut off"):
        parse_footer(data[1:], size, 32, "a pack")
    assert pack_name(table) == pack_name(dump_table(map(record, reversed(digests(3))), 32))


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 1000, 5000])
def test_an_index_finds_every_record_and_nothing_else(count: int) -> None:
    found = digests(count)
    table = dump_table(map(record, found), 32)
    index = Index(build_index(BLAKE3, [("ab" * 32, 1234, table)]), "an index")
    assert index.packs == (PackInfo("ab" * 32, 1234, count),)
    assert len(index) == count
    assert [index.find(digest) for digest in found] == [record(digest) for digest in found]
    assert [index.find(digest) for digest in digests(50, seed=1)] == [None] * 50
    assert index.digests() == set(found)
    assert list(index.records()) == sorted(map(record, found))


def test_an_index_works_when_all_digests_begin_alike() -> None:
    found = [b"\0" * 28 + number.to_bytes(4, "big") for number in range(300)] + [b"\xff" * 32]
    index = Index(build_index(BLAKE3, [("ab" * 32, 1, dump_table(map(record, found), 32))]), "an index")
    assert all(digest in index for digest in found)
    assert b"\xff" * 31 + b"\xfe" not in index


def test_a_digest_that_stands_across_two_records_by_chance_is_not_found() -> None:
    width = record_struct(16).size
    first = Record(b"\1" * 16, Role.BLOB, Encoding.RAW, 0, 0x01010101, 0x01010101, 0x01010101, 0x01010101)
    index = Index(build_index(XXH, [("ab" * 32, 1, dump_table([first, record(b"\2" * 16)], 16))]), "an index")
    assert width == 36
    assert index.find(b"\1" * 16) == first._replace(pack=0)
    assert index.find(b"\1" * 12 + b"\2" * 4) is None


def joined_packs(index: Index) -> dict[str, list[bytes]]:
    packs: dict[str, list[bytes]] = {info.name: [] for info in index.packs}
    for found in index.records():
        packs[index.packs[found.pack].name].append(found.digest)
    return {name: sorted(each) for name, each in packs.items()}


def test_joined_indexes_keep_each_pack_once_and_leave_out_what_is_named() -> None:
    all_digests = digests(30)
    tables = {
        f"{number:02}" * 32: dump_table(map(record, all_digests[number : number + 10]), 32) for number in (0, 5, 10)
    }
    names = list(tables)
    one = Index(build_index(BLAKE3, [(name, 1, tables[name]) for name in names[:2]]), "one")
    two = Index(build_index(BLAKE3, [(name, 1, tables[name]) for name in names[1:]]), "two")
    joined = Index(join_indexes(BLAKE3, [one, two]), "joined")
    assert joined_packs(joined) == {
        name: sorted(all_digests[number : number + 10]) for name, number in zip(names, (0, 5, 10), strict=True)
    }
    assert [found.pack for found in joined.find_all(all_digests[7])] == [0, 1]
    without = Index(join_indexes(BLAKE3, [one, two], frozenset([names[1]])), "without")
    assert sorted(joined_packs(without)) == [names[0], names[2]]


@given(st.binary(max_size=200))
def test_no_bytes_that_are_no_index_are_taken_for_one(data: bytes) -> None:
    with pytest.raises(DamagedData):
        Index(data, "an index")


def test_every_flipped_byte_of_an_index_is_noticed() -> None:
    data = build_index(BLAKE3, [("ab" * 32, 1, dump_table(map(record, digests(20)), 32))])
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 0x10
        with pytest.raises(DamagedData):
            Index(bytes(damaged), "an index")


def test_a_recipe_is_read_back() -> None:
    recipe = Recipe(0, 30, tuple(zip(digests(3), (5, 10, 15), strict=True)))
    assert parse_recipe(dump_recipe(recipe, 32), 32, "a recipe") == recipe


def test_recipes_that_do_not_add_up_are_damaged_data() -> None:
    data = dump_recipe(Recipe(0, 31, tuple(zip(digests(3), (5, 10, 15), strict=True))), 32)
    for damaged in (data, data[:-1], data + b"x", b"", b"X" + data[1:]):
        with pytest.raises(DamagedData):
            parse_recipe(damaged, 32, "a recipe")


def test_long_recipes_are_cut_into_parts() -> None:
    chunks = [(bytes(32), 1)] * (2 * PART_ENTRIES + 1)
    parts = split_recipe(chunks, len(chunks))
    assert [(part.level, part.total, len(part.entries)) for part in parts] == [
        (0, PART_ENTRIES, PART_ENTRIES),
        (0, PART_ENTRIES, PART_ENTRIES),
        (0, 1, 1),
    ]
    assert split_recipe(chunks[:5], 5) == [Recipe(0, 5, tuple(chunks[:5]))]
