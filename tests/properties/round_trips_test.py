"""What the formats write, they read back the same; and no bytes make a reader do anything but raise its own errors."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dvcx.base.errors import DamagedData, DvcxError, Refused
from dvcx.base.hashing import ALGORITHMS
from dvcx.base.paths import check_relative
from dvcx.formats.index import Index, build_index, join_indexes
from dvcx.formats.pack import FOOTER_SIZE, dump_footer, dump_header, pack_name, parse_footer, parse_header
from dvcx.formats.pointer_text import parse_pointer, print_pointer
from dvcx.formats.recipe import Recipe, dump_recipe, parse_recipe, split_recipe
from dvcx.formats.remote_json import Marks, RemoteDescription, dump_json, parse_description, parse_marks
from dvcx.formats.table import Encoding, Record, Role, dump_table, parse_table
from dvcx.formats.tree_bytes import dump_tree, parse_tree
from dvcx.git.ignorefile import has_line, with_line, without_line
from dvcx.model.ids import Kind, ObjectId
from dvcx.model.pointer import Pointer
from dvcx.model.tree import TreeEntry, make_tree

many = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)


def _acceptable(name: str) -> bool:
    try:
        check_relative(name, "a test")
    except Refused:
        return False
    return "/" not in name


NAMES = st.one_of(
    st.text(min_size=1, max_size=60),
    st.sampled_from(
        [
            "yes",
            "null",
            "1e5",
            "0x10",
            "- a",
            "a: b",
            "#",
            "'",
            '"',
            "\\",
            "{}",
            "[",
            "&a",
            "*a",
            "!!str",
            "~",
            " a ",
            "é",
            "e\u0301",
        ]
    ),
).filter(_acceptable)
DIGESTS = st.binary(min_size=32, max_size=32)
COUNTS = st.integers(0, 2**40)
FEW = st.integers(0, 1000)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)
NOTES = st.dictionaries(st.text(min_size=1, max_size=9), JSON, max_size=3)
POINTERS = st.builds(
    lambda name, digest, size, files, executable, desc, labels, meta, source, frozen, extra: Pointer(
        name=name,
        id=ObjectId("blake3", digest, Kind.BLOB if files is None else Kind.TREE),
        size=size,
        files=files,
        executable=executable,
        desc=desc,
        labels=tuple(labels),
        meta=meta,
        source=source,
        frozen=frozen,
        extra={f"x-{key}": value for key, value in extra.items()},
    ),
    NAMES, DIGESTS, COUNTS, st.none() | COUNTS, st.booleans(), st.none() | st.text(), st.lists(st.text(), max_size=3),
    NOTES, st.none() | NOTES, st.booleans(), NOTES,
)  # fmt: skip


@many
@given(POINTERS)
def test_pointers_read_back_the_same(pointer: Pointer) -> None:
    text = print_pointer(pointer)
    assert parse_pointer(text.encode(), f"folder/{pointer.name}.dvcx") == pointer
    assert print_pointer(parse_pointer(text.encode(), f"{pointer.name}.dvcx")) == text


ENTRIES = st.builds(TreeEntry, NAMES, st.integers(0, 2), DIGESTS, COUNTS, FEW) | st.builds(
    lambda name, target: TreeEntry(name, 3, target.encode(), 0, 1),
    NAMES,
    st.from_regex(r"\A(\.\./){0,3}[a-z ]{1,9}(/[a-z]{1,5}){0,3}\Z"),
)
TREES = st.lists(ENTRIES, max_size=12, unique_by=lambda entry: entry.name).map(make_tree)


@many
@given(TREES.filter(lambda tree: tree.size < 2**62))
def test_trees_read_back_the_same(tree: object) -> None:
    data = dump_tree(tree)  # type: ignore[arg-type]
    assert parse_tree(data) == tree
    assert dump_tree(parse_tree(data)) == data


RECORDS = st.builds(
    Record,
    DIGESTS,
    st.sampled_from(Role),
    st.sampled_from(Encoding),
    st.just(0),
    st.just(0),
    *[st.integers(0, 2**32 - 1)] * 3,
)
TABLES = st.lists(RECORDS, max_size=40, unique_by=lambda record: record.digest)


@many
@given(TABLES)
def test_tables_and_footers_read_back_the_same(records: list[Record]) -> None:
    table = dump_table(records, 32)
    assert sorted(parse_table(table, 32)) == sorted(records)
    header = dump_header(ALGORITHMS["blake3"])
    assert parse_header(header, "").name == "blake3"
    footer = dump_footer(header, table, 100, len(records))
    assert parse_footer(footer, 100 + len(table) + FOOTER_SIZE, 32, "")[:2] == (100, len(records))
    assert len(pack_name(table)) == 64


@many
@given(st.lists(TABLES, max_size=4), st.data())
def test_indexes_find_everything_that_went_into_them_and_nothing_else(
    tables: list[list[Record]], data: st.DataObject
) -> None:
    algorithm = ALGORITHMS["blake3"]
    packs = [(f"{number:064x}", 1000 + number, dump_table(records, 32)) for number, records in enumerate(tables)]
    index = Index(build_index(algorithm, packs), "")
    split = data.draw(st.integers(0, len(packs)))
    parts = [Index(build_index(algorithm, some), "") for some in (packs[:split], packs[split:])]
    joined = Index(join_indexes(algorithm, parts), "")
    everything = {record.digest for records in tables for record in records}
    for each in (index, joined):
        assert each.digests() == everything
        assert [info.name for info in each.packs] == [name for name, _, _ in packs]
        for digest in everything:
            expected = {(n, r.offset) for n, records in enumerate(tables) for r in records if r.digest == digest}
            assert {(r.pack, r.offset) for r in each.find_all(digest)} == expected
        assert each.find(data.draw(DIGESTS.filter(lambda digest: digest not in everything))) is None


@many
@given(st.lists(st.tuples(DIGESTS, st.integers(0, 2**32 - 1)), max_size=30))
def test_recipes_read_back_the_same(entries: list[tuple[bytes, int]]) -> None:
    total = sum(length for _, length in entries)
    (recipe,) = split_recipe(entries, total)
    assert parse_recipe(dump_recipe(recipe, 32), 32, "") == recipe == Recipe(0, total, tuple(entries))


LINES = st.text(st.characters(codec="utf-8", exclude_characters="\n\r\0/"), min_size=1, max_size=30).filter(
    lambda name: name not in (".", "..") and _acceptable(name)
)


@many
@given(
    st.lists(LINES, max_size=5, unique=True),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=80),
)
@example([" a "], "")
@example(["!a"], "/b")
@example(["#a", "a\\"], "\r\n")
def test_ignore_lines_come_and_go_and_leave_the_rest_alone(names: list[str], before: str) -> None:
    kept = [name for name in names if not has_line(before, name)]
    text = before
    for name in kept:
        text = with_line(text, name)
    assert all(has_line(text, name) for name in kept)
    for name in kept:
        text = without_line(text, name)
    assert not any(has_line(text, name) for name in kept)
    assert text.rstrip("\n") == before.rstrip("\n")


READERS: dict[str, Callable[[bytes], object]] = {
    "pointer": lambda data: parse_pointer(data, "a.dvcx"),
    "tree": parse_tree,
    "index": lambda data: Index(data, "it"),
    "recipe": lambda data: parse_recipe(data, 32, "it"),
    "header": lambda data: parse_header(data, "it"),
    "footer": lambda data: parse_footer(data, 10_000, 32, "it"),
    "description": lambda data: parse_description(data, "it"),
    "marks": lambda data: parse_marks(data, "it"),
}
GOOD: dict[str, bytes] = {
    "pointer": f'dvcx: 1\npath: a\ntype: file\nid: blake3:{"ab" * 32}\nsize: 5\nmeta: {{"a": [1, 2]}}\n'.encode(),
    "tree": dump_tree(make_tree([TreeEntry("a", 0, b"d" * 32, 5, 1), TreeEntry("l", 3, b"a", 0, 1)])),
    "index": build_index(
        ALGORITHMS["blake3"], [("ab" * 32, 99, dump_table([Record(b"d" * 32, 1, 0, 0, 0, 1, 2, 3)], 32))]
    ),
    "recipe": dump_recipe(Recipe(0, 7, ((b"d" * 32, 7),)), 32),
    "header": dump_header(ALGORITHMS["blake3"]),
    "footer": dump_footer(dump_header(ALGORITHMS["blake3"]), b"", 10_000 - FOOTER_SIZE, 0),
    "description": dump_json(RemoteDescription(1, "ab", "blake3")),
    "marks": dump_json(Marks(1, 5.0, {"ab" * 32: 5}, objects={"cd" * 32: ["ef" * 32]})),
}


@pytest.mark.parametrize("kind", READERS)
@many
@given(st.binary(max_size=200), st.data())
def test_no_bytes_make_a_reader_raise_anything_but_its_own_errors(kind: str, noise: bytes, data: st.DataObject) -> None:
    good = bytearray(GOOD[kind])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(good) - 1))
        good[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(good)))
    for attempt in (noise, bytes(good), bytes(good[:cut]), bytes(good) + noise):
        try:
            READERS[kind](attempt)
        except DvcxError as error:
            assert isinstance(error, DamagedData | Refused)
            assert len(str(error)) < 2000
            json.dumps(str(error)).encode()
