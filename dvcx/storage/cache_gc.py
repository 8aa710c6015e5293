"""Garbage collection in the cache: a plan of what nothing needs any more, and moving that to the trash.

Loose objects and packs without a living object move as they are. A pack of which a good part is dead is replaced by a
new one with the living objects, before the old one moves. So a kill at any point leaves every living object in at
least one place, and the next collection goes on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from dvcx.base.scratch import scratch_folder
from dvcx.formats.table import Record, Role
from dvcx.storage.repack import Repacker

if TYPE_CHECKING:
    from dvcx.storage.cache import Cache

REWRITE_FROM = 0.2
"""A pack is written anew when at least this part of its payload bytes is dead."""
CLOCK_TICK = 0.02
"""Seconds by which the clock that stamps files may lag behind the one that programs read."""


class DeadObject(NamedTuple):
    """An object that nothing needs: `size` is the bytes it takes in the cache."""

    digest: bytes
    role: Role
    size: int


class Kept(NamedTuple):
    """Dead objects that stay for now, and their bytes."""

    objects: int = 0
    bytes: int = 0

    def and_also(self, objects: Iterable[DeadObject]) -> Kept:
        """Gives the sum of these and `objects`."""
        sizes = [each.size for each in objects]
        return Kept(self.objects + len(sizes), self.bytes + sum(sizes))


@dataclass(frozen=True, slots=True)
class CacheGcPlan:
    """What a garbage collection would do.

    `loose` objects and the packs `drop` move to the trash as they are; those in `rewrite` are replaced by new ones.
    `objects` are all that go, once each, with `bytes` as their sum. `young` objects stay because of the grace period,
    `scattered` ones because nearly all around them in their packs is alive. `unreadable` packs stay too, each with the
    reason. `older_than` (seconds) and `now` (seconds since 1970) are what the plan was made with.
    """

    loose: tuple[DeadObject, ...]
    drop: tuple[str, ...]
    rewrite: tuple[str, ...]
    objects: tuple[DeadObject, ...]
    bytes: int
    young: Kept
    scattered: Kept
    unreadable: tuple[tuple[str, str], ...]
    older_than: float | None
    now: float


@dataclass(frozen=True, slots=True)
class CacheGcResult:
    """What a garbage collection did: objects and bytes that left, packs that left and packs written anew.

    `damaged` packs stayed because a living object in them is damaged.
    """

    objects: int
    bytes: int
    packs_dropped: int
    packs_rewritten: int
    damaged: tuple[str, ...]


class Keeper(Protocol):
    """What takes the files that leave; see `storage/trash_entry.py`."""

    def move_all(self, items: Sequence[tuple[Path, str]]) -> None:
        """Moves files away."""


def plan_cache_gc(cache: Cache, live: Collection[bytes], *, older_than: float | None, now: float) -> CacheGcPlan:
    """Plans the removal of every object that is not in `live`; looks at the cache and changes nothing.

    What lies in a file younger than `older_than` seconds (None: no grace) stays, and so does what is newer than `now`:
    it was added after `live` was gathered.
    """
    return _plan(cache, live.__contains__, older_than, now, REWRITE_FROM)


def apply_cache_gc(
    cache: Cache,
    plan: CacheGcPlan,
    entry: Keeper,
    live: Callable[[], Collection[bytes]] | None = None,
    names: Mapping[bytes, str] | None = None,
) -> CacheGcResult:
    """Does what `plan` says, with the cache to itself; what it takes away goes into the trash `entry`.

    The cache is looked at again first: packs may have been joined, and what was added since stays. With `live`, that is
    asked again for what is needed, now that nobody can add to the cache. `names` are what people called the objects:
    so `entry` shows them. Raises `Busy` when writers do not end, and
    `OSError` as writing and moving do; then some may have left already, and a second run goes on.
    """
    with cache.lock.exclusive(cache.settings.lock_wait):
        dead = {each.digest for each in plan.objects}
        if live is not None:
            dead.difference_update(live())
        again = _plan(cache, lambda digest: digest not in dead, plan.older_than, plan.now, REWRITE_FROM)
        return _sweep(cache, again, dead, _Labels(cache, dead, names or {}), entry.move_all)


def drop_objects(cache: Cache, digests: Collection[bytes]) -> None:
    """Removes objects for good, wherever they lie; those that are not there are passed over.

    Packs that hold one of them are written anew. Raises as `apply_cache_gc` does.
    """
    with cache.lock.exclusive(cache.settings.lock_wait):
        plan = _plan(cache, lambda digest: digest not in digests, None, float("inf"), 0.0)
        _sweep(cache, plan, digests, _Labels(cache, digests, {}), _unlink_all)


@dataclass(slots=True)
class _Draft:
    """A plan while it is being made."""

    loose: list[DeadObject] = field(default_factory=list)
    drop: list[str] = field(default_factory=list)
    rewrite: list[str] = field(default_factory=list)
    objects: dict[bytes, DeadObject] = field(default_factory=dict)
    young: Kept = field(default_factory=Kept)
    scattered: Kept = field(default_factory=Kept)


def _plan(
    cache: Cache, is_live: Callable[[bytes], bool], older_than: float | None, now: float, rewrite_from: float
) -> CacheGcPlan:
    draft = _Draft()
    youngest = now - (older_than or 0.0) - CLOCK_TICK
    for name, records in cache.tables():
        try:
            is_young = os.stat(cache.packs.path_of(name)).st_mtime > youngest
        except FileNotFoundError:
            continue  # joined with others meanwhile
        _plan_pack(draft, name, records, is_live, rewrite_from, is_young=is_young)
    for digest, status in cache.loose.files():
        if is_live(digest):
            continue
        dead = DeadObject(digest, Role.BLOB, status.st_size)
        if status.st_mtime > youngest:
            draft.young = draft.young.and_also([dead])
        else:
            draft.loose.append(dead)
            draft.objects[digest] = dead
    return CacheGcPlan(
        tuple(draft.loose),
        tuple(draft.drop),
        tuple(draft.rewrite),
        tuple(draft.objects.values()),
        sum(dead.size for dead in draft.objects.values()),
        draft.young,
        draft.scattered,
        tuple(sorted(cache.packs.damaged.items())),
        older_than,
        now,
    )


def _plan_pack(
    draft: _Draft,
    name: str,
    records: Iterable[Record],
    is_live: Callable[[bytes], bool],
    rewrite_from: float,
    *,
    is_young: bool,
) -> None:
    dead: list[DeadObject] = []
    alive = alive_bytes = 0
    for record in records:
        if is_live(record.digest):
            alive += 1
            alive_bytes += record.stored
        else:
            dead.append(DeadObject(record.digest, Role(record.role), record.stored))
    dead_bytes = sum(each.size for each in dead)
    if not dead and alive:
        return
    if is_young:
        draft.young = draft.young.and_also(dead)
    elif alive and dead_bytes < rewrite_from * (dead_bytes + alive_bytes):
        draft.scattered = draft.scattered.and_also(dead)
    else:
        (draft.rewrite if alive else draft.drop).append(name)
        draft.objects.update((each.digest, each) for each in dead)


class _Labels:
    """What to show for files of the cache that leave: the names of the dead objects in them."""

    def __init__(self, cache: Cache, dead: Collection[bytes], names: Mapping[bytes, str]) -> None:
        self._cache = cache
        self._dead = dead
        self._names = names

    def loose(self, digest: bytes) -> tuple[Path, str]:
        """Gives the file of a loose object with what to show for it."""
        return self._cache.loose.path_of(digest), self._name(digest)

    def pack(self, name: str) -> tuple[Path, str]:
        """Gives the file of a pack with what to show for it."""
        dead = [r for r in self._cache.packs.records_of(name) if r.digest in self._dead]
        # Blobs first: people know files better than listings.
        dead.sort(key=lambda record: (record.role == Role.TREE, record.digest not in self._names))
        known = [self._name(record.digest) for record in dead[:_SHOWN_OF_A_PACK]]
        more = f" and {len(dead) - len(known):,} more" if len(dead) > len(known) else ""
        return self._cache.packs.path_of(name), ", ".join(known) + more

    def _name(self, digest: bytes) -> str:
        return self._names.get(digest) or f"{self._cache.algorithm.name}:{digest.hex()[:16]}"


_SHOWN_OF_A_PACK = 3


def _sweep(
    cache: Cache,
    plan: CacheGcPlan,
    dead: Collection[bytes],
    labels: _Labels,
    take_away: Callable[[list[tuple[Path, str]]], None],
) -> CacheGcResult:
    made, damaged = _rewrite(cache, plan.rewrite, dead)
    rewritten = [name for name in plan.rewrite if name not in made and name not in damaged]
    packs = [*rewritten, *plan.drop]
    leaving = [labels.pack(name) for name in packs]
    try:
        take_away(leaving)
        take_away([labels.loose(each.digest) for each in plan.loose])
    finally:
        if packs:
            with suppress(OSError):
                cache.packs.index_path.unlink(missing_ok=True)  # it would go on listing what is gone
        cache.packs.refresh()
    cache.packs.write_joined_index(durable=False)
    gone = [each.size for each in plan.objects if not cache.has(each.digest)]
    return CacheGcResult(len(gone), sum(gone), len(plan.drop), len(rewritten), damaged)


def _rewrite(cache: Cache, names: Sequence[str], dead: Collection[bytes]) -> tuple[frozenset[str], tuple[str, ...]]:
    """Writes the living objects of packs into new ones; gives the new names, and the packs it could not read wholly."""
    if not names:
        return frozenset(), ()
    damaged = []
    with scratch_folder(cache.root / "tmp") as scratch, Repacker(cache, scratch) as repacker:
        for name in names:
            alive = [record for record in cache.packs.records_of(name) if record.digest not in dead]
            if repacker.take(name, alive):
                damaged.append(name)
        return repacker.place(), tuple(damaged)


def _unlink_all(files: Iterable[tuple[Path, str]]) -> None:
    for path, _ in files:
        path.unlink(missing_ok=True)
