"""Garbage collection on remotes: marks first, deletes after the grace period, nothing that is needed."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dvcx.base.errors import DamagedData, MissingData, Refused
from dvcx.base.hashing import ALGORITHMS
from dvcx.formats.remote_json import Chunking
from dvcx.formats.table import Role
from dvcx.formats.tree_bytes import dump_tree
from dvcx.model.tree import EMPTY_TREE, file_entry, folder_entry, make_tree
from dvcx.storage.memory_bucket import MemoryBucket
from dvcx.storage.remote import Remote, RemoteSettings
from dvcx.storage.remote_gc import apply_remote_gc, undo_remote_gc
from dvcx.storage.remote_gc_plan import DAY, RemoteGcPlan, plan_remote_gc

ALGORITHM = ALGORITHMS["blake3"]
GRACE = 14 * DAY
CUTS = Chunking(minimum=1 << 10, average=4 << 10, maximum=16 << 10, cut_from=64 << 10)


class World:
    """A remote on a bucket in memory, and a clock that tests turn."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.bucket = MemoryBucket("memory", clock=lambda: self.now)

    def remote(self) -> Remote:
        return Remote(self.bucket, "r", ALGORITHM, None, RemoteSettings(1, chunking=CUTS, clock=lambda: self.now))

    def push(self, *contents: bytes) -> list[bytes]:
        digests = [ALGORITHM.of(data) for data in contents]
        with self.remote().writer() as writer:
            for digest, data in zip(digests, contents, strict=True):
                writer.put(Role.BLOB, digest, data)
        return digests

    def plan(self, live: Iterable[bytes], grace: float = GRACE) -> RemoteGcPlan:
        return plan_remote_gc(self.remote(), set(live), grace, self.now)

    def collect(self, live: Iterable[bytes], grace: float = GRACE) -> str | None:
        return apply_remote_gc(self.plan(live, grace), self.remote()).mark_file

    def packs(self) -> set[str]:
        return {name for name in self.bucket.files if name.startswith("packs/")}

    def holds(self, *digests: bytes) -> bool:
        return not self.remote().missing(digests)


@pytest.fixture
def world() -> World:
    return World()


def test_a_dead_pack_is_marked_after_the_grace_and_deleted_after_another(world: World) -> None:
    (keep,) = world.push(b"keep")
    (dead,) = world.push(b"dead")
    world.now += GRACE + 1
    world.collect([keep])
    assert len(world.packs()) == 2
    assert world.remote().missing([keep, dead]) == {dead}
    assert world.remote().read(dead) == b"dead"
    world.now += GRACE - 1
    world.collect([keep])
    assert len(world.packs()) == 2
    world.now += 1
    world.collect([keep])
    assert len(world.packs()) == 1
    assert world.remote().read(keep) == b"keep"
    with pytest.raises(MissingData):
        world.remote().read(dead)


def test_what_is_younger_than_the_grace_is_kept(world: World) -> None:
    world.push(b"old and dead")
    world.now += GRACE - 10
    (young,) = world.push(b"young and dead")
    world.now += 11
    plan = world.plan([])
    assert [len(plan.marks), len(plan.kept_young)] == [1, 1]
    apply_remote_gc(plan, world.remote())
    assert world.holds(young)


def test_a_push_sends_again_what_lies_only_in_marked_packs_and_it_survives(world: World) -> None:
    (digest,) = world.push(b"came back")
    world.now += GRACE + 1
    world.collect([])
    assert not world.holds(digest)
    world.push(b"came back")
    assert world.holds(digest)
    assert len(world.packs()) == 2, "the marked pack's name must not be used again"
    world.now += GRACE + 1
    world.collect([digest])
    assert world.holds(digest)
    assert len(world.packs()) == 1


def test_marks_are_taken_back_when_the_data_is_needed_again(world: World) -> None:
    (digest,) = world.push(b"needed after all")
    world.now += GRACE + 1
    world.collect([])
    world.now += GRACE + 1
    plan = world.plan([digest])
    assert len(plan.unmarks) == 1 and not plan.deletes
    apply_remote_gc(plan, world.remote())
    assert world.holds(digest)
    assert world.plan([digest]).is_empty


def test_undo_takes_the_marks_back_until_the_packs_are_deleted(world: World) -> None:
    (digest,) = world.push(b"undone")
    world.now += GRACE + 1
    mark_file = world.collect([])
    assert mark_file is not None and not world.holds(digest)
    assert undo_remote_gc(world.remote(), mark_file) == 1
    assert world.holds(digest)
    mark_file = world.collect([])
    assert mark_file is not None
    world.now += GRACE
    world.collect([])
    with pytest.raises(Refused):
        undo_remote_gc(world.remote(), mark_file)


