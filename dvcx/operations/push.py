"""`dvcx push`: send what a remote lacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dvcx.base.errors import DamagedData, DvcxError, MissingData, shown
from dvcx.base.progress import SILENT, Progress
from dvcx.base.text import counted
from dvcx.operations.remotes import open_remote
from dvcx.operations.targets import check_inside
from dvcx.operations.transfer import TransferOptions, meant_by
from dvcx.repo.record import Repo, open_cache, tree_loader
from dvcx.storage.reach import reachable
from dvcx.storage.upload import UploadResult, plan_upload, upload


@dataclass(frozen=True, slots=True)
class PushResult:
    """What a push did or, with `dry_run`, would do at most: objects, bytes, requests.

    `missing` are the paths whose data is neither in the cache nor on the remote; `damaged` those whose cached copy is
    not what its name says, which was not sent. `nothing`: no data is tracked that could be sent.
    """

    remote: str
    objects: int
    size: int
    requests: int
    packs: int
    missing: tuple[str, ...]
    damaged: tuple[str, ...]
    dry_run: bool
    nothing: bool = False

    def problem(self) -> DvcxError | None:
        """Gives the error of a push that is not complete, or None."""
        if self.damaged:
            return DamagedData(
                f"{counted(len(self.damaged), 'file is', 'files are')} damaged in the cache and not pushed: "
                f"{shown(self.damaged)}",
                "run `dvcx fsck --repair`, or add the files again where good copies are",
            )
        if self.missing:
            return MissingData(
                f"the data of {counted(len(self.missing), 'path')} is neither in the cache nor on {self.remote}: "
                f"{shown(self.missing)}",
                "run `dvcx push` where they were added, or `dvcx add` (or `dvcx commit`) them here",
                self.missing,
            )
        return None


def push(
    repo: Repo, paths: Sequence[str] = (), options: TransferOptions | None = None, progress: Progress = SILENT
) -> PushResult:
    """Makes the remote hold all data at `paths` (all tracked data when there are none).

    The result's `problem` tells whether all of it is there now. Raises `RemoteError` when the remote fails, and
    `UsageError` for paths that mean nothing.
    """
    options = options or TransferOptions()
    cache = open_cache(repo)
    remote = open_remote(repo, options.remote, jobs=options.jobs)
    meant = meant_by(repo, paths, options, cache)
    check_inside(meant.targets, tree_loader(cache))
    # A collection must not take away what is being sent, so the cache is held while it is read.
    with cache.lock.shared(repo.config.core.lock_timeout):
        reached = reachable(cache, meant.roots, fallback=remote, selection=meant.selection)
        plan = plan_upload(cache, remote, reached.wanted)
        sent = UploadResult(0, 0, 0, 0, ()) if options.dry_run else upload(plan, cache, remote, progress)
    cache.close()
    lost = sorted({each.path for each in (*plan.lost, *reached.unread)})
    return PushResult(
        remote=remote.name,
        objects=plan.objects if options.dry_run else sent.objects,
        size=plan.size if options.dry_run else sent.size,
        requests=plan.requests,
        packs=sent.packs,
        missing=tuple(lost),
        damaged=tuple(sorted(each.path for each in sent.damaged)),
        dry_run=options.dry_run,
        nothing=not meant.roots,
    )
