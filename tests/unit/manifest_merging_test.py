from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvcx.base.errors import MissingData
from dvcx.base.hashing import algorithm_named
from dvcx.manifest.merging import Conflict, Merged, conflicts_between, merge_entries
from dvcx.manifest.pointer_merging import merge_pointers
from dvcx.manifest.trees import TreeEditor, files_below
from dvcx.model.ids import Kind, ObjectId
from dvcx.model.pointer import Pointer
from dvcx.model.tree import Tree, TreeEntry, file_entry, make_tree

BLAKE3 = algorithm_named("blake3")
Files = dict[str, str]


def nothing(digest: bytes) -> Tree:
    raise MissingData(digest.hex())


def blob(name: str, text: str, *, executable: bool = False) -> TreeEntry:
    return file_entry(name, BLAKE3.of(text.encode()), len(text), executable=executable)


def folder(editor: TreeEditor, files: Files, name: str = "data") -> TreeEntry:
    below: dict[str, Files] = {}
    entries = []
    for path, text in files.items():
        first, slash, rest = path.partition("/")
        if slash:
            below.setdefault(first, {})[rest] = text
        else:
            entries.append(blob(first, text))
    entries += [folder(editor, inner, each) for each, inner in below.items()]
    return editor.keep(name, make_tree(entries))


def texts(editor: TreeEditor, entry: TreeEntry | None) -> dict[str, bytes]:
    return {} if entry is None else {path: each.digest for path, each in files_below(entry, "", editor.load)}


def merged(base: Files | None, ours: Files | None, theirs: Files | None, *, portable: bool = True) -> Merged:
    """Merges folders and checks what holds for every merge: halves that differ in the conflicts and in nothing else."""
    editor = TreeEditor(BLAKE3, nothing)
    before, mine_now, theirs_now = (
        folder(editor, files) if files is not None else None for files in (base, ours, theirs)
    )
    result = merge_entries("data", before, mine_now, theirs_now, editor, portable_names=portable)
    mine, other = texts(editor, result.ours), texts(editor, result.theirs)
    differing = {f"data/{path}" for path in mine.keys() | other.keys() if mine.get(path) != other.get(path)}
    named = [conflict.path for conflict in result.conflicts]
    assert all(any(f"{path}/".startswith(f"{name}/") for name in named) for path in differing)
    again = conflicts_between("data", result.ours, result.theirs, editor.load)
    assert bool(again) == bool(named)
    return result


def names(result: Merged) -> list[str]:
    return [conflict.path for conflict in result.conflicts]


def same(result: Merged, files: Files) -> bool:
    editor = TreeEditor(BLAKE3, nothing)
    wanted = folder(editor, files)
    return result.ours == result.theirs == wanted


def test_what_each_side_added_changed_and_deleted_comes_together() -> None:
    base = {"a": "1", "b": "1", "c": "1", "in/x": "1", "in/y": "1", "gone/z": "1"}
    ours = {"a": "2", "b": "1", "c": "1", "in/x": "2", "in/y": "1", "gone/z": "1", "new": "o"}
    theirs = {"a": "1", "b": "2", "in/x": "1", "in/y": "2", "deep/er/new": "t"}
    result = merged(base, ours, theirs)
    assert names(result) == []
    assert same(result, {"a": "2", "b": "2", "in/x": "2", "in/y": "2", "new": "o", "deep/er/new": "t"})


def test_the_same_change_on_both_sides_is_no_conflict() -> None:
    assert same(merged({"a": "1"}, {"a": "2", "n": "x"}, {"a": "2", "n": "x"}), {"a": "2", "n": "x"})
    assert same(merged({"a": "1", "b": "1"}, {"b": "1"}, {"b": "1"}), {"b": "1"})


def test_what_both_changed_differently_is_a_conflict_and_the_rest_merges() -> None:
    result = merged({"a": "1", "b": "1"}, {"a": "2", "b": "1", "o": "o"}, {"a": "3", "b": "2"})
    assert result.conflicts == (Conflict("data/a", blob("a", "2"), blob("a", "3")),)
    editor = TreeEditor(BLAKE3, nothing)
    assert result.ours == folder(editor, {"a": "2", "b": "2", "o": "o"})
    assert result.theirs == folder(editor, {"a": "3", "b": "2", "o": "o"})


def test_changed_here_and_deleted_there_is_a_conflict() -> None:
    result = merged({"a": "1", "b": "1"}, {"b": "1"}, {"a": "2", "b": "1"})
    assert result.conflicts == (Conflict("data/a", None, blob("a", "2")),)


def test_a_folder_deleted_here_and_changed_there_is_a_conflict_in_what_changed() -> None:
    result = merged({"in/a": "1", "in/b": "1", "x": "1"}, {"x": "1"}, {"in/a": "2", "in/b": "1", "x": "1"})
    assert names(result) == ["data/in/a"]
    editor = TreeEditor(BLAKE3, nothing)
    assert result.ours == folder(editor, {"x": "1"})
    assert result.theirs == folder(editor, {"in/a": "2", "x": "1"})


