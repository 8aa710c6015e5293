from __future__ import annotations

import re

import pytest

from dvcx.base.errors import DamagedData, Refused
from dvcx.formats.pointer_text import MAX_BYTES, parse_pointer, print_pointer
from dvcx.formats.tree_bytes import check_portable, dump_tree, parse_tree
from dvcx.model.ids import Kind, ObjectId
from dvcx.model.pointer import Pointer
from dvcx.model.tree import EMPTY_TREE, EntryKind, TreeEntry, file_entry, folder_entry, link_entry, make_tree

DIGEST = bytes(range(32))
BLOB, TREE = (ObjectId("blake3", DIGEST, kind) for kind in (Kind.BLOB, Kind.TREE))
HEAD = f"dvcx: 1\npath: data\ntype: file\nid: blake3:{DIGEST.hex()}\nsize: 3\n"


def test_a_plain_pointer_is_five_plain_lines() -> None:
    assert print_pointer(Pointer("data", BLOB, 3)) == HEAD
    folder = Pointer("data", TREE, 3, 2, executable=False)
    assert print_pointer(folder) == HEAD.replace("type: file", "type: folder") + "files: 2\n"


def test_everything_a_pointer_says_has_a_line_of_its_own() -> None:
    pointer = Pointer(
        "data",
        BLOB,
        3,
        executable=True,
        desc="two\nlines",
        labels=("a", "b"),
        meta={"rate": 1e-05, "deep": {"x": [1, None, True]}},
        source={"url": "https://example.org"},
        frozen=True,
        extra={"later": "kept"},
    )
    assert print_pointer(pointer) == HEAD + (
        "executable: true\n"
        "frozen: true\n"
        'desc: "two\\nlines"\n'
        'labels: ["a", "b"]\n'
        'meta: {"rate": 1.0e-05, "deep": {"x": [1, null, true]}}\n'
        'source: {"url": "https://example.org"}\n'
        'later: "kept"\n'
    )
    assert parse_pointer(print_pointer(pointer).encode(), "data.dvcx") == pointer


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is not a mapping"),
        ("- a\n", "is not a mapping"),
        ("a: b\n", "has no `dvcx: 1` line"),
        (HEAD.replace("dvcx: 1", "dvcx: true"), "has no `dvcx: 1` line"),
        (HEAD.replace("dvcx: 1", "dvcx: 2"), "has pointer format 2"),
        (HEAD.replace("type: file", "type: socket"), "`type` must be file or folder"),
        (HEAD.replace("size: 3\n", ""), "has no `size` field"),
        (HEAD.replace("size: 3", "size: -3"), "`size` is negative"),
        (HEAD.replace("size: 3", "size: true"), "`size` must be of type int"),
        (HEAD.replace("size: 3", "size: 9223372036854775807"), "`size` is too large"),
        (HEAD.replace("type: file", "type: folder"), "has no `files` field"),
        (HEAD.replace("path: data", "path: other"), "stands for 'other'"),
        (HEAD + "size: 4\n", "has the field `size` twice"),
        (HEAD + "labels: text\n", "`labels` must be of type list"),
        (HEAD + "desc: [1]\n", "`desc` must be of type str"),
        (HEAD + "x: &a [1]\ny: *a\n", "YAML aliases are not accepted"),
        (HEAD + "x: !!python/object:os.system {}\n", "the YAML tag"),
        (HEAD + "x: " + "[" * 100 + "]" * 100 + "\n", "is nested more than 64 levels deep"),
        (HEAD + "x: " + "[" * 100_000 + "]" * 100_000 + "\n", "nest"),  # newer YAML readers say it in their words
        (HEAD + "x: [\n", "is not valid YAML (line "),
        (HEAD + "x: .nan\n", "is not valid YAML"),
        ("<<<<<<< ours\n" + HEAD + ">>>>>>> theirs\n", "contains conflict markers from a merge"),
        (HEAD + "desc: " + "x" * MAX_BYTES + "\n", "is too large to be a pointer"),
    ],
)
def test_what_is_no_pointer_is_damaged_data_and_told_by_its_file(text: str, problem: str) -> None:
    with pytest.raises(DamagedData) as raised:
        parse_pointer(text.encode(), "data.dvcx")
    assert raised.value.message.startswith("data.dvcx")
    assert problem in raised.value.message
    assert raised.value.hint


