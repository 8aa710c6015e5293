"""`dvcx push`: send what a remote lacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dvcx.base.errors import DamagedData, DvcxError, MissingData, RemoteError, shown
from dvcx.base.progress import SILENT, Progress
from dvcx.base.text import counted
from dvcx.operations.prices import Cost, cost_of
from dvcx.operations.remotes import open_remote, remote_config
from dvcx.operations.run_sharing import push_runs
from dvcx.operations.targets import check_inside
from dvcx.operations.transfer import TransferOptions, meant_by
from dvcx.repo.record import Repo, open_cache, tree_loader
from dvcx.storage.reach import reachable
from dvcx.storage.upload import UploadResult, plan_upload, upload


@dataclass(frozen=True, slots=True)
class PushResult:
    """What a push did or, with `dry_run`, would do at most: objects, bytes, requests, and what that costs about.

    `missing` are the paths whose data is neither in the cache nor on the remote; `damaged` those whose cached copy is
    not what its name says, which was not sent. `nothing`: no data is tracked that could be sent. `runs` counts runs of
    stages.
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
    cost: Cost | None = None
    runs: int = 0

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


@dataclass(frozen=True, slots=True)
class FailedPush:
    """A remote that failed, why, and what to do."""

    remote: str
    reason: str
    hint: str | None


@dataclass(frozen=True, slots=True)
class PushesResult:
    """What pushes to several remotes did, one after the other."""

    pushes: tuple[PushResult, ...]
    failed: tuple[FailedPush, ...]

    def problem(self) -> DvcxError | None:
        """Gives the error of remotes that failed, else that of a push that is not complete, or None."""
        if self.failed:
            names = " and ".join(each.remote for each in self.failed)
            done = " and ".join(each.remote for each in self.pushes if each.problem() is None)
            told = f"; all is on {done}" if done else ""
            return RemoteError(f"the push to {names} failed: {self.failed[0].reason}{told}", self.failed[0].hint)
        return next((problem for each in self.pushes if (problem := each.problem()) is not None), None)


def push_to_several(
    repo: Repo,
    names: Sequence[str],
    paths: Sequence[str] = (),
    options: TransferOptions | None = None,
    progress: Progress = SILENT,
) -> PushesResult:
    """Makes each of the remotes called `names` hold all data at `paths`; one that fails does not keep the others back.

    Raises `UsageError` as `push` does.
    """
    done: list[PushResult] = []
    failed: list[FailedPush] = []
    for name in names:
        try:
            done.append(push(repo, paths, replace(options or TransferOptions(), remote=name), progress))
        except RemoteError as error:
            failed.append(FailedPush(name, error.message, error.hint))
    return PushesResult(tuple(done), tuple(failed))


def push(
    repo: Repo, paths: Sequence[str] = (), options: TransferOptions | None = None, progress: Progress = SILENT
) -> PushResult:
    """Makes the remote hold all data at `paths` (all tracked data when there are none).

    The result's `problem` tells whether all of it is there now. Raises `RemoteError` when the remote fails, and
    `UsageError` for paths that mean nothing.
    """
    options = options or TransferOptions()
    cache = open_cache(repo)
    remote = open_remote(repo, options.remote, jobs=options.jobs, rate=options.rate)
    meant = meant_by(repo, paths, options, cache)
    check_inside(meant.targets, tree_loader(cache))
    # A collection must not take away what is being sent, so the cache is held while it is read.
    with cache.lock.shared(repo.config.core.lock_timeout):
        reached = reachable(cache, meant.roots, fallback=remote, selection=meant.selection)
        plan = plan_upload(cache, remote, reached.wanted)
        sent = UploadResult(0, 0, 0, 0, ()) if options.dry_run else upload(plan, cache, remote, progress)
        runs = push_runs(repo, cache, remote, progress) if options.run_cache and not options.dry_run else 0
    cache.close()
    lost = sorted({each.path for each in (*plan.lost, *reached.unread)})
    remote.require_whole_index(len(lost))
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
        runs=runs,
        cost=cost_of(remote_config(repo, remote.name), writes=plan.writes, reads=plan.reads, size_in=plan.size)
        if options.dry_run
        else None,
    )
