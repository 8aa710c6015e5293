"""`dvcx fetch`: take what the cache lacks from a remote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dvcx.base.errors import DamagedData, DvcxError, MissingData, shown
from dvcx.base.progress import SILENT, Progress
from dvcx.operations.remotes import open_remote
from dvcx.operations.transfer import Meant, TransferOptions, meant_by
from dvcx.repo.record import Repo, note_cache_use, open_cache, tree_loader
from dvcx.storage.cache import Cache
from dvcx.storage.download import DownloadResult, download, plan_download
from dvcx.storage.reach import reachable


@dataclass(frozen=True, slots=True)
class FetchResult:
    """What a fetch did or, with `dry_run`, would do at most: objects, bytes of content, requests.

    `missing` are paths whose data is neither in the cache nor on the remote; `damaged` those of which the remote has
    no good copy.
    """

    remote: str
    objects: int
    size: int
    requests: int
    missing: tuple[str, ...]
    damaged: tuple[str, ...]
    dry_run: bool

    def problem(self, *, allow_missing: bool = False) -> DvcxError | None:
        """Gives the error of a fetch that is not complete, or None."""
        if self.damaged:
            return DamagedData(
                f"{len(self.damaged)} files are damaged on {self.remote} and were not taken: {shown(self.damaged)}",
                f"run `dvcx fsck --remote {self.remote} --repair` where good copies are",
            )
        if self.missing and not allow_missing:
            return MissingData(
                f"the data of {len(self.missing)} files is neither in the cache nor on {self.remote}: "
                f"{shown(self.missing)}",
                "run `dvcx push` where they were added",
                self.missing,
            )
        return None


def fetch(
    repo: Repo, paths: Sequence[str] = (), options: TransferOptions | None = None, progress: Progress = SILENT
) -> FetchResult:
    """Makes the cache hold all data at `paths` (all tracked data when there are none); the workspace stays as it is.

    Nothing is written on the remote. Raises `RemoteError` when the remote fails.
    """
    options = options or TransferOptions()
    note_cache_use(repo)
    cache = open_cache(repo)
    meant = meant_by(repo, paths, options, tree_loader(cache))
    result = fetch_meant(repo, cache, meant, options, progress)
    cache.close()
    return result


def fetch_meant(
    repo: Repo, cache: Cache, meant: Meant, options: TransferOptions, progress: Progress = SILENT
) -> FetchResult:
    """Does what `fetch` does for what was found already."""
    remote = open_remote(repo, options.remote, jobs=options.jobs)
    reached = reachable(cache, meant.roots, fallback=remote, selection=meant.selection)
    plan = plan_download(cache, remote, reached.wanted, reached.trees)
    taken = DownloadResult(0, 0, ())
    if not options.dry_run:
        taken = download(plan, cache, remote, progress, partial=cache.root / "partial")
    lost = sorted({each.path for each in (*plan.lost, *reached.unread)})
    return FetchResult(
        remote=remote.name,
        objects=plan.objects if options.dry_run else taken.objects,
        size=plan.size if options.dry_run else taken.size,
        requests=plan.requests,
        missing=tuple(lost),
        damaged=tuple(sorted(each.path for each in taken.damaged)),
        dry_run=options.dry_run,
    )
