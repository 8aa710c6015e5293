"""The cache: what was put in comes back right or not at all, whatever happens to processes and disks."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path

import pytest
import zstandard

from dvcx.base.errors import Busy, DamagedData, MissingData
from dvcx.base.hashing import ALGORITHMS
from dvcx.formats.table import Encoding, Record, Role
from dvcx.storage import cache_join, cache_writer, packs
from dvcx.storage.cache import Cache
from dvcx.storage.object_store import StoredObject
from dvcx.storage.pack_writer import PackFile
from tests.caches import (
    BLAKE3,
    LARGE_FROM,
    cache_at,
    digest_of,
    flip,
    held_in,
    packs_of,
    put,
    put_each,
    some_contents,
)
from tests.sudden_end import as_nobody, fail_at_every_step, kill_at_every_step

fork = get_context("fork")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def cache(root: Path) -> Cache:
    return cache_at(root)


def files_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def test_small_objects_share_a_pack_and_large_ones_are_read_only_files(cache: Cache, root: Path) -> None:
    contents = some_contents(small=20, large=2)
    put(cache, contents)
    assert len(packs_of(cache)) == 1
    loose = [cache.loose_path(digest_of(content)) for content in contents]
    assert loose[:20] == [None] * 20
    for content, path in zip(contents[20:], loose[20:], strict=True):
        assert path is not None and path.read_bytes() == content and stat.S_IMODE(path.stat().st_mode) == 0o444
    assert list((root / "tmp").iterdir()) == []
    listed = {StoredObject(digest_of(content), Role.BLOB, len(content)) for content in contents}
    assert set(cache.ids()) == listed


def test_an_object_that_another_process_added_is_found(cache: Cache, root: Path) -> None:
    put(cache, [b"one"])
    assert cache.read(digest_of(b"one")) == b"one"
    put(cache_at(root), [b"two"])
    assert cache.missing([digest_of(b"two")]) == set()
    put(cache_at(root), [b"three"])
    assert cache.read(digest_of(b"three")) == b"three"


def test_what_was_collected_since_it_was_looked_up_is_stored_again(cache: Cache, root: Path) -> None:
    put(cache, [b"one", b"two"])
    assert cache.missing([digest_of(b"one")]) == set()
    cache_at(root).delete([digest_of(b"one")])
    put(cache, [b"one"])
    assert held_in(root, [b"one", b"two"]) == [b"one", b"two"]


def test_a_reader_goes_on_when_packs_are_joined_under_its_hands(cache: Cache, root: Path) -> None:
    contents = some_contents(small=40, large=0)
    digests = put_each(cache, contents)
    put(cache, [b"large" * LARGE_FROM])
    reader = cache_at(root)
    reading = reader.read_many([*digests, digest_of(b"large" * LARGE_FROM)])
    found = [next(reading) for _ in range(5)]
    for path in packs_of(cache):
        assert path.exists()
    put_each(cache, some_contents(2, small=20, large=0))
    assert len(packs_of(cache)) < 15
    reader.packs.close()
    found += list(reading)
    assert len(found) == len(dict(found)) == 41
    assert all(digest_of(data) == digest for digest, data in found)


def test_an_object_collected_while_it_is_read_is_missing(cache: Cache, root: Path) -> None:
    contents = some_contents(small=0, large=3)
    digests = put(cache, contents)
    reading = cache_at(root).read_many(digests)
    first, _ = next(reading)
    cache.delete([digest for digest in digests if digest != first])
    with pytest.raises(MissingData):
        next(reading)
    with pytest.raises(MissingData):
        cache.verify_loose(next(d for d in digests if d != first))


def test_one_pack_that_vanishes_while_they_are_listed_does_not_hide_the_others(cache: Cache, root: Path) -> None:
    put(cache, [b"one"])
    (cache.packs.root / f"{'0' * 64}.pack").symlink_to("joined-meanwhile")
    assert held_in(root, [b"one"]) == [b"one"]


def test_foreign_files_are_no_objects(cache: Cache, root: Path) -> None:
    digests = put(cache, some_contents(small=1, large=1))
    folder = cache.loose.path_of(digests[1]).parent
    for name in ("notes.txt", "abcd", "AB" * 31, "zz" * 31):
        (folder / name).write_text("x")
    (folder / ("0" * 62)).symlink_to("nowhere")
    (folder / ("1" * 62)).mkdir()
    (cache.packs.root / "notes.pack").write_text("x")
    (cache.packs.root / ("g" * 64 + ".pack")).write_text("x")
    (cache.loose.root / "README").write_text("x")
    again = cache_at(root)
    assert {each.digest for each in again.ids()} == set(digests)
    dangling = bytes.fromhex(folder.name + "0" * 62)
    assert again.missing([dangling]) == {dangling}


def test_the_index_can_be_lost_cut_off_or_wrong_at_any_time(cache: Cache, root: Path) -> None:
    contents = some_contents(small=30, large=0)
    put_each(cache, contents)
    index = root / "index" / "blake3.idx"
    whole = index.read_bytes()
    for data in (b"", whole[:100], whole[:-1], whole[:200] + b"x" + whole[201:], b"x" * len(whole)):
        index.write_bytes(data)
        assert held_in(root, contents) == contents
    index.unlink()
    assert held_in(root, contents) == contents
    index.mkdir()
    assert held_in(root, contents) == contents
    put_each(cache_at(root), some_contents(3, small=12, large=0))


def test_an_index_that_lists_packs_which_are_gone_is_no_lie(cache: Cache, root: Path) -> None:
    contents = some_contents(small=12, large=0)
    put_each(cache, contents)
    assert (root / "index" / "blake3.idx").exists()
    first = cache.packs.find(digest_of(contents[0]))
    assert first is not None
    cache.packs.path_of(first.pack).unlink()
    assert held_in(root, contents) == contents[1:]
    put(cache_at(root), contents)
    assert held_in(root, contents) == contents


def test_looking_again_reads_nothing_when_nothing_changed(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    put_each(cache, some_contents(small=6, large=0))
    cache.missing([bytes(32)])
    monkeypatch.setattr(packs, "build_index", None)
    monkeypatch.setattr(packs, "Index", None)
    for _ in range(3):
        assert cache.missing([bytes(32)]) == {bytes(32)}


def test_many_objects_in_few_packs_get_an_index_too(cache: Cache, root: Path) -> None:
    put(cache, [str(number).encode() for number in range(9000)])
    assert (root / "index" / "blake3.idx").exists()


@pytest.mark.parametrize("cut", [0, 1, 31, 40, 95, 500, -64, -1])
def test_a_pack_that_was_cut_off_is_told_and_hides_no_other(cache: Cache, root: Path, cut: int) -> None:
    put(cache, some_contents(1, small=5, large=0))
    (pack,) = packs_of(cache)
    put(cache, some_contents(2, small=5, large=0))
    os.chmod(pack, 0o644)
    pack.write_bytes(pack.read_bytes()[:cut])
    again = cache_at(root)
    assert held_in(root, some_contents(2, small=5, large=0)) == some_contents(2, small=5, large=0)
    with pytest.raises(MissingData, match="cannot be read") as error:
        again.read(digest_of(some_contents(1, small=5, large=0)[0]))
    assert error.value.hint == "run `dvcx fsck --repair`"
    assert list(again.packs.damaged) == [pack.stem]


def test_a_pack_that_was_cut_off_after_it_was_indexed_is_noticed(cache: Cache, root: Path) -> None:
    contents = some_contents(small=12, large=0)
    put_each(cache, contents)
    place = cache.packs.find(digest_of(contents[0]))
    assert place is not None
    pack = cache.packs.path_of(place.pack)
    os.chmod(pack, 0o644)
    pack.write_bytes(pack.read_bytes()[:-10])
    assert held_in(root, contents) == contents[1:]
    again = cache_at(root)
    again.packs.refresh()
    assert list(again.packs.damaged) == [place.pack]


def test_no_flipped_byte_of_a_pack_is_ever_passed_on(cache: Cache, root: Path) -> None:
    contents = some_contents(small=4, large=0)
    put(cache, contents)
    (pack,) = packs_of(cache)
    for at in range(pack.stat().st_size):
        flip(pack, at)
        held_in(root, contents)
        flip(pack, at)
    assert held_in(root, contents) == contents


def test_a_flipped_byte_of_a_loose_object_is_never_passed_on(cache: Cache) -> None:
    (digest,) = put(cache, some_contents(small=0, large=1))
    flip(cache.loose.path_of(digest), 1000)
    for use in (
        lambda: cache.read(digest),
        lambda: cache.verify_loose(digest),
    ):
        with pytest.raises(DamagedData, match=digest.hex()):
            use()


def write_pack(cache: Cache, records: list[tuple[Record, bytes]]) -> Path:
    """Makes a pack whose table says whatever it likes."""
    pack = PackFile(cache.root / "handmade", BLAKE3)
    for record, stored in records:
        pack.add_stored(record, stored)
        pack._records[-1] = record if record.offset else pack._records[-1]
    finished = pack.finish()
    path = cache.packs.path_of(finished.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    return finished.temporary.rename(path)


def test_a_table_that_claims_gigabytes_costs_no_memory(cache: Cache, root: Path) -> None:
    put(cache, [b"good"])
    bomb = zstandard.ZstdCompressor(level=19).compress(bytes(200 << 20))
    claims = [
        (Record(digest_of(b"a"), Role.BLOB, Encoding.RAW, 0, 0, 32, 0xFFFF_FFFF, 0xFFFF_FFFF), b"a"),
        (Record(digest_of(b"b"), Role.BLOB, Encoding.RAW, 0, 0, 0xFFFF_FFF0, 100, 100), b"b"),
        (Record(digest_of(b"c"), Role.BLOB, Encoding.ZSTD, 0, 0, 0, len(bomb), 100), bomb),
        (Record(digest_of(b"d"), Role.BLOB, Encoding.ZSTD, 0, 0, 0, len(bomb), 0xFFFF_FFFF), bomb),
        (Record(digest_of(b"e"), Role.BLOB, 77, 0, 0, 0, 1, 1), b"e"),
        (Record(digest_of(b"f"), Role.BLOB, Encoding.ZSTD, 0, 0, 0, 1, 1), b"f"),
    ]
    write_pack(cache, claims)
    again = cache_at(root)
    tracemalloc.start()
    try:
        for record, _ in claims:
            with pytest.raises(DamagedData):
                again.read(record.digest)
        with pytest.raises(DamagedData):
            list(again.read_many([record.digest for record, _ in claims] + [digest_of(b"good")]))
        assert tracemalloc.get_traced_memory()[1] < 50 << 20
    finally:
        tracemalloc.stop()
    assert held_in(root, [b"good"]) == [b"good"]


def test_a_pack_of_another_algorithm_is_told(cache: Cache, root: Path) -> None:
    pack = PackFile(root.parent / "p", ALGORITHMS["sha256"])
    pack.add(Role.BLOB, bytes(32), b"x")
    finished = pack.finish()
    cache.packs.root.mkdir(parents=True)
    finished.temporary.rename(cache.packs.path_of(finished.name))
    assert cache.missing([bytes(32)]) == {bytes(32)}
    assert "sha256" in cache.packs.damaged[finished.name]


def test_of_several_copies_a_good_one_is_given(cache: Cache, root: Path) -> None:
    contents = some_contents(small=3, large=0)
    put(cache, contents)
    (first,) = packs_of(cache)
    hidden = first.rename(root / "hidden")
    put(cache_at(root), contents[::-1])
    (second,) = packs_of(cache)
    hidden.rename(first)
    at = {place.pack: place.record.offset for place in cache_at(root).packs.find_all(digest_of(contents[1]))}
    for pack, other in ((first, second), (second, first)):
        flip(pack, at[pack.stem])
        assert held_in(root, contents) == contents
        flip(other, at[other.stem])
        assert held_in(root, contents) == [contents[0], contents[2]]
        flip(pack, at[pack.stem])
        flip(other, at[other.stem])


# Processes that end at the worst moment


@pytest.mark.parametrize("durable", [True, False])
def test_killed_anywhere_a_writer_leaves_only_whole_objects_and_the_next_one_finishes(
    tmp_path: Path, durable: bool, stride: int
) -> None:
    old, new = some_contents(1), some_contents(9, small=6, large=3)

    def check(place: Path) -> None:
        assert held_in(place, old) == old
        cache = cache_at(place)
        listed = {each.digest for each in cache.ids()}
        assert {digest_of(content) for content in held_in(place, new)} == listed - {digest_of(c) for c in old}
        put(cache, new)
        assert held_in(place, new) == new and cache.packs.damaged == {}
        assert list((place / "tmp").iterdir()) == []

    steps = kill_at_every_step(
        tmp_path,
        lambda place: put(cache_at(place), old),
        lambda place: put(cache_at(place, durable=durable), new),
        check,
        stride=stride,
    )
    assert steps > 20


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_where_the_disk_fails_a_writer_says_so_and_leaves_only_whole_objects(
    tmp_path: Path, code: int, stride: int
) -> None:
    old, new = some_contents(1), some_contents(9, small=6, large=3)

    def check(place: Path) -> None:
        assert held_in(place, old) == old
        held_in(place, new)
        put(cache_at(place), new)
        assert held_in(place, new) == new

    steps = fail_at_every_step(
        tmp_path,
        code,
        lambda place: put(cache_at(place), old),
        lambda place: put(cache_at(place), new),
        check,
        stride=stride,
    )
    assert steps > 20


def test_nothing_is_named_before_its_bytes_are_on_the_disk(
    cache: Cache, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[tuple[str, int]] = []
    fsync, rename = os.fsync, os.rename

    def noted_fsync(fd: int) -> None:
        events.append(("fsync", os.fstat(fd).st_ino))
        fsync(fd)

    def noted_rename(source: str, target: str) -> None:
        events.append(("rename", os.stat(source).st_ino))
        events.append(("into", os.stat(os.path.dirname(target)).st_ino))
        rename(source, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "rename", noted_rename)
    put(cache, some_contents(small=3, large=3))
    renamed = [inode for what, inode in events if what == "rename"]
    assert len(renamed) == 4
    for inode in renamed:
        assert events.index(("fsync", inode)) < events.index(("rename", inode))
    last = max(index for index, (what, _) in enumerate(events) if what == "into")
    for _, inode in {event for event in events if event[0] == "into"}:
        assert ("fsync", inode) in events[last:]
    # The folders made on the way have names that must stay as well.
    for folder in (root, root / "packs", root / "loose", root.parent):
        assert ("fsync", folder.stat().st_ino) in events


def test_of_many_files_all_are_flushed_in_one_go(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Path] = []
    monkeypatch.setattr(cache_writer, "sync_filesystem", calls.append)
    put(cache, some_contents(small=0, large=40))
    assert len(calls) == 2


# Joining small packs


def test_many_small_packs_become_one(cache: Cache, root: Path) -> None:
    contents = some_contents(small=cache_join.MOST_SMALL + 1, large=0)
    put_each(cache, contents[:-1])
    assert len(packs_of(cache)) == cache_join.MOST_SMALL
    oldest = packs_of(cache)[0]
    past = time.time() - 1000
    for pack in packs_of(cache):
        os.utime(pack, (past, past))
    put(cache, contents[-1:])
    (joined,) = packs_of(cache)
    assert held_in(root, contents) == contents and not oldest.exists()
    assert joined.stat().st_mtime == pytest.approx(time.time(), abs=60)
    assert list((root / "tmp").iterdir()) == []


def test_a_joined_pack_is_as_old_as_the_youngest_in_it(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_join, "MOST_SMALL", 3)
    put_each(cache, some_contents(small=3, large=0))
    for number, pack in enumerate(packs_of(cache)):
        os.utime(pack, (1_500_000_000 + number, 1_500_000_000 + number))
    monkeypatch.setattr(cache_join, "MOST_SMALL", 2)
    with cache.lock.shared(), tempfile.TemporaryDirectory(dir=cache.root) as scratch:
        assert cache_join.join_small_packs(cache, Path(scratch))
    assert [pack.stat().st_mtime for pack in packs_of(cache)] == [1_500_000_002]


def test_hundreds_of_single_adds_leave_few_packs(cache: Cache, root: Path) -> None:
    contents = some_contents(small=200, large=0)
    for content in contents:
        put(cache_at(root, durable=False), [content])
    assert len(packs_of(cache)) <= cache_join.MOST_SMALL
    assert held_in(root, contents) == contents


def filled_with_small_packs(place: Path) -> None:
    put_each(cache_at(place, durable=False), some_contents(1, small=4, large=0))


def test_killed_anywhere_while_joining_every_object_stays_and_the_next_one_finishes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stride: int
) -> None:
    contents = [*some_contents(1, small=4, large=0), b"the fifth"]
    filled_with_small_packs(tmp_path / "reference")
    monkeypatch.setattr(cache_join, "MOST_SMALL", 4)

    def check(place: Path) -> None:
        assert held_in(place, contents[:4]) == contents[:4]
        put(cache_at(place), [b"the fifth"])
        assert held_in(place, contents) == contents
        put(cache_at(place), [b"one more to join again"])
        assert held_in(place, contents) == contents
        assert len(packs_of(cache_at(place))) <= 4

    steps = kill_at_every_step(
        tmp_path / "runs",
        filled_with_small_packs,
        lambda place: put(cache_at(place), [b"the fifth"]),
        check,
        stride=stride,
    )
    assert steps > 25


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EACCES])
def test_an_add_does_not_fail_because_joining_does(
    cache: Cache, root: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    filled_with_small_packs(root)
    monkeypatch.setattr(cache_join, "MOST_SMALL", 4)

    def fail(*args: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("dvcx.storage.repack.Repacker.place", fail)
    put(cache, [b"the fifth"])
    contents = [*some_contents(1, small=4, large=0), b"the fifth"]
    assert held_in(root, contents) == contents and len(packs_of(cache)) == 5


def test_packs_joined_between_listing_and_reading_are_found_in_the_new_one(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = some_contents(1, small=4, large=0)
    digests = {digest_of(content) for content in contents}
    table_of = packs.PackFolder.table_of
    (root / "scratch").mkdir(parents=True)

    def joined_first(folder: packs.PackFolder, name: str) -> bytes:
        monkeypatch.setattr(packs.PackFolder, "table_of", table_of)
        assert cache_join.join_small_packs(cache_at(root), root / "scratch")
        return table_of(folder, name)

    for look in (
        lambda cache: {each.digest for each in cache.ids()} == digests,
        lambda cache: cache.missing(digests) == set(),
        lambda cache: len(dict(cache.read_many(digests))) == 4,
    ):
        shutil.rmtree(root / "packs", ignore_errors=True)
        monkeypatch.setattr(cache_join, "MOST_SMALL", 50)
        filled_with_small_packs(root)
        monkeypatch.setattr(cache_join, "MOST_SMALL", 3)
        monkeypatch.setattr(packs.PackFolder, "table_of", joined_first)
        assert look(cache_at(root))
        assert len(packs_of(cache_at(root))) == 1


def test_a_listing_in_which_packs_are_between_two_names_is_read_again(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled_with_small_packs(root)
    listed = packs.PackFolder._listed_once
    torn = [True]

    def listed_torn(folder: packs.PackFolder) -> dict[str, int]:
        return dict(list(listed(folder).items())[torn.pop() if torn else 0 :])

    monkeypatch.setattr(packs.PackFolder, "_listed_once", listed_torn)
    cache = cache_at(root)
    cache.packs.refresh()
    assert cache.packs.names() == [path.stem for path in packs_of(cache)]


def test_joining_again_after_a_kill_does_not_remove_the_joined_pack(
    cache: Cache, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled_with_small_packs(root)
    olds = {path: path.read_bytes() for path in packs_of(cache)}
    scratch = root / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(cache_join, "MOST_SMALL", 3)
    assert cache_join.join_small_packs(cache, scratch)
    (joined,) = packs_of(cache)
    for path, data in olds.items():
        path.write_bytes(data)
    # The joined one comes first and gives all objects, in its order: so joining makes the very same pack.
    names = [joined.stem, *(path.stem for path in olds)]
    monkeypatch.setattr(cache_join, "_small", lambda cache: names)
    assert cache_join.join_small_packs(cache, scratch)
    assert packs_of(cache) == [joined]
    assert len(held_in(root, some_contents(1, small=4, large=0))) == 4


def test_a_pack_with_damage_is_not_joined_away(cache: Cache, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled_with_small_packs(root)
    bad = packs_of(cache)[2]
    flip(bad, 33)
    monkeypatch.setattr(cache_join, "MOST_SMALL", 3)
    put(cache, [b"the fifth"])
    assert bad in packs_of(cache) and len(packs_of(cache)) == 2
    assert len(held_in(root, some_contents(1, small=4, large=0))) == 3


def test_joined_packs_are_on_the_disk_before_the_old_ones_go_also_with_fast_durability(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled_with_small_packs(root)
    monkeypatch.setattr(cache_join, "MOST_SMALL", 4)
    events: list[str] = []
    fsync, unlink = os.fsync, os.unlink

    def noted_fsync(fd: int) -> None:
        events.append("folder" if stat.S_ISDIR(os.fstat(fd).st_mode) else "file")
        fsync(fd)

    def noted_unlink(path: Path, *, dir_fd: int | None = None) -> None:
        if str(path).endswith(".pack"):
            events.append("gone")
        unlink(path, dir_fd=dir_fd)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "unlink", noted_unlink)
    put(cache_at(root, durable=False), [b"the fifth"])
    assert events[:2] == ["file", "folder"] and events.count("gone") == 5


# Many processes at once


def add_one_by_one(root: Path, seed: int) -> None:
    cache_join.MOST_SMALL = 6
    for content in some_contents(seed, small=25, large=5):
        put(cache_at(root, lock_wait=60), [content, b"the same in all"])


def read_again_and_again(root: Path, until: Path) -> None:
    old = some_contents(100, small=30, large=3)
    digests = {digest_of(content) for content in old}
    one_for_long = cache_at(root)
    while not until.exists():
        for cache in (one_for_long, cache_at(root)):
            assert cache.missing(digests) == set()
            assert dict(cache.read_many(digests)) == {digest_of(content): content for content in old}
            assert digests <= {each.digest for each in cache.ids()}


def test_writers_and_readers_in_many_processes_do_not_disturb_each_other(root: Path, tmp_path: Path) -> None:
    old = some_contents(100, small=30, large=3)
    put_each(cache_at(root), old)
    writers = [fork.Process(target=add_one_by_one, args=(root, seed)) for seed in range(4)]
    readers = [fork.Process(target=read_again_and_again, args=(root, tmp_path / "end")) for _ in range(2)]
    for process in writers + readers:
        process.start()
    for process in writers:
        process.join()
    (tmp_path / "end").touch()
    for process in readers:
        process.join()
    assert [process.exitcode for process in writers + readers] == [0] * 6
    everything = [content for seed in range(4) for content in some_contents(seed, small=25, large=5)] + old
    assert held_in(root, everything) == everything
    assert held_in(root, [b"the same in all"]) == [b"the same in all"]
    assert list((root / "tmp").iterdir()) == []


def test_a_writer_waits_for_a_collection_and_names_who_holds_the_lock(root: Path) -> None:
    cache = cache_at(root, lock_wait=0.1)
    with cache.lock.exclusive(), pytest.raises(Busy, match=f"pid {os.getpid()}"):
        put(cache_at(root, lock_wait=0.1), [b"x"])
    assert held_in(root, [b"x"]) == []
    put(cache, [b"x"])
    with cache.lock.exclusive():
        assert held_in(root, [b"x"]) == [b"x"]  # readers never wait


# Disks that are full, or may not be written


@pytest.fixture
def outside() -> Iterator[Path]:
    """A folder that somebody who is not root can reach."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_a_cache_in_a_read_only_folder_is_read_and_not_written(outside: Path) -> None:
    root = outside / "cache"
    put_each(cache_at(root), contents := some_contents(small=12))
    for at, folders, files in os.walk(root):
        for name in [at, *(os.path.join(at, each) for each in (*folders, *files))]:
            os.chmod(name, 0o555 if os.path.isdir(name) else 0o444)
    before = files_below(root)

    def act() -> None:
        assert held_in(root, contents) == contents
        with pytest.raises(PermissionError):
            put(cache_at(root), [b"new"])
        assert held_in(root, contents) == contents

    assert as_nobody(act) == 0
    assert files_below(root) == before