def test_a_mostly_dead_pack_is_rewritten(world: World) -> None:
    rng = random.Random(3)
    contents = [rng.randbytes(1000) for _ in range(20)]
    digests = world.push(*contents)
    world.now += GRACE + 1
    plan = world.plan(digests[:5])
    assert len(plan.rewrites) == 1 and plan.dead == frozenset(digests[5:])
    apply_remote_gc(plan, world.remote())
    assert world.remote().missing(digests) == set(digests[5:])
    world.now += GRACE + 1
    world.collect(digests[:5])
    assert len(world.packs()) == 1
    assert dict(world.remote().read_many(digests[:5])) == dict(zip(digests[:5], contents[:5], strict=True))
    assert sum(len(data) for name, (data, _) in world.bucket.files.items() if name in world.packs()) < 7000


def test_chunks_that_a_live_object_shares_with_a_dead_one_stay(world: World) -> None:
    rng = random.Random(4)
    old = rng.randbytes(300_000)
    new = old[:150_000] + b"inserted" + old[150_000:]
    first, second = world.push(old)[0], world.push(new)[0]
    for _ in range(3):
        world.now += GRACE + 1
        world.collect([second])
    assert world.remote().read(second) == new
    assert world.remote().missing([first, second]) == {first}


def test_a_dead_recipe_in_a_pack_that_stays_is_not_relied_on_when_its_chunks_go(world: World) -> None:
    rng = random.Random(6)
    old = rng.randbytes(300_000)
    new = old + b"one more chunk"
    world.push(old)
    stays = rng.randbytes(60_000)
    newer, live = world.push(new, stays)
    world.now += GRACE + 1
    before = dict(world.bucket.files)
    world.collect([live])
    assert not world.holds(newer) and world.remote().read(newer) == new
    world.now += GRACE + 1
    world.collect([live])
    assert not world.holds(newer)
    assert newer not in {each.digest for each in world.remote().ids()}
    assert all(marks.deleted for marks in world.remote().catalog().marks.values())
    # Another client that read them before joins the old index files and writes them only now.
    world.bucket.files |= {name: file for name, file in before.items() if name.startswith("index/")}
    assert not world.holds(newer) and world.holds(live)
    world.now += 1
    world.collect([live])
    assert newer not in {each.digest for each in world.remote().ids()}
    world.push(new)
    assert world.remote().read(newer) == new and world.remote().read(live) == stays
    for _ in range(3):
        world.now += GRACE + 1
        world.collect([live, newer])
    assert world.remote().read(newer) == new and world.holds(newer)
    assert world.plan([live, newer]).is_empty


def test_what_a_young_tree_names_is_kept_though_it_is_old_itself(world: World) -> None:
    rng = random.Random(8)
    small, large = rng.randbytes(5000), rng.randbytes(100_000)
    digests = world.push(small, large)
    world.now += 3 * GRACE
    inner = dump_tree(make_tree(file_entry(f"{n:05}", d, 1) for n, d in enumerate(digests * 1000)))
    outer = dump_tree(make_tree([folder_entry("inner", ALGORITHM.of(inner), EMPTY_TREE)]))
    assert len(inner) > CUTS.cut_from
    with world.remote().writer() as writer:
        writer.put(Role.TREE, ALGORITHM.of(inner), inner)
        writer.put(Role.TREE, ALGORITHM.of(outer), outer)
    world.now += 1
    plan = world.plan([])
    assert not plan.marks and len(plan.kept_young) == 1
    world.collect([])
    assert world.holds(*digests, ALGORITHM.of(inner), ALGORITHM.of(outer))


def test_leftovers_of_a_killed_push_go_when_they_are_old(world: World) -> None:
    (keep,) = world.push(b"keep")
    name = "packs/ab/" + "ab" * 32 + ".pack"
    world.bucket.write(name, [b"half a pack"])
    world.bucket.write("tmp/.push-1-abc", [b"half a file"])
    world.now += GRACE + 1
    world.collect([keep])
    assert name in world.packs() and "tmp/.push-1-abc" not in world.bucket.files
    world.now += GRACE + 1
    world.collect([keep])
    assert name not in world.packs() and world.holds(keep)


def test_without_grace_dead_packs_go_at_once_but_not_what_a_push_is_writing(world: World) -> None:
    (keep,) = world.push(b"keep")
    (dead,) = world.push(b"dead")
    name = "packs/ab/" + "ab" * 32 + ".pack"
    world.bucket.write(name, [b"on its way"])
    world.now += 60
    world.collect([keep], grace=0)
    assert world.holds(keep) and not world.holds(dead)
    assert len(world.packs()) == 2 and name in world.packs()


