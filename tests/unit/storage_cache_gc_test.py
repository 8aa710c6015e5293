"""Garbage collection in the cache: what is needed stays, what goes can come back, and no moment is a bad one to die."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Collection
from multiprocessing import get_context
from pathlib import Path

import pytest

from dvcx.base.errors import Busy, Refused
from dvcx.formats.table import Role
from dvcx.storage import pack_writer
from dvcx.storage.cache import Cache
from dvcx.storage.cache_gc import (
    CacheGcPlan,
    CacheGcResult,
    DeadObject,
    Kept,
    apply_cache_gc,
    drop_objects,
    plan_cache_gc,
)
from dvcx.storage.trash import Trash
from tests.caches import age, cache_at, digest_of, flip, held_in, packs_of, put, put_each, some_contents
from tests.sudden_end import fail_at_every_step, kill_at_every_step

fork = get_context("fork")
LATER = 1000.0


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def cache(root: Path) -> Cache:
    return cache_at(root)


@pytest.fixture
def trash(tmp_path: Path) -> Trash:
    return Trash(tmp_path / "trash")


def plan(
    cache: Cache, live: Collection[bytes], older_than: float | None = None, now: float | None = None
) -> CacheGcPlan:
    digests = {digest_of(content) for content in live}
    return plan_cache_gc(cache, digests, older_than=older_than, now=now or time.time() + LATER)


def collect(cache: Cache, live: Collection[bytes], trash: Trash) -> CacheGcResult:
    with trash.entry("gc", cache.root.parent, cache.root) as entry:
        return apply_cache_gc(cache, plan(cache, live), entry)


def test_what_is_not_needed_is_planned_and_nothing_changes_yet(cache: Cache, root: Path) -> None:
    dead_pack, mixed, kept = some_contents(1, 4, 0), some_contents(2, 4, 0), some_contents(3, 4, 0)
    loose = some_contents(4, 0, 2)
    for contents in (dead_pack, mixed, kept, loose):
        put(cache, contents)
    by_first = {digest_of(c[0]): cache.packs.find(digest_of(c[0])) for c in (dead_pack, mixed)}
    made = plan(cache, [*mixed[:2], *kept, loose[0]])
    gone = [*dead_pack, *mixed[2:], loose[1]]
    assert {each.digest for each in made.objects} == {digest_of(content) for content in gone}
    assert made.bytes == sum(map(len, gone))
    assert made.loose == (DeadObject(digest_of(loose[1]), Role.BLOB, len(loose[1])),)
    names = [place.pack for place in by_first.values() if place is not None]
    assert ([*made.drop], [*made.rewrite]) == (names[:1], names[1:])
    assert (made.young, made.scattered, made.unreadable) == (Kept(), Kept(), ())
    assert len(held_in(root, [*dead_pack, *mixed, *kept, *loose])) == 14


def test_what_is_needed_stays_and_undo_brings_the_rest_back(cache: Cache, root: Path, trash: Trash) -> None:
    live, dead = some_contents(1), some_contents(2)
    put(cache, [*live, *dead])
    sizes = {path: path.stat().st_size for path in packs_of(cache)}
    result = collect(cache, live, trash)
    assert result == CacheGcResult(len(dead), sum(map(len, dead)), 0, 1, ())
    assert held_in(root, [*live, *dead]) == live
    assert cache.missing(map(digest_of, dead)) == set(map(digest_of, dead))
    assert sum(path.stat().st_size for path in packs_of(cache)) < sum(sizes.values())
    assert list((root / "tmp").iterdir()) == []
    trash.undo(root.parent)
    cache.packs.refresh()
    assert cache.missing(map(digest_of, [*live, *dead])) == set()
    assert held_in(root, [*live, *dead]) == [*live, *dead]
    assert collect(cache_at(root), live, trash).objects == len(dead)
    assert held_in(root, [*live, *dead]) == live


def test_nothing_to_collect_leaves_no_trace(cache: Cache, root: Path, trash: Trash) -> None:
    contents = some_contents()
    put(cache, contents)
    before = packs_of(cache)
    assert collect(cache, contents, trash) == CacheGcResult(0, 0, 0, 0, ())
    assert trash.entries() == [] and packs_of(cache) == before
    assert collect(cache_at(root / "none"), [], trash) == CacheGcResult(0, 0, 0, 0, ())


def test_a_pack_with_little_garbage_is_left_alone(cache: Cache, root: Path, trash: Trash) -> None:
    contents = [bytes([n]) * 100 for n in range(10)]
    put(cache, contents)
    made = plan(cache, contents[1:])
    assert (made.objects, made.scattered) == ((), Kept(1, 100))
    assert collect(cache, contents[1:], trash).objects == 0
    assert plan(cache, contents[2:]).rewrite != ()


def test_what_is_young_stays(cache: Cache, root: Path) -> None:
    old, young = some_contents(1, 3, 1), some_contents(2, 3, 1)
    put(cache, old)
    age(cache, 3600)
    put(cache, young)
    made = plan(cache, [], older_than=600.0, now=time.time())
    assert {each.digest for each in made.objects} == {digest_of(content) for content in old}
    assert made.young == Kept(4, sum(map(len, young)))
    assert plan(cache, [], older_than=7200.0, now=time.time()).objects == ()
    # Without a grace period what is newer than the plan's time was added after the living were gathered.
    assert plan(cache, [], now=time.time() - 60).young.objects == 4


def test_a_rewritten_pack_does_not_become_young(cache: Cache, root: Path, trash: Trash) -> None:
    contents = some_contents(1, 6, 0)
    put(cache, contents)
    age(cache, 3600)
    (before,) = packs_of(cache)
    modified = before.stat().st_mtime_ns
    collect(cache, contents[:3], trash)
    (after,) = packs_of(cache)
    assert after != before and after.stat().st_mtime_ns == modified


def test_what_was_added_since_the_plan_stays(cache: Cache, root: Path, trash: Trash) -> None:
    live, dead, added = some_contents(1), some_contents(2), some_contents(3)
    put(cache, [*live, *dead])
    made = plan(cache, live)
    put(cache_at(root), added)
    with trash.entry("gc", root.parent, root) as entry:
        apply_cache_gc(cache, made, entry)
    assert held_in(root, [*live, *dead, *added]) == [*live, *added]


def test_what_became_needed_since_the_plan_stays_if_it_is_asked_again(cache: Cache, root: Path, trash: Trash) -> None:
    live, dead = some_contents(1), some_contents(2)
    put(cache, [*live, *dead])
    made = plan(cache, live)
    held: list[bool] = []

    def asked_again() -> set[bytes]:
        with pytest.raises(Busy), cache_at(root, lock_wait=0.05).writer():
            pass
        held.append(True)
        return {digest_of(content) for content in [*live, dead[0], dead[-1]]}

    with trash.entry("gc", root.parent, root) as entry:
        apply_cache_gc(cache, made, entry, asked_again)
    assert held == [True]
    assert held_in(root, [*live, *dead]) == [*live, dead[0], dead[-1]]


def test_packs_that_were_joined_since_the_plan_are_collected_all_the_same(
    cache: Cache, root: Path, trash: Trash, monkeypatch: pytest.MonkeyPatch
) -> None:
    live, dead = some_contents(1, 4, 0), some_contents(2, 4, 0)
    put_each(cache, [*live, *dead])
    made = plan(cache, live)
    assert len(made.drop) == 4
    monkeypatch.setattr("dvcx.storage.cache_join.MOST_SMALL", 5)
    put(cache_at(root), [b"the last straw"])
    assert len(packs_of(cache)) == 1
    with trash.entry("gc", root.parent, root) as entry:
        result = apply_cache_gc(cache, made, entry)
    assert result.objects == 4
    assert held_in(root, [*live, *dead, b"the last straw"]) == [*live, b"the last straw"]


def test_packs_that_cannot_be_read_stay_and_are_told(cache: Cache, root: Path, trash: Trash) -> None:
    put(cache, some_contents(1, 4, 0))
    (pack,) = packs_of(cache)
    put(cache, some_contents(2, 4, 0))
    flip(pack, pack.stat().st_size - 100)
    made = plan(cache_at(root), [])
    assert [name for name, _ in made.unreadable] == [pack.stem] and len(made.objects) == 4
    collect(cache_at(root), [], trash)
    assert packs_of(cache) == [pack]


def test_a_pack_in_which_a_living_object_is_damaged_stays(cache: Cache, root: Path, trash: Trash) -> None:
    contents = some_contents(1, 6, 0)
    put(cache, contents)
    (pack,) = packs_of(cache)
    place = cache.packs.find(digest_of(contents[0]))
    assert place is not None
    flip(pack, place.record.offset)
    result = collect(cache, contents[:3], trash)
    assert result.damaged == (pack.stem,) and pack in packs_of(cache)
    assert held_in(root, contents[1:3]) == contents[1:3]


def test_objects_that_lie_in_two_packs_stay_readable(cache: Cache, root: Path, trash: Trash) -> None:
    contents = some_contents(1, 6, 0)
    put(cache, contents)
    collect(cache, contents[:3], trash)
    trash.undo(root.parent)
    assert len(packs_of(cache)) == 2
    collect(cache_at(root), contents[2:4], trash)
    assert held_in(root, contents) == contents[2:4]


def test_large_rewrites_make_several_packs(
    cache: Cache, root: Path, trash: Trash, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = some_contents(1, 60, 0)
    put_each(cache, [])
    put(cache, contents)
    monkeypatch.setattr(pack_writer, "TARGET_SIZE", 1000)
    collect(cache, contents[::2], trash)
    assert len(packs_of(cache)) > 3
    assert held_in(root, contents) == contents[::2]


def test_a_collection_waits_for_writers_and_says_who_is_in_the_way(root: Path, trash: Trash) -> None:
    cache = cache_at(root, lock_wait=0.1)
    put(cache, some_contents())
    with cache_at(root).writer(), pytest.raises(Busy), trash.entry("gc", root.parent, root) as entry:
        apply_cache_gc(cache, plan(cache, []), entry)
    assert trash.entries() == [] and held_in(root, some_contents()) == some_contents()


def test_a_trash_that_does_not_know_the_cache_gets_nothing(cache: Cache, root: Path, trash: Trash) -> None:
    contents = some_contents()
    put(cache, contents)
    with pytest.raises(Refused), trash.entry("gc", root.parent / "elsewhere") as entry:
        apply_cache_gc(cache, plan(cache, contents[:3]), entry)
    assert held_in(root, contents) == contents


def test_dropped_objects_are_gone_for_good_and_all_others_stay(cache: Cache, root: Path) -> None:
    contents = some_contents(1, 40, 3)
    put(cache, contents)
    put_each(cache, more := some_contents(2, 5, 0))
    gone = [contents[0], contents[-1], more[2], b"was never there"]
    drop_objects(cache, {digest_of(content) for content in gone})
    assert held_in(root, [*contents, *more]) == [c for c in [*contents, *more] if c not in gone]
    cache.delete([])
    assert held_in(root, contents[1:-1]) == contents[1:-1]


LIVE, DEAD, MORE = some_contents(1, 5, 2), some_contents(2, 5, 2), some_contents(3, 5, 0)


def fill(place: Path) -> None:
    cache = cache_at(place / "cache")
    put(cache, [*LIVE, *DEAD])
    put(cache, MORE)


def collect_in(place: Path) -> None:
    collect(cache_at(place / "cache"), LIVE, Trash(place / "trash"))


def check_after_collecting(place: Path) -> None:
    cache, trash = cache_at(place / "cache"), Trash(place / "trash")
    assert held_in(cache.root, LIVE) == LIVE
    # Whatever left came to the trash: taken back, all is there.
    if trash.entries():
        assert trash.undo(place).left == ()
    assert held_in(cache.root, [*LIVE, *DEAD, *MORE]) == [*LIVE, *DEAD, *MORE]
    collect_in(place)
    assert held_in(cache.root, [*LIVE, *DEAD, *MORE]) == LIVE
    assert list((cache.root / "tmp").iterdir()) == []
    assert trash.undo(place).left == ()
    assert held_in(cache.root, [*LIVE, *DEAD, *MORE]) == [*LIVE, *DEAD, *MORE]


def test_killed_anywhere_a_collection_loses_nothing_and_the_next_one_finishes(tmp_path: Path, stride: int) -> None:
    assert kill_at_every_step(tmp_path, fill, collect_in, check_after_collecting, stride=stride) > 30


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_where_the_disk_fails_a_collection_loses_nothing(tmp_path: Path, code: int, stride: int) -> None:
    assert fail_at_every_step(tmp_path, code, fill, collect_in, check_after_collecting, stride=stride) > 30


def test_killed_anywhere_dropping_keeps_all_others(tmp_path: Path, stride: int) -> None:
    def check(place: Path) -> None:
        cache = cache_at(place / "cache")
        assert held_in(cache.root, LIVE) == LIVE
        cache.delete([digest_of(content) for content in DEAD])
        assert held_in(cache.root, [*LIVE, *DEAD]) == LIVE

    steps = kill_at_every_step(
        tmp_path,
        fill,
        lambda p: cache_at(p / "cache").delete([digest_of(content) for content in DEAD]),
        check,
        stride=stride,
    )
    assert steps > 15


def add_forever(root: Path, until: Path) -> None:
    number = 0
    while not until.exists():
        number += 1
        put(cache_at(root, lock_wait=60), [b"garbage %d %d" % (os.getpid(), number), b"x" * 5000 + b"%d" % number])


def read_forever(root: Path, until: Path) -> None:
    cache = cache_at(root)
    while not until.exists():
        for each in (cache, cache_at(root)):
            assert dict(each.read_many([digest_of(content) for content in LIVE]))


def test_collections_writers_and_readers_at_once_lose_nothing_that_is_needed(root: Path, tmp_path: Path) -> None:
    put_each(cache_at(root), LIVE)
    until = tmp_path / "end"
    work = [*[(add_forever, root)] * 2, *[(read_forever, root)] * 2]
    others = [fork.Process(target=target, args=(place, until)) for target, place in work]
    for process in others:
        process.start()
    trash = Trash(tmp_path / "trash", "fast")
    try:
        for _ in range(15):
            cache = cache_at(root, lock_wait=60)
            with trash.entry("gc", tmp_path, root) as entry:
                apply_cache_gc(cache, plan(cache, LIVE), entry)
    finally:
        until.touch()
        for process in others:
            process.join()
    assert [process.exitcode for process in others] == [0] * 4
    assert held_in(root, LIVE) == LIVE
    for info in trash.entries():
        assert info.operation == "gc" and trash.undo(tmp_path, info.id).left == ()
    assert held_in(root, LIVE) == LIVE


def test_who_waits_for_the_cache_alone_lets_nobody_pass_but_who_holds_it_already(root: Path) -> None:
    holder, other = cache_at(root), cache_at(root, lock_wait=0.05)
    waiting = fork.Process(target=hold_alone, args=(root,))
    waiting.start()  # before the lock is taken, which a fork would share
    with holder.lock.shared():
        (root / "go").touch()
        while not (root / "turn.lock").exists() or not (root / "turn.lock").read_text():
            time.sleep(0.01)
        with pytest.raises(Busy, match=f"pid {waiting.pid}"):
            put(other, [b"a newcomer"])
        put(holder, [b"by the holder"])
    waiting.join()
    assert waiting.exitcode == 0
    put(other, [b"a newcomer"])
    with holder.lock.exclusive():
        put(holder, [b"by who is alone"])
    with holder.lock.shared(), pytest.raises(RuntimeError):
        holder.delete([])
    assert len(held_in(root, [b"by the holder", b"a newcomer", b"by who is alone"])) == 3


def hold_alone(root: Path) -> None:
    while not (root / "go").exists():
        time.sleep(0.01)
    with cache_at(root).lock.exclusive(30):
        pass
