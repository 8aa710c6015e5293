"""Push: what a remote lacks, planned first, then sent from the cache."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from dvcx.base.errors import DamagedData
from dvcx.base.progress import SILENT, Progress, task
from dvcx.formats.table import Role
from dvcx.storage.batching import Batching
from dvcx.storage.object_store import ObjectWriter
from dvcx.storage.reach import Wanted
from dvcx.storage.remote import Remote
from dvcx.storage.source import LocalStore

_BATCH = 4096


@dataclass(frozen=True, slots=True)
class UploadPlan:
    """What a push will do.

    `small` and `large` are the objects to send, large ones to be cut into chunks; `lost` are wanted by the push but
    neither in the cache nor on the remote. `size` (bytes), `reads` and `writes` (requests; listings count as writes,
    as the stores' prices do) are upper bounds: chunks that the remote holds and what compresses make them less.
    """

    small: tuple[Wanted, ...]
    large: tuple[Wanted, ...]
    lost: tuple[Wanted, ...]
    size: int
    reads: int
    writes: int

    @property
    def requests(self) -> int:
        """How many requests are made at most."""
        return self.reads + self.writes

    @property
    def objects(self) -> int:
        """How many objects will be sent."""
        return len(self.small) + len(self.large)


@dataclass(frozen=True, slots=True)
class UploadResult:
    """What a push did: `objects` sent, `size` bytes written in `packs`, and packs that an earlier, killed push left.

    `damaged` are objects whose bytes in the cache are not what their name says; they were not sent.
    """

    objects: int
    size: int
    packs: int
    reused: int
    damaged: tuple[Wanted, ...]


def plan_upload(cache: LocalStore, remote: Remote, wanted: Mapping[bytes, Wanted]) -> UploadPlan:
    """Gives what has to be sent so that `remote` holds all of `wanted`; lists the remote, writes nothing."""
    absent = remote.missing(wanted.keys())
    lost = cache.missing(absent)
    cut_from = remote.chunking().cut_from
    sending = [each for digest, each in wanted.items() if digest in absent and digest not in lost]
    large = tuple(each for each in sending if each.role is Role.BLOB and each.size >= cut_from)
    small = tuple(each for each in sending if each.role is not Role.BLOB or each.size < cut_from)
    size = sum(each.size for each in sending if each.role is Role.BLOB)  # a root's size is that of its files
    reads, writes = _requests(small, large, remote.settings.batching)
    return UploadPlan(small, large, tuple(wanted[digest] for digest in lost), size, reads, writes)


def _requests(small: Sequence[Wanted], large: Sequence[Wanted], batching: Batching) -> tuple[int, int]:
    """Gives how many reads and writes a push makes at most, the listing and the reading of `dvcx.json` included.

    Each pack is looked for and written; a new remote is described, and the description read again.
    """
    if not small and not large:
        return 1, 1
    packs = 2 + sum(each.size for each in small) // batching.pack_size
    packs += sum(1 + each.size // batching.window for each in large)
    commits = 1 + sum(each.size for each in (*small, *large)) // batching.commit_every
    return 2 + packs, 2 + packs + commits


def upload(plan: UploadPlan, cache: LocalStore, remote: Remote, progress: Progress = SILENT) -> UploadResult:
    """Sends what `plan` says, verified on the way, and makes it visible on the remote at the end.

    Raises `RemoteError` when the remote fails; what was sent until then is found again by the next push. Objects that
    are damaged in the cache are left out and told in the result; the caller decides that this is a failure.
    """
    if not plan.objects:
        return UploadResult(0, 0, 0, 0, ())
    damaged: list[Wanted] = []
    with task(progress, f"pushing to {remote.name}", plan.size, "bytes") as shown, remote.writer() as writer:
        if progress is not SILENT:
            writer.advance = shown.advance
        # Content before the trees that name it, though nothing can be seen before the index file is written.
        for role in (Role.BLOB, Role.TREE):
            some = {each.digest: each for each in plan.small if each.role is role}
            damaged += _send_small(some, cache, writer)
        for each in plan.large:
            if not _send_large(each, cache, writer):
                damaged.append(each)
    sent = writer.uploaded
    return UploadResult(plan.objects - len(damaged), sent.size, sent.packs, sent.reused, tuple(damaged))


def _send_small(wanted: Mapping[bytes, Wanted], cache: LocalStore, writer: ObjectWriter) -> list[Wanted]:
    damaged: list[Wanted] = []
    for batch in _batches(wanted):
        done: set[bytes] = set()
        try:
            for digest, data in cache.read_many(batch):
                writer.put(wanted[digest].role, digest, data)
                done.add(digest)
        except DamagedData:
            damaged += _send_one_by_one([wanted[d] for d in batch if d not in done], cache, writer)
    return damaged


def _send_one_by_one(wanted: Sequence[Wanted], cache: LocalStore, writer: ObjectWriter) -> list[Wanted]:
    damaged: list[Wanted] = []
    for each in wanted:
        try:
            writer.put(each.role, each.digest, cache.read(each.digest))
        except DamagedData:
            damaged.append(each)
    return damaged


def _send_large(each: Wanted, cache: LocalStore, writer: ObjectWriter) -> bool:
    path = cache.loose_path(each.digest)
    try:
        if path is None:
            writer.put(each.role, each.digest, cache.read(each.digest))
        else:
            writer.put_file(each.role, each.digest, path)
    except DamagedData:
        return False
    return True


def _batches(digests: Iterable[bytes]) -> Iterator[list[bytes]]:
    rest = iter(digests)
    while batch := list(islice(rest, _BATCH)):
        yield batch
