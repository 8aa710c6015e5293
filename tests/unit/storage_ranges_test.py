from __future__ import annotations

import os
import random
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dvcx.base.errors import DamagedData
from dvcx.base.hashing import ALGORITHMS
from dvcx.formats.recipe import Recipe
from dvcx.formats.table import Role
from dvcx.storage import ranges
from dvcx.storage.memory_bucket import MemoryBucket
from dvcx.storage.ranges import ChunkedBytes, ChunkShelf, FileBytes, HeldBytes
from dvcx.storage.remote import Remote

BLAKE3 = ALGORITHMS["blake3"]
DATA = random.Random(7).randbytes(3 << 20)


@pytest.fixture(scope="module")
def remote(tmp_path_factory: pytest.TempPathFactory) -> Remote:
    """A remote that holds `DATA` in chunks."""
    path = tmp_path_factory.mktemp("data") / "data"
    path.write_bytes(DATA)
    remote = Remote(MemoryBucket("memory"), "far", BLAKE3)
    with remote.writer() as writer:
        writer.put_file(Role.BLOB, BLAKE3.of(DATA), path)
    return remote


def chunked(remote: Remote, shelf: ChunkShelf | None = None, **more: object) -> ChunkedBytes:
    (place,) = remote.locate([BLAKE3.of(DATA)])
    assert place.record.role == Role.RECIPE
    recipe = remote.recipe(place)
    return ChunkedBytes(remote, BLAKE3.of(DATA), recipe, shelf or ChunkShelf(), **more)  # type: ignore[arg-type]


positions = st.integers(0, len(DATA) + 1000)


@given(reads=st.lists(st.tuples(positions, st.integers(0, 700_000)), max_size=8))
@settings(max_examples=60, deadline=None)
def test_any_reads_in_any_order_give_what_the_file_has(remote: Remote, reads: list[tuple[int, int]]) -> None:
    content = chunked(remote, ChunkShelf(400_000))
    for start, length in reads:
        assert content.read(start, start + length) == DATA[start : start + length]
    wanted = [(start, start + length) for start, length in reads]
    assert content.read_ranges(wanted) == [DATA[start:end] for start, end in wanted]


def test_what_is_here_is_not_fetched_and_what_is_fetched_is_handed_on(remote: Remote) -> None:
    kept: dict[bytes, bytes] = {}

    def keep(chunks: Mapping[bytes, bytes]) -> None:
        kept.update(chunks)

    assert chunked(remote, keep=keep).read(0, len(DATA)) == DATA
    assert b"".join(kept[digest] for digest, _ in chunked(remote)._entries) == DATA
    asked: list[bytes] = []

    def nearby(wanted: object) -> dict[bytes, bytes]:
        found = {digest: kept[digest] for digest in wanted}  # type: ignore[attr-defined]
        asked.extend(found)
        return found

    def never(chunks: Mapping[bytes, bytes]) -> None:
        raise AssertionError("nothing should be fetched")

    assert chunked(remote, nearby=nearby, keep=never).read(0, len(DATA)) == DATA
    assert len(asked) == len(kept)


def test_a_recipe_that_makes_something_else_is_noticed_at_the_end(remote: Remote) -> None:
    """Each chunk is what it says; only together they are not what the name says."""
    (place,) = remote.locate([BLAKE3.of(DATA)])
    recipe = remote.recipe(place)
    lying = Recipe(0, recipe.total, (*recipe.entries[1:], recipe.entries[0]))
    content = ChunkedBytes(remote, BLAKE3.of(DATA), lying, ChunkShelf())
    assert content.read(100, 200) != DATA[100:200]
    with pytest.raises(DamagedData, match="recipe"):
        for start in range(0, len(DATA), 500_000):
            content.read(start, start + 500_000)


def test_the_shelf_lets_go_of_what_was_not_used_for_longest() -> None:
    shelf = ChunkShelf(100)
    shelf.put({b"a": b"x" * 40, b"b": b"x" * 40})
    assert shelf.get([b"a"])
    shelf.put({b"c": b"x" * 40})
    assert set(shelf.get([b"a", b"b", b"c"])) == {b"a", b"c"}
    shelf.put({b"d": b"x" * 500})
    assert set(shelf.get([b"a", b"b", b"c", b"d"])) == {b"d"}, "one that is too large alone is held, and nothing else"


def open_file(path: Path, data: bytes, digest: bytes | None) -> FileBytes:
    path.write_bytes(data)
    return FileBytes(os.open(path, os.O_RDONLY), BLAKE3 if digest else None, digest, "the file")


def test_a_small_file_is_verified_before_its_first_byte(tmp_path: Path) -> None:
    content = open_file(tmp_path / "good", b"hello", BLAKE3.of(b"hello"))
    assert (content.size, content.read(1, 3), content.read(3, 100), content.read(9, 10)) == (5, b"el", b"lo", b"")
    content.close()
    content.close()
    with pytest.raises(DamagedData, match="the file"):
        open_file(tmp_path / "bad", b"jello", BLAKE3.of(b"hello"))
    assert open_file(tmp_path / "own", b"mine", None).read(0, 9) == b"mine"


def test_a_large_file_is_verified_at_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranges, "_VERIFIED_FIRST", 10)
    good = bytes(range(100))
    for reads in ([(0, 100)], [(0, 40), (40, 100)], [(0, 40), (20, 70), (90, 95), (60, 100)]):
        content = open_file(tmp_path / "good", good, BLAKE3.of(good))
        assert all(content.read(start, end) == good[start:end] for start, end in reads)
        damaged = open_file(tmp_path / "bad", good[:50] + b"x" + good[51:], BLAKE3.of(good))
        with pytest.raises(DamagedData):
            for start, end in reads:
                damaged.read(start, end)


def test_what_is_held_gives_its_parts() -> None:
    content = HeldBytes(b"hello")
    assert (content.size, content.read(1, 3), content.read_ranges([(0, 1), (4, 9), (9, 9)])) == (
        5,
        b"el",
        [b"h", b"o", b""],
    )