def test_a_pack_that_a_push_names_after_the_plan_is_left_alone(world: World) -> None:
    (dead,) = world.push(b"dead for now")
    world.now += GRACE + 1
    plan = world.plan([])
    pack = next(iter(world.packs()))
    other = world.remote()
    other.delete([dead])  # another index file, which still names the pack
    apply_remote_gc(plan, world.remote())
    assert pack in world.packs() and not world.remote().catalog().marked


def test_it_refuses_when_an_index_file_is_damaged(world: World) -> None:
    world.push(b"one")
    name = next(name for name in world.bucket.files if name.startswith("index/"))
    data, written = world.bucket.files[name]
    world.bucket.files[name] = (data[:-1] + b"?", written)
    world.now += GRACE + 1
    with pytest.raises(DamagedData):
        world.plan([])


def test_many_index_files_are_joined(world: World) -> None:
    digests = [world.push(f"push {number}".encode())[0] for number in range(30)]
    world.collect(digests)
    assert len([name for name in world.bucket.files if name.endswith(".idx")]) == 1
    assert world.holds(*digests)


class Killed(Exception):
    pass


class FailingBucket(MemoryBucket):
    """Fails at the `left`-th write or delete from now on, and at every one after it."""

    left = 1_000_000

    def _step(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Killed

    def write(self, name, parts, *, exclusive=False):  # type: ignore[no-untyped-def]
        self._step()
        super().write(name, parts, exclusive=exclusive)

    def delete(self, names):  # type: ignore[no-untyped-def]
        for name in names:
            self._step()
            super().delete([name])


def test_killed_anywhere_it_loses_nothing_and_the_next_one_finishes() -> None:
    rng = random.Random(5)
    contents = [rng.randbytes(2000) for _ in range(12)]
    for left in range(40):
        world = World()
        bucket = world.bucket = FailingBucket("memory", clock=partial(getattr, world, "now"))
        digests = world.push(*contents[:6]) + world.push(*contents[6:]) + world.push(b"x" * 70_000)
        live = [*digests[:2], digests[12]]
        for round_number in range(3):
            world.now += GRACE + 1
            if round_number == left % 3:
                bucket.left = left // 3
            try:
                world.collect(live)
            except Killed:
                pass
            bucket.left = 1_000_000
            for digest, data in zip(live, [*contents[:2], b"x" * 70_000], strict=True):
                assert world.remote().read(digest) == data, left
        for _ in range(3):
            world.now += GRACE + 1
            world.collect(live)
        assert world.holds(*live)
        assert len(world.packs()) == 2
        world.now += 3 * GRACE
        world.collect(live)
        assert world.plan(live).is_empty
        assert not [name for name in world.bucket.files if name.endswith(".marks")]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["push", "gc", "wait", "undo"]), st.sets(st.integers(0, 7), max_size=5)), max_size=14
    )
)
def test_no_order_of_pushes_and_collections_loses_what_is_needed(steps: list[tuple[str, set[int]]]) -> None:
    """Against a set: what was pushed and is named by every collection since stays readable."""
    world = World()
    contents = [bytes([number]) * (3000 + number) for number in range(6)]
    contents += [random.Random(9).randbytes(90_000), random.Random(9).randbytes(90_000)[5_000:]]
    digests = [ALGORITHM.of(data) for data in contents]
    needed: set[int] = set()
    mark_file: str | None = None
    world.push(b"start")
    for action, numbers in steps:
        world.now += 1
        if action == "push":
            world.push(*(contents[number] for number in sorted(numbers)))
            needed |= numbers
        elif action == "gc":
            needed &= numbers
            mark_file = world.collect([digests[number] for number in needed])
        elif action == "wait":
            world.now += GRACE
        elif mark_file is not None:
            with pytest.raises(Refused) if mark_file not in world.bucket.files else _nothing():
                undo_remote_gc(world.remote(), mark_file)
            mark_file = None
        remote = world.remote()
        for number in needed:
            assert remote.read(digests[number]) == contents[number]
        assert world.holds(*(digests[number] for number in needed)) or action in ("gc", "wait")


class _nothing:
    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


def test_the_plan_tells_names_and_bytes(world: World) -> None:
    world.push(b"z" * 5000)
    world.now += GRACE + 1
    plan = world.plan([])
    assert plan.names == [use.name for use in plan.marks] and plan.size == plan.marks[0].size
    assert replace(plan, marks=()).is_empty