def test_a_pointer_must_be_text() -> None:
    with pytest.raises(DamagedData, match="is not UTF-8 text"):
        parse_pointer(HEAD.encode() + b"desc: \xff\n", "data.dvcx")


def test_a_hostile_name_in_a_pointer_is_refused() -> None:
    with pytest.raises(Refused):
        parse_pointer(HEAD.replace("path: data", 'path: "../data"').encode(), "data.dvcx")


def test_people_may_write_a_pointer_in_other_yaml() -> None:
    text = f"# mine\npath: 'data'\n{HEAD.replace('path: data', '')}when: 2020-01-02\n7: [1.5]\n"
    pointer = parse_pointer(text.encode(), "data.dvcx")
    assert pointer == Pointer("data", BLOB, 3, extra={"when": "2020-01-02", "7": [1.5]})
    assert parse_pointer(print_pointer(pointer).encode(), "data.dvcx") == pointer


def test_words_that_yaml_takes_for_values_are_quoted() -> None:
    for name in ("yes", "No", "null", "1", "1e3", "~", "nan"):
        text = print_pointer(Pointer(name, BLOB, 3))
        assert f'path: "{name}"\n' in text
        assert parse_pointer(text.encode(), f"{name}.dvcx").name == name


TREE_VALUE = make_tree(
    [
        file_entry("a", DIGEST, 3),
        file_entry("b", DIGEST, 4, executable=True),
        folder_entry("c", DIGEST, EMPTY_TREE),
        link_entry("d", "../x"),
    ]
)


def test_a_tree_is_read_back_as_it_was() -> None:
    data = dump_tree(TREE_VALUE)
    assert parse_tree(data) == TREE_VALUE
    assert dump_tree(parse_tree(memoryview(data))) == data
    assert parse_tree(dump_tree(EMPTY_TREE)) == EMPTY_TREE


def dumped(*entries: TreeEntry) -> bytes:
    from dvcx.model.tree import Tree

    return dump_tree(Tree(entries))


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "cannot be read"),
        (dump_tree(TREE_VALUE)[:-1], "cannot be read"),
        (dump_tree(TREE_VALUE).replace(b"dvcx-tree", b"dvcx-peer"), "has the format 'dvcx-peer' 1"),
        (dumped(file_entry("b", DIGEST, 1), file_entry("a", DIGEST, 1)), "is not in order at 'a'"),
        (dumped(file_entry("a", DIGEST, 1), file_entry("a", DIGEST, 1)), "is not in order at 'a'"),
        (dumped(TreeEntry("a", 4, DIGEST, 1, 1)), "has a bad entry 'a'"),
        (dumped(TreeEntry("a", EntryKind.FOREIGN, DIGEST, 1, 1)), "has a bad entry 'a'"),
        (dumped(TreeEntry("a", -1, DIGEST, 1, 1)), "has a bad entry 'a'"),
        (dumped(file_entry("a", DIGEST, -1)), "has a bad entry 'a'"),
        (dumped(file_entry("a", DIGEST[:-1], 1)), "has a bad digest at 'a'"),
        (dumped(file_entry("a", DIGEST, 1 << 62), file_entry("b", DIGEST, 1 << 62)), "claims to hold"),
    ],
)
def test_bytes_that_are_no_tree_are_damaged_data(data: bytes, problem: str) -> None:
    with pytest.raises(DamagedData, match=re.escape(problem)):
        parse_tree(data, "the tree x")


@pytest.mark.parametrize(
    "entry",
    [
        file_entry("..", DIGEST, 1),
        file_entry(".git", DIGEST, 1),
        file_entry("a/b", DIGEST, 1),
        link_entry("a", "/etc/passwd"),
        link_entry("a", "x/../../y"),
    ],
)
def test_hostile_entries_are_refused(entry: TreeEntry) -> None:
    with pytest.raises(Refused, match="the tree x"):
        parse_tree(dumped(entry), "the tree x")


def test_names_that_some_disks_take_for_one_are_refused_where_that_is_asked() -> None:
    check_portable(TREE_VALUE, "data")
    with pytest.raises(Refused) as raised:
        check_portable(make_tree([file_entry("a", DIGEST, 1), file_entry("A", DIGEST, 1)]), "data")
    assert raised.value.names == ("A", "a")
