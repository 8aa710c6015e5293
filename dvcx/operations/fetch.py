"""`dvcx fetch`: take what the cache lacks from a remote."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from dvcx.base.errors import ArrivedDamaged, DamagedData, DvcxError, MissingData, shown
from dvcx.base.progress import SILENT, Progress
from dvcx.base.text import counted
from dvcx.operations.listings import far_loader
from dvcx.operations.prices import Cost, cost_of
from dvcx.operations.remotes import open_remote, remote_config
from dvcx.operations.run_sharing import fetch_runs
from dvcx.operations.targets import check_inside
from dvcx.operations.transfer import Meant, TransferOptions, meant_by
from dvcx.repo.record import Repo, note_cache_use, open_cache, tree_loader
from dvcx.storage.arrival import how_to_tell
from dvcx.storage.cache import Cache
from dvcx.storage.cache_quarantine import set_aside_object
from dvcx.storage.copies import Copies
from dvcx.storage.download import DownloadResult, download, plan_download
from dvcx.storage.reach import Reached, reachable
from dvcx.storage.remote import Remote


@dataclass(frozen=True, slots=True)
class FetchResult:
    """What a fetch did or, with `dry_run`, would do at most: objects, bytes of content, requests, and what that costs.

    `missing` are paths whose data is neither in the cache nor on the remote; `damaged` those of which no
    good copy came. `runs` counts runs of stages.
    """

    remote: str
    objects: int
    size: int
    requests: int
    missing: tuple[str, ...]
    damaged: tuple[str, ...]
    dry_run: bool
    cost: Cost | None = None
    runs: int = 0

    def problem(self, *, allow_missing: bool = False) -> DvcxError | None:
        """Gives the error of a fetch that is not complete, or None."""
        if self.damaged:
            return ArrivedDamaged(
                f"{counted(len(self.damaged), 'file')} came damaged from {self.remote}, also when asked for again, "
                f"and {'was' if len(self.damaged) == 1 else 'were'} not taken: {shown(self.damaged)}",
                how_to_tell(self.remote),
            )
        if self.missing and not allow_missing:
            return MissingData(
                f"the data of {counted(len(self.missing), 'path')} is neither in the cache nor on {self.remote}: "
                f"{shown(self.missing)}",
                "run `dvcx push` where they were added",
                self.missing,
            )
        return None


def fetch(
    repo: Repo, paths: Sequence[str] = (), options: TransferOptions | None = None, progress: Progress = SILENT
) -> FetchResult:
    """Makes the cache hold all data at `paths` (all tracked data when there are none); the workspace stays as it is.

    Nothing is written on the remote. Raises `RemoteError` when the remote fails, and `UsageError` for paths that mean
    nothing.
    """
    options = options or TransferOptions()
    note_cache_use(repo)
    cache = open_cache(repo)
    meant = meant_by(repo, paths, options, cache)
    result = fetch_meant(repo, cache, meant, options, progress)
    cache.close()
    return result


def fetch_meant(
    repo: Repo,
    cache: Cache,
    meant: Meant,
    options: TransferOptions,
    progress: Progress = SILENT,
    copies: Copies | None = None,
) -> FetchResult:
    """Does what `fetch` does for what was found already; `copies`: see `download`."""
    remote = open_remote(repo, options.remote, jobs=options.jobs, rate=options.rate)
    reached = _reached(cache, remote, meant)
    remote.require_whole_index(len(reached.unread))
    plan = plan_download(cache, remote, reached.wanted, reached.trees)
    taken = DownloadResult(0, 0, ())
    if not options.dry_run:
        taken = download(plan, cache, remote, progress, partial=cache.root / "partial", copies=copies)
    runs = fetch_runs(repo, cache, remote, progress) if options.run_cache and not options.dry_run else 0
    inner = [target for target in meant.targets if target.inner]
    check_inside(inner, far_loader(cache, remote, inner) if options.dry_run and inner else tree_loader(cache))
    lost = sorted({each.path for each in (*plan.lost, *reached.unread)})
    return FetchResult(
        remote=remote.name,
        objects=plan.objects if options.dry_run else taken.objects,
        size=plan.size if options.dry_run else taken.size,
        requests=plan.requests,
        missing=tuple(lost),
        damaged=tuple(sorted(each.path for each in taken.damaged)),
        dry_run=options.dry_run,
        runs=runs,
        cost=cost_of(remote_config(repo, remote.name), writes=1, reads=plan.requests - 1, size_out=plan.size)
        if options.dry_run
        else None,
    )


def _reached(cache: Cache, remote: Remote, meant: Meant) -> Reached:
    """Gives what is meant; trees that are damaged in the cache are set aside and read from the remote."""
    trees = _MendedTrees(cache)
    while True:
        reached = reachable(trees, meant.roots, fallback=remote, selection=meant.selection)
        if not trees.has_set_aside:
            return reached
        trees.has_set_aside = False


class _MendedTrees:
    """The trees of a cache. Damaged ones are set aside; what was asked for has to be asked for again then."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self.has_set_aside = False

    def missing(self, digests: Iterable[bytes]) -> set[bytes]:
        """See `TreeSource`."""
        return self._cache.missing(digests)

    def read_many(self, digests: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
        """See `TreeSource`."""
        left = set(digests)
        try:
            for digest, data in self._cache.read_many(left):
                left.discard(digest)
                yield digest, data
        except DamagedData:
            for digest in left:
                try:
                    yield digest, self._cache.read(digest)
                except DamagedData:
                    if not set_aside_object(self._cache, digest):
                        raise
                    self.has_set_aside = True