def test_a_pack_that_may_not_be_read_is_told(outside: Path) -> None:
    root = outside / "cache"
    put(cache_at(root), [b"one"])
    put(cache_at(root), [b"two"])
    packs_of(cache_at(root))[0].chmod(0)

    def act() -> None:
        cache = cache_at(root)
        assert len(held_in(root, [b"one", b"two"])) == 1
        with pytest.raises(MissingData, match="cannot be read"):
            list(cache.read_many([digest_of(b"one"), digest_of(b"two")]))
        (reason,) = cache.packs.damaged.values()
        assert "Permission denied" in reason

    assert as_nobody(act) == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(folder)], capture_output=True)
    if made.returncode:
        pytest.skip("this needs the right to mount")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_told_and_nothing_is_lost(small_disk: Path) -> None:
    root = small_disk / "cache"
    contents = some_contents(small=10, large=5)
    put(cache_at(root), contents)
    with pytest.raises(OSError) as error:
        put(cache_at(root), some_contents(7, small=10, large=60))
    assert error.value.errno == errno.ENOSPC
    assert held_in(root, contents) == contents
    assert list((root / "tmp").iterdir()) == []
    put(cache_at(root), [b"there is room for this"])


SCRIPT = """
import sys
from pathlib import Path
from tests.caches import cache_at, put, some_contents
put(cache_at(Path(sys.argv[1])), some_contents(9, small=6, large=3))
"""


