"""Fetch: what the cache lacks, planned first, then taken from a remote, verified before it gets its name."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from dvcx.base.errors import DamagedData, MissingData, RemoteError
from dvcx.base.progress import SILENT, Progress, Task, task
from dvcx.formats.recipe import Recipe
from dvcx.formats.table import Role
from dvcx.storage.assembly import assemble, assemble_many
from dvcx.storage.copies import Copies
from dvcx.storage.moved import Ahead
from dvcx.storage.reach import Wanted
from dvcx.storage.recipe_reading import read_recipes
from dvcx.storage.remote import Remote
from dvcx.storage.remote_catalog import Found
from dvcx.storage.remote_reader import MOST, spans
from dvcx.storage.source import LocalStore, LocalWriter


@dataclass(frozen=True, slots=True)
class DownloadPlan:
    """What a fetch will do.

    `small` are the objects to take as they lie, with their places; `large` those to be put together from chunks;
    `held` are trees whose bytes the planning read already; `lost` are wanted but neither in the cache nor on the
    remote. `size` (bytes) and `requests` are upper bounds: chunks that are here already make them less.
    """

    small: tuple[tuple[Wanted, Found], ...]
    large: tuple[tuple[Wanted, Found], ...]
    lost: tuple[Wanted, ...]
    size: int
    requests: int
    held: Mapping[bytes, bytes] = field(default_factory=dict)

    @property
    def objects(self) -> int:
        """How many objects will be taken."""
        return len(self.small) + len(self.large) + len(self.held)


@dataclass(frozen=True, slots=True)
class DownloadResult:
    """What a fetch did: `objects` taken, `size` bytes of content.

    `damaged` are those of which no good copy came, also when they were asked for again.
    """

    objects: int
    size: int
    damaged: tuple[Wanted, ...]


def plan_download(
    cache: LocalStore, remote: Remote, wanted: Mapping[bytes, Wanted], trees: Mapping[bytes, bytes] | None = None
) -> DownloadPlan:
    """Gives what has to be taken from `remote` so that the cache holds all of `wanted`.

    `trees` are bytes of wanted trees that the walk has read from the remote. Writes nothing. Raises `RemoteError` when
    there is no remote, `ArrivedDamaged` when objects may be missing only because an index file came damaged.
    """
    remote.require()
    absent = cache.missing(wanted.keys())
    held = {digest: data for digest, data in (trees or {}).items() if digest in absent}
    places = remote.find(digest for digest in wanted if digest in absent and digest not in held)
    small = [(wanted[digest], place) for digest, place in places.items() if place.record.role != Role.RECIPE]
    large = [(wanted[digest], place) for digest, place in places.items() if place.record.role == Role.RECIPE]
    lost = [wanted[digest] for digest in absent if digest not in held and digest not in places]
    remote.require_whole_index(len(lost))
    size = sum(place.record.raw for _, place in small) + sum(each.size for each, _ in large)
    # Of a large object the recipe, each stretch of it, and once more where a stretch goes from one pack into the next;
    # packs that were sent over a network have 8 MiB or more.
    requests = 2 + len(spans(place for _, place in small))
    requests += sum(3 + 2 * (each.size // MOST) for each, _ in large)
    return DownloadPlan(tuple(small), tuple(large), tuple(lost), size, requests, held)


def download(
    plan: DownloadPlan,
    cache: LocalStore,
    remote: Remote,
    progress: Progress = SILENT,
    partial: Path | None = None,
    copies: Copies | None = None,
) -> DownloadResult:
    """Takes what `plan` says into the cache, verified, and writes nothing on the remote.

    What is whole is in the cache after every 256 MiB, and when Control-C or the remote ends the work. With `partial`, a
    folder on the cache's file system, an interrupted large object goes on there next time. With `copies`, those of the
    large ones that it wants are written there in the same pass. Objects without a good copy on the remote are left out
    and told in the result; the caller decides that this is a failure. Raises `RemoteError` when the remote fails.
    """
    if not plan.objects:
        return DownloadResult(0, 0, ())
    damaged: list[Wanted] = []
    with _counted(remote, progress, plan.size) as shown, cache.writer() as writer:
        try:
            for digest, data in plan.held.items():
                writer.put(Role.TREE, digest, data)
            damaged += _take_small(plan.small, remote, writer, shown)
            waiting = 0
            for each, place in _take_together(plan.large, cache, remote, writer, shown):
                try:
                    _take_large(each, place, cache, remote, writer, shown, partial, copies)
                except (DamagedData, MissingData):
                    damaged.append(each)
                waiting = _flushed(writer, waiting + each.size)
        except (KeyboardInterrupt, RemoteError):
            writer.flush()  # what came whole need not come again
            raise
    return DownloadResult(plan.objects - len(damaged), plan.size, tuple(damaged))


@contextmanager
def _counted(remote: Remote, progress: Progress, size: int) -> Iterator[Task]:
    """Gives the task that shows how far it is, to which bytes count as soon as they come, if somebody looks."""
    with task(progress, f"fetching from {remote.name}", size, "bytes") as shown:
        if progress is SILENT:
            yield shown
            return
        ahead = Ahead(shown)
        remote.arrived = ahead.arrived
        try:
            yield ahead
        finally:
            remote.arrived = None
            ahead.done()


def _take_small(
    wanted: Sequence[tuple[Wanted, Found]], remote: Remote, writer: LocalWriter, shown: Task
) -> list[Wanted]:
    by_digest = {each.digest: each for each, _ in wanted}
    failed: list[Found] = []
    waiting = 0
    for place, data in remote.fetch([place for _, place in wanted], failed=failed):
        writer.put(by_digest[place.record.digest].role, place.record.digest, data)
        shown.advance(len(data))
        waiting = _flushed(writer, waiting + len(data))
    return [by_digest[place.record.digest] for place in failed]


def _flushed(writer: LocalWriter, waiting: int) -> int:
    """Gives how many of `waiting` bytes are in the cache for good only with the next call."""
    if waiting < _FLUSH_EVERY:
        return waiting
    writer.flush()
    return 0


def _take_together(
    wanted: Sequence[tuple[Wanted, Found]], cache: LocalStore, remote: Remote, writer: LocalWriter, shown: Task
) -> list[tuple[Wanted, Found]]:
    """Takes objects of a few MiB in one stream, and gives what is left: larger ones, and those that came wrong."""
    left = {each.digest: (each, place) for each, place in wanted}
    some = [(each, place) for each, place in wanted if each.role is Role.BLOB and each.size < _TOGETHER]
    some.sort(key=lambda pair: (pair[1].pack, pair[1].record.offset))
    waiting = 0
    for batch in _batches(some):
        recipes = read_recipes(remote, [place for _, place in batch])
        sizes = {each.digest: each.size for each, _ in batch}
        right = {digest: recipe for digest, recipe in recipes.items() if recipe.total == sizes[digest]}
        taken: dict[bytes, Recipe] = {}
        with suppress(DamagedData, MissingData):
            for digest, data in assemble_many(
                remote, right.items(), lambda some: remote.recipes.find(some, cache.loose_path)
            ):
                writer.put(Role.BLOB, digest, data)
                shown.advance(len(data))
                taken[digest] = right[digest]
                del left[digest]
                waiting = _flushed(writer, waiting + len(data))
        remote.recipes.keep(taken)
    return list(left.values())


def _batches(wanted: Iterable[tuple[Wanted, Found]]) -> Iterator[list[tuple[Wanted, Found]]]:
    batch: list[tuple[Wanted, Found]] = []
    size = 0
    for each, place in wanted:
        batch.append((each, place))
        size += each.size
        if size >= _BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _take_large(
    each: Wanted,
    place: Found,
    cache: LocalStore,
    remote: Remote,
    writer: LocalWriter,
    shown: Task,
    partial: Path | None,
    copies: Copies | None,
) -> None:
    recipe = remote.recipe(place)
    if each.role is not Role.BLOB:
        writer.put(each.role, each.digest, remote.read(each.digest))
        return
    if recipe.total != each.size:
        raise remote.arrived_damaged(
            f"the recipe of {each.path} on {remote.label} makes {recipe.total} bytes, not {each.size}"
        )
    finished = writer.scratch / each.digest.hex()
    path, fd = _working_file(each.digest, writer.scratch, partial)
    copy = copies.place(each) if copies is not None else None
    try:
        copied = assemble(
            remote, each.digest, recipe, path, lambda some: remote.recipes.find(some, cache.loose_path), shown, copy
        )
        path.rename(finished)
    finally:
        os.close(fd)
    if copies is not None and copied:
        copies.keep(each.digest)
    writer.adopt_file(Role.BLOB, each.digest, finished)
    remote.recipes.keep({each.digest: recipe})


def _working_file(digest: bytes, scratch: Path, partial: Path | None) -> tuple[Path, int]:
    """Opens the file in which an object is put together: what an interrupted fetch left, if nobody works on it."""
    if partial is not None:
        partial.mkdir(parents=True, exist_ok=True)
        path = partial / digest.hex()
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        if _is_ours(fd, path):
            return path, fd
        os.close(fd)  # another fetch is at it, or has just finished it
    path = scratch / f"{digest.hex()}.part"
    return path, os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)


def _is_ours(fd: int, path: Path) -> bool:
    """Takes the lock on a working file, which goes with the process, and tells whether it is still at its place."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(fd), path.stat())
    except (BlockingIOError, FileNotFoundError):
        return False


_FLUSH_EVERY = 256 << 20
_BATCH = 4 << 30
"""Bytes of objects whose recipes are read and held at a time."""
_TOGETHER = 32 << 20
"""Cut objects of fewer bytes are put together in memory, many in one stream of requests."""
