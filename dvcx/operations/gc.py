"""`dvcx gc`: what nothing needs any more leaves the cache, into the trash, or a remote, after its grace period."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from dvcx.base.errors import Refused, UsageError
from dvcx.base.progress import SILENT, Progress
from dvcx.formats.table import Role
from dvcx.formats.trash_journal import Marked
from dvcx.git.roots import missing_history
from dvcx.operations.gc_live import LiveObjects
from dvcx.operations.gc_names import former_names
from dvcx.operations.remotes import open_remote, remote_config
from dvcx.repo.record import Repo, open_cache, open_trash
from dvcx.storage.cache_gc import CLOCK_TICK, CacheGcPlan, apply_cache_gc, plan_cache_gc
from dvcx.storage.reach import TreeSource
from dvcx.storage.remote import Remote
from dvcx.storage.remote_gc import apply_remote_gc
from dvcx.storage.remote_gc_plan import RemoteGcPlan, plan_remote_gc, readable_catalog

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class GcItem:
    """An object that nothing needs: its id, `blob` or `tree`, the bytes it takes, and a name it had, if known."""

    id: str
    kind: str
    size: int
    name: str | None


@dataclass(frozen=True, slots=True)
class GcResult:
    """What a collection did or, before `done`, would do.

    `items` go, with `size` bytes in all; `young` objects stay because of their age, `scattered` ones because nearly all
    around them in their packs is needed. `expired` are trash entries that go for good, with `expired_size` bytes.
    `unread` are tracked folders whose listings are nowhere; `shallow` tells that older commits are not in this clone.
    On a remote: `marked` and `deleted` packs, `grace_days`. `entry` is the trash entry that brings the objects back, or
    takes the marks back.
    """

    store: str
    done: bool
    items: tuple[GcItem, ...]
    size: int
    young: int = 0
    young_size: int = 0
    scattered: int = 0
    scattered_size: int = 0
    expired: tuple[str, ...] = ()
    expired_size: int = 0
    keep_days: int = 0
    unread: tuple[str, ...] = ()
    shallow: bool = False
    unreadable_packs: tuple[str, ...] = ()
    marked: int = 0
    deleted: int = 0
    grace_days: float | None = None
    entry: str | None = None

    @property
    def is_empty(self) -> bool:
        """Tells whether there is nothing to do."""
        return not (self.items or self.expired or self.marked or self.deleted)


@dataclass(frozen=True, slots=True)
class GcOptions:
    """How to collect: see `dvcx gc --help`. `older_than` is in seconds, `now` in seconds since 1970."""

    remote: str | None = None
    older_than: float | None = None
    allow_missing: bool = False
    now: float = 0.0


class CacheCollection:
    """A collection in the cache: looked at first (`preview`), then done (`apply`)."""

    def __init__(self, repo: Repo, options: GcOptions) -> None:
        self._repo = repo
        self._options = options
        self._cache = open_cache(repo)
        self._trash = open_trash(repo)
        self._keep = repo.config.trash.keep_days * DAY
        self._now = options.now or _after_a_tick()
        self._expired = self._trash.expired(self._keep, self._now)
        remotes = {name: partial(open_remote, repo, name) for name in repo.config.remotes}
        self._live = LiveObjects(repo, self._cache, remotes, without=self._expired, allow_missing=options.allow_missing)
        self._plan = plan_cache_gc(self._cache, self._live.find(), older_than=options.older_than, now=self._now)
        self.preview = self._previewed(self._plan)

    def apply(self) -> GcResult:
        """Does it: first the expired trash entries go for good, then objects that still nothing needs into the trash.

        Raises as finding what is needed does, having changed nothing in the cache.
        """
        self._live.without = ()
        gone = self._trash.expire(self._keep, self._now)
        if not self._plan.objects:
            return replace(self.preview, done=True, expired=gone)
        with self._trash.entry("gc", self._repo.root, self._repo.cache_dir) as entry:
            names = {_digest(item): item.name for item in self.preview.items if item.name is not None}
            done = apply_cache_gc(self._cache, self._plan, entry, self._live.find, names)
        left = {each.digest for each in self._plan.objects if self._cache.has(each.digest)}
        items = tuple(each for each in self.preview.items if _digest(each) not in left)
        self._cache.close()
        damaged = (*self.preview.unreadable_packs, *done.damaged)
        return replace(
            self.preview,
            done=True,
            items=items,
            size=done.bytes,
            expired=gone,
            unreadable_packs=damaged,
            entry=entry.id if entry.folder.is_dir() else None,
        )

    def _previewed(self, plan: CacheGcPlan) -> GcResult:
        names = former_names(self._repo, self._cache, {each.digest for each in plan.objects}) if plan.objects else {}
        items = [
            GcItem(_id(self._repo, each.digest), _kind(each.role), each.size, names.get(each.digest))
            for each in plan.objects
        ]
        by_id = {info.id: info.bytes for info in self._trash.entries()} if self._expired else {}
        return GcResult(
            store=str(self._repo.cache_dir),
            done=False,
            items=_sorted(items),
            size=plan.bytes,
            young=plan.young.objects,
            young_size=plan.young.bytes,
            scattered=plan.scattered.objects,
            scattered_size=plan.scattered.bytes,
            expired=self._expired,
            expired_size=sum(by_id.get(each, 0) for each in self._expired),
            keep_days=self._repo.config.trash.keep_days,
            unread=tuple(sorted({each.path for each in self._live.unknown})),
            shallow=self._repo.git is not None and bool(missing_history(self._repo.git)),
            unreadable_packs=tuple(f"{name}: {why}" for name, why in plan.unreadable),
        )


class RemoteCollection:
    """A collection on a remote: what nothing needs is marked, and deleted once it was marked for the grace period."""

    def __init__(self, repo: Repo, options: GcOptions, progress: Progress = SILENT) -> None:
        config = remote_config(repo, options.remote)
        self._repo = repo
        self._progress = progress
        self._grace = config.grace_days * DAY
        if options.older_than is not None:
            if options.older_than < self._grace:
                raise UsageError(
                    f"the grace period of {config.name} is {config.grace_days} days: "
                    "--older-than can only make it longer",
                    f"shorten it for good: `dvcx remote modify {config.name} grace_days N`; "
                    "what is being pushed right now is safe only because of it",
                )
            self._grace = options.older_than
        _refuse_partial_history(repo)
        self._now = options.now or time.time()
        self._cache = open_cache(repo)
        self._remote = open_remote(repo, config.name)
        readable_catalog(self._remote)
        remotes: dict[str, Callable[[], TreeSource]] = {config.name: lambda: self._remote}
        for name in repo.config.remotes.keys() - {config.name}:
            remotes[name] = partial(open_remote, repo, name)
        self._live = LiveObjects(repo, self._cache, remotes, allow_missing=options.allow_missing)
        self._plan = self._planned()
        self.preview = self._previewed(self._plan)

    def apply(self) -> GcResult:
        """Does it, after looking again what is needed. Raises `RemoteError`; a new run then goes on."""
        if not self._plan.dead.isdisjoint(self._live.find(all_of=True)):
            self._plan = self._planned()
        preview = self._previewed(self._plan)
        with open_trash(self._repo).entry("gc", self._repo.root) as entry:
            done = apply_remote_gc(
                self._plan,
                self._remote,
                self._progress,
                lambda file: entry.announce([Marked(self._remote.name, file, _some_names(preview.items))]),
            )
        self._cache.close()
        undo = entry.id if entry.folder.is_dir() else None
        return replace(preview, done=True, marked=done.marked, deleted=done.deleted, entry=undo)

    def _planned(self) -> RemoteGcPlan:
        return plan_remote_gc(self._remote, self._live.find(all_of=True), self._grace, self._now)

    def _previewed(self, plan: RemoteGcPlan) -> GcResult:
        going = set(plan.names)
        names = former_names(self._repo, self._cache, plan.dead) if plan.dead and going else {}
        items = [
            GcItem(_id(self._repo, digest), _kind(role), size, names.get(digest))
            for digest, (role, size) in _dead_in(self._remote, plan, going).items()
        ]
        return GcResult(
            store=self._remote.label,
            done=False,
            items=_sorted(items),
            size=plan.size,
            young=len(plan.kept_young),
            young_size=sum(use.size for use in plan.kept_young),
            unread=tuple(sorted({each.path for each in self._live.unknown})),
            marked=len(plan.marks) + len(plan.rewrites),
            deleted=len(plan.deletes),
            grace_days=self._grace / DAY,
        )


def collection(repo: Repo, options: GcOptions, progress: Progress = SILENT) -> CacheCollection | RemoteCollection:
    """Finds what can go from the cache, or from the remote that `options` names; changes nothing yet.

    Raises `Refused` when something that may need data cannot be read, `UsageError` for too short a grace period.
    """
    return CacheCollection(repo, options) if options.remote is None else RemoteCollection(repo, options, progress)


def _after_a_tick() -> float:
    """Gives the time, so late that nothing which was there at the call can pass for added since."""
    time.sleep(CLOCK_TICK)
    return time.time()


def _some_names(items: Sequence[GcItem]) -> str:
    """Gives a few names of objects for the list of what can be undone."""
    blobs = [item for item in items if item.kind == "blob"] or list(items)
    known = [item.name or item.id[:23] for item in blobs[:_SHOWN]]
    more = len(items) - len(known)
    return ", ".join(known) + (f" and {more:,} more" if more else "") if known else "packs that nothing needs"


_SHOWN = 3


def _refuse_partial_history(repo: Repo) -> None:
    if repo.git is not None and missing_history(repo.git):
        raise Refused(
            "this clone does not have the whole history, so nobody can tell which data its older commits need",
            "get it with `git fetch --unshallow` (or `git fetch --refetch --no-filter`), then run this again",
        )


def _dead_in(remote: Remote, plan: RemoteGcPlan, packs: set[str]) -> dict[bytes, tuple[Role, int]]:
    found: dict[bytes, tuple[Role, int]] = {}
    for index in remote.catalog().indexes:
        for record in index.records():
            if record.digest in plan.dead and index.packs[record.pack].name in packs:
                found[record.digest] = Role(record.role), record.stored
    return found


def _id(repo: Repo, digest: bytes) -> str:
    return f"{repo.algorithm.name}:{digest.hex()}"


def _digest(item: GcItem) -> bytes:
    return bytes.fromhex(item.id.partition(":")[2])


def _kind(role: Role) -> str:
    return "tree" if role is Role.TREE else "blob"


def _sorted(items: Sequence[GcItem]) -> tuple[GcItem, ...]:
    return tuple(sorted(items, key=lambda item: (-item.size, item.id)))