def put_under_strace(root: Path, fault: str) -> int:
    """Puts contents into a cache in a process that the system treats badly, and gives its exit status."""
    call = fault.split(":")[0]
    strace = ["strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={call}", "-e", f"inject={fault}"]
    python = [sys.executable, "-B", "-c", SCRIPT, str(root)]
    return subprocess.run([*strace, *python], capture_output=True, cwd=Path(__file__).parents[2]).returncode


@pytest.mark.parametrize(
    "fault", ["rename:signal=KILL", "fsync:signal=KILL", "mkdir:signal=KILL", "write:error=ENOSPC", "fsync:error=EIO"]
)
def test_the_system_itself_kills_and_fails(tmp_path: Path, fault: str) -> None:
    if shutil.which("strace") is None or put_under_strace(tmp_path / "try", "rename:error=EIO:when=1") == 0:
        pytest.skip("strace cannot be used here")
    old, new = some_contents(1), some_contents(9, small=6, large=3)
    for number in range(1, 100):
        root = tmp_path / str(number)
        put(cache_at(root), old)
        status = put_under_strace(root, f"{fault}:when={number}")
        assert held_in(root, old) == old
        held_in(root, new)
        put(cache_at(root), new)
        assert held_in(root, new) == new and list((root / "tmp").iterdir()) == []
        if status == 0:
            assert number > 2
            return
    raise AssertionError("the work never ends")
