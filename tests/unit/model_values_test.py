from __future__ import annotations

import pytest

from dvcx.base.errors import DamagedData
from dvcx.model.changes import Change, ChangeKind, pair_renames
from dvcx.model.ids import Kind, ObjectId, parse_object_id
from dvcx.model.pointer import Pointer, data_path, pointer_path
from dvcx.model.tree import (
    EMPTY_TREE,
    EntryKind,
    TreeEntry,
    file_entry,
    folder_entry,
    foreign_entry,
    link_entry,
    make_tree,
)

ONE, TWO = b"1" * 32, b"2" * 32


def test_an_id_is_read_back_as_it_is_printed() -> None:
    oid = ObjectId("blake3", bytes(range(32)), Kind.TREE)
    assert str(oid) == "blake3:" + bytes(range(32)).hex()
    assert parse_object_id(str(oid), Kind.TREE, "x.dvcx") == oid


@pytest.mark.parametrize(
    "text",
    [
        "",
        "blake3",
        "blake3:",
        "md5:" + "0" * 32,
        "blake3:" + "0" * 62,
        "blake3:" + "0" * 66,
        "blake3:" + "A" * 64,
        "blake3:" + "0 " * 32 + "0" * 32,
        "blake3:" + "g" * 64,
        "Blake3:" + "0" * 64,
        "sha256:" + "0" * 32,
    ],
)
def test_what_is_no_id_is_damaged_data(text: str) -> None:
    with pytest.raises(DamagedData, match=r"x\.dvcx"):
        parse_object_id(text, Kind.BLOB, "x.dvcx")


def test_an_unknown_algorithm_may_be_known_to_a_newer_dvcx() -> None:
    with pytest.raises(DamagedData) as raised:
        parse_object_id("kangaroo12:00", Kind.BLOB, "x.dvcx")
    assert raised.value.hint is not None and "upgrade" in raised.value.hint


def test_a_tree_is_in_the_order_of_utf8_and_knows_its_totals() -> None:
    inner = make_tree([file_entry("x", ONE, 10), file_entry("y", ONE, 5)])
    tree = make_tree(
        [
            file_entry("\U0001f600", ONE, 1),
            file_entry("\uffff", ONE, 2),
            folder_entry("a", TWO, inner),
            link_entry("Z", "a/x"),
        ]
    )
    names = [entry.name for entry in tree.entries]
    assert names == sorted(names, key=lambda name: name.encode()) == ["Z", "a", "\uffff", "\U0001f600"]
    assert (tree.size, tree.files, EMPTY_TREE.size, EMPTY_TREE.files) == (18, 5, 0, 0)


def test_entries_are_found_by_name() -> None:
    tree = make_tree(file_entry(f"{number:03}", ONE, number) for number in range(300))
    assert [tree.get(f"{number:03}") for number in range(300)] == list(tree.entries)
    assert [tree.get(name) for name in ("", "0000", "299x", "zzz", "-")] == [None] * 5
    assert EMPTY_TREE.get("a") is None
    assert tree.by_name() == {entry.name: entry for entry in tree.entries}


def test_entries_tell_what_they_are() -> None:
    entries = [
        file_entry("f", ONE, 3),
        file_entry("x", ONE, 3, executable=True),
        folder_entry("d", ONE, EMPTY_TREE),
        link_entry("l", "ü"),
        foreign_entry("s", "is a socket"),
    ]
    assert [(e.is_file, e.is_folder, e.is_link, e.kind) for e in entries] == [
        (True, False, False, EntryKind.FILE),
        (True, False, False, EntryKind.EXECUTABLE),
        (False, True, False, EntryKind.FOLDER),
        (False, False, True, EntryKind.LINK),
        (False, False, False, EntryKind.FOREIGN),
    ]
    assert entries[3].target == "ü"
    assert entries[0].same_content(TreeEntry("other", EntryKind.FILE, ONE, 9, 9))
    assert not any(entries[0].same_content(other) for other in entries[1:])


def test_a_pointer_stands_beside_its_data() -> None:
    assert (pointer_path("a/data"), data_path("a/data.dvcx")) == ("a/data.dvcx", "a/data")
    oid = ObjectId("blake3", ONE, Kind.BLOB)
    pointer = Pointer("data", oid, 3)
    assert not pointer.is_folder
    assert Pointer("data", ObjectId("blake3", ONE, Kind.TREE), 3, 1).is_folder
    assert pointer.same_data(Pointer("data", oid, 3, desc="a note", frozen=True))
    assert not pointer.same_data(Pointer("data", oid, 3, executable=True))


def deleted(path: str, digest: bytes, size: int = 5) -> Change:
    return Change(ChangeKind.DELETED, path, old=file_entry(path, digest, size))


def added(path: str, digest: bytes, size: int = 5) -> Change:
    return Change(ChangeKind.ADDED, path, new=file_entry(path, digest, size))


def test_a_file_that_went_and_came_with_the_same_content_was_renamed() -> None:
    modified = Change(ChangeKind.MODIFIED, "m", file_entry("m", ONE, 5), file_entry("m", TWO, 5))
    changes = [deleted("b", ONE), modified, added("a", ONE), added("c", TWO)]
    assert pair_renames(changes) == [
        Change(ChangeKind.RENAMED, "a", changes[0].old, changes[2].new, "b"),
        added("c", TWO),
        modified,
    ]


def test_each_file_is_renamed_once_and_in_order() -> None:
    changes = [deleted("old1", ONE), deleted("old2", ONE), added("new1", ONE), added("new2", ONE), added("new3", ONE)]
    assert [(c.kind, c.path, c.old_path) for c in pair_renames(changes)] == [
        (ChangeKind.RENAMED, "new1", "old1"),
        (ChangeKind.RENAMED, "new2", "old2"),
        (ChangeKind.ADDED, "new3", None),
    ]


def test_empty_files_and_other_kinds_are_not_taken_for_renamed() -> None:
    executable = Change(ChangeKind.ADDED, "x", new=file_entry("x", ONE, 5, executable=True))
    for changes in ([added("a", ONE, 0), deleted("b", ONE, 0)], [deleted("b", ONE), executable]):
        assert pair_renames(changes) == changes