def test_a_file_in_a_folders_place_is_a_conflict() -> None:
    assert names(merged({"a/x": "1"}, {"a": "file"}, {"a/x": "2"})) == ["data/a"]
    assert same(merged({"a/x": "1"}, {"a": "file"}, {"a/x": "1"}), {"a": "file"})


def test_without_an_ancestor_files_of_both_come_together() -> None:
    assert same(merged(None, {"a": "1", "c": "1"}, {"b": "1", "c": "1"}), {"a": "1", "b": "1", "c": "1"})
    assert names(merged(None, {"a": "1"}, {"a": "2"})) == ["data/a"]


def test_content_and_executable_bit_merge_one_by_one() -> None:
    editor = TreeEditor(BLAKE3, nothing)
    base, ours, theirs = blob("a", "1"), blob("a", "1", executable=True), blob("a", "2")
    assert merge_entries("a", base, ours, theirs, editor, portable_names=True).ours == blob("a", "2", executable=True)
    assert merge_entries("a", base, theirs, ours, editor, portable_names=True).ours == blob("a", "2", executable=True)
    both = blob("a", "2", executable=True)
    assert merge_entries("a", base, both, theirs, editor, portable_names=True) == Merged(both, both)


def test_new_names_that_differ_only_in_case_are_a_conflict_where_names_are_portable() -> None:
    base, ours, theirs = {"x": "1"}, {"x": "1", "Read": "o"}, {"x": "1", "read": "t"}
    assert names(merged(base, ours, theirs)) == ["data/Read", "data/read"]
    assert same(merged(base, ours, theirs, portable=False), {"x": "1", "Read": "o", "read": "t"})


def test_folders_that_nobody_changed_are_not_read() -> None:
    editor = TreeEditor(BLAKE3, nothing)
    still = TreeEntry("still", 2, b"\1" * 32, 7, 1)
    sides = [editor.keep("data", make_tree([still, blob("a", text)])) for text in ("1", "2", "1")]
    base, ours, theirs = sides
    result = merge_entries("data", base, ours, theirs, editor, portable_names=True)
    assert result == Merged(ours, ours)
    more = editor.keep("data", make_tree([still, blob("a", "1"), blob("b", "1")]))
    joined = merge_entries("data", base, ours, more, editor, portable_names=True).ours
    assert joined is not None and [each.name for each in editor.load(joined.digest).entries] == ["a", "b", "still"]


PATHS = st.sampled_from(["a", "b", "d/x", "d/y", "d/e/z", "f/x"])
FILES = st.dictionaries(PATHS, st.sampled_from("123"), max_size=6)


@given(FILES, FILES, FILES)
def test_laws_of_merging(base: Files, ours: Files, theirs: Files) -> None:
    there, back = merged(base, ours, theirs), merged(base, theirs, ours)
    assert names(there) == names(back)
    assert (there.ours, there.theirs) == (back.theirs, back.ours)
    assert same(merged(base, ours, ours), ours)
    assert same(merged(base, base, theirs), theirs)


def pointer(editor: TreeEditor, files: Files, **notes: object) -> Pointer:
    entry = folder(editor, files)
    made = Pointer("data", ObjectId("blake3", entry.digest, Kind.TREE), entry.size, entry.files)
    return replace(made, **notes)  # type: ignore[arg-type]


def test_notes_merge_field_by_field() -> None:
    editor = TreeEditor(BLAKE3, nothing)
    base = pointer(editor, {"a": "1"}, desc="old", meta={"k": 1, "gone": 1})
    ours = pointer(editor, {"a": "1"}, desc="new", meta={"k": 1, "gone": 1, "mine": 1})
    theirs = pointer(editor, {"a": "1", "b": "1"}, desc="old", meta={"k": 2}, frozen=True)
    result = merge_pointers("data", base, ours, theirs, editor, portable_names=True)
    assert result.is_clean
    assert result.ours == pointer(editor, {"a": "1", "b": "1"}, desc="new", meta={"k": 2, "mine": 1}, frozen=True)


def test_a_note_that_both_changed_is_a_conflict() -> None:
    editor = TreeEditor(BLAKE3, nothing)
    base, ours, theirs = (pointer(editor, {"a": "1"}, desc=text) for text in ("0", "1", "2"))
    result = merge_pointers("data", base, ours, theirs, editor, portable_names=True)
    assert result.fields == ("desc",) and not result.is_clean
    assert (result.ours, result.theirs) == (ours, theirs)


@pytest.mark.parametrize(("base", "ours", "theirs"), list(itertools.product(["", "1", "2", "3"], repeat=3)))
def test_every_combination_of_one_file(base: str, ours: str, theirs: str) -> None:
    sides = [{"k": "k", **({"a": text} if text else {})} for text in (base, ours, theirs)]
    result = merged(*sides)
    expected = ours if ours == theirs or theirs == base else theirs if ours == base else None
    assert names(result) == ([] if expected is not None else ["data/a"])
    if expected is not None:
        assert same(result, {"k": "k", **({"a": expected} if expected else {})})
