"""Which objects belong to tracked data: all below the roots, or the part that is selected."""

from __future__ import annotations

import pytest

from dvcx.base.errors import DvcxError
from dvcx.base.hashing import ALGORITHMS
from dvcx.base.paths import MAX_PATH_BYTES
from dvcx.formats.table import Role
from dvcx.formats.tree_bytes import dump_tree
from dvcx.model.tree import EMPTY_TREE, file_entry, folder_entry, link_entry, make_tree
from dvcx.storage.reach import Below, Wanted, reachable
from tests.memory_store import MemoryStore

ALGORITHM = ALGORITHMS["blake3"]
Shape = dict[str, "Shape | bytes | str"]


def store_folder(store: MemoryStore, shape: Shape) -> bytes:
    entries = []
    with store.writer() as writer:
        for name, below in shape.items():
            if isinstance(below, dict):
                digest = store_folder(store, below)
                entries.append(folder_entry(name, digest, EMPTY_TREE))
            elif isinstance(below, str):
                entries.append(link_entry(name, below))
            else:
                writer.put(Role.BLOB, ALGORITHM.of(below), below)
                entries.append(file_entry(name, ALGORITHM.of(below), len(below)))
        data = dump_tree(make_tree(entries))
        writer.put(Role.TREE, ALGORITHM.of(data), data)
    return ALGORITHM.of(data)


SHAPE: Shape = {
    "cats": {"1": b"cat 1", "2": b"cat 2", "deep": {"3": b"cat 3"}},
    "dogs": {"1": b"dog 1", "same": b"cat 1"},
    "copy": {"1": b"cat 1", "2": b"cat 2", "deep": {"3": b"cat 3"}},
    "link": "cats",
    "empty": {},
    "top": b"top",
}


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def root_of(store: MemoryStore, shape: Shape = SHAPE) -> Wanted:
    return Wanted(store_folder(store, shape), Role.TREE, 0, "data")


def paths(wanted: dict[bytes, Wanted], role: Role = Role.BLOB) -> set[str]:
    return {each.path for each in wanted.values() if each.role is role}


def test_everything_below_is_reached_once(store: MemoryStore) -> None:
    root = root_of(store)
    reached = reachable(store, [root, Wanted(ALGORITHM.of(b"file"), Role.BLOB, 4, "file")])
    assert reached.wanted.keys() == store.held.keys() | {ALGORITHM.of(b"file")}
    assert reached.unread == [] and reached.trees == {}
    assert {each.size for each in reached.wanted.values() if each.role is Role.BLOB} == {3, 4, 5}


def test_a_selection_takes_what_is_below_it_and_the_trees_above(store: MemoryStore) -> None:
    root = root_of(store)
    reached = reachable(store, [root], selection=Below(["data/cats/deep"]))
    assert paths(reached.wanted) == {"data/cats/deep/3"}
    assert paths(reached.wanted, Role.TREE) == {"data", "data/cats", "data/cats/deep"}
    assert paths(reachable(store, [root], selection=Below(["data/top"])).wanted) == {"data/top"}
    assert reachable(store, [root], selection=Below(["data"])).wanted == reachable(store, [root]).wanted
    assert reachable(store, [root], selection=Below(["dat"])).wanted == {}


def test_a_tree_that_stands_at_two_paths_is_taken_for_each(store: MemoryStore) -> None:
    root = root_of(store)
    for selected in ("data/cats/2", "data/copy/2"):
        wanted = reachable(store, [root], selection=Below([selected])).wanted
        assert ALGORITHM.of(b"cat 2") in wanted and ALGORITHM.of(b"cat 3") not in wanted
    both = reachable(store, [root], selection=Below(["data/cats/1", "data/copy/2", "data/copy/deep"])).wanted
    assert len(paths(both)) == 3


def test_a_tree_that_no_store_has_is_told(store: MemoryStore) -> None:
    root = root_of(store)
    lost = store_folder(MemoryStore(), {"1": b"dog 1", "same": b"cat 1"})
    del store.held[lost]
    reached = reachable(store, [root])
    assert [each.path for each in reached.unread] == ["data/dogs"]
    assert lost in reached.wanted and ALGORITHM.of(b"dog 1") not in reached.wanted


def test_the_fallback_has_what_the_store_has_not(store: MemoryStore) -> None:
    full = MemoryStore()
    root = root_of(full)
    store.held[root.digest] = full.held[root.digest]
    reached = reachable(store, [root], fallback=full)
    assert reached.wanted.keys() == full.held.keys() and not reached.unread
    assert reached.trees == {
        digest: data for digest, (role, data) in full.held.items() if role is Role.TREE and digest != root.digest
    }


def test_a_folder_that_contains_itself_many_times_over_is_walked_quickly(store: MemoryStore) -> None:
    shape: Shape = {"leaf": b"leaf"}
    for _ in range(60):
        shape = {"a": shape}
    digest = store_folder(store, {"leaf": b"leaf"})
    for _ in range(60):  # 2 ** 60 paths
        data = dump_tree(make_tree([folder_entry("a", digest, EMPTY_TREE), folder_entry("b", digest, EMPTY_TREE)]))
        digest = ALGORITHM.of(data)
        store.held[digest] = (Role.TREE, data)
    root = Wanted(digest, Role.TREE, 0, "data")
    assert len(reachable(store, [root]).wanted) == 62
    assert len(reachable(store, [root], selection=Below(["data/a/b"])).wanted) == 62
    assert len(reachable(store, [root], selection=Below(["data" + "/a" * 60 + "/leaf"])).wanted) == 62


def test_the_paths_of_ever_deeper_folders_do_not_take_the_memory(store: MemoryStore) -> None:
    digest = store_folder(store, {"leaf": b"leaf"})
    for _ in range(300):
        data = dump_tree(make_tree([folder_entry("n" * 200, digest, EMPTY_TREE)]))
        digest = ALGORITHM.of(data)
        store.held[digest] = (Role.TREE, data)
    wanted = reachable(store, [Wanted(digest, Role.TREE, 0, "data")]).wanted
    assert len(wanted) == 302
    assert max(len(each.path) for each in wanted.values()) < MAX_PATH_BYTES + 300


def test_a_blob_with_the_bytes_of_a_tree_does_not_hide_the_tree(store: MemoryStore) -> None:
    inner = dump_tree(make_tree([file_entry("x", ALGORITHM.of(b"x"), 1)]))
    root = root_of(store, {"a tree's bytes": inner, "real": {"x": b"x"}})
    assert ALGORITHM.of(b"x") in reachable(store, [root]).wanted


def test_a_damaged_tree_is_an_error(store: MemoryStore) -> None:
    root = root_of(store)
    store.held[root.digest] = (Role.TREE, b"nonsense")
    with pytest.raises(DvcxError):
        reachable(store, [root])
