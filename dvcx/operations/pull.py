"""`dvcx pull`: fetch, then check out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache as once

from dvcx.base.errors import DvcxError
from dvcx.base.links import LinkType, can_clone
from dvcx.base.progress import SILENT, Progress
from dvcx.base.scratch import scratch_folder
from dvcx.operations.checkout import CheckoutOptions, CheckoutResult, checkout_targets
from dvcx.operations.fetch import FetchResult, fetch_meant
from dvcx.operations.own_copies import detach_links
from dvcx.operations.transfer import TransferOptions, meant_by
from dvcx.repo.record import Repo, link_types, note_cache_use, open_cache, scratch_root, workspace_lock
from dvcx.storage.cache import Cache
from dvcx.storage.cache_fsck import set_aside_object
from dvcx.storage.copies import Copies
from dvcx.storage.reach import Wanted


@dataclass(frozen=True, slots=True)
class PullResult:
    """What was fetched and what was checked out; `repaired` counts cached objects that were damaged and replaced."""

    fetched: FetchResult
    checked_out: CheckoutResult | None
    repaired: int

    def problem(self, *, allow_missing: bool = False) -> DvcxError | None:
        """Gives the error of a pull that is not complete, or None."""
        problem = self.fetched.problem(allow_missing=allow_missing)
        if problem is None and self.checked_out is not None:
            problem = self.checked_out.problem(allow_missing=allow_missing)
        return problem


def pull(
    repo: Repo,
    paths: Sequence[str] = (),
    options: TransferOptions | None = None,
    *,
    force: bool = False,
    progress: Progress = SILENT,
) -> PullResult:
    """Fetches the data at `paths` and makes the workspace what the pointers say.

    A cached object that turns out damaged is set aside and fetched again. Raises as `fetch` and `checkout` do.
    """
    options = options or TransferOptions()
    note_cache_use(repo)
    cache = open_cache(repo)
    # Fetched without holding the workspace: that can take long, and others have work to do there.
    meant = meant_by(repo, paths, options, cache)
    if options.dry_run or options.revisions.any:
        return PullResult(fetch_meant(repo, cache, meant, options, progress), None, 0)
    with _copies(repo, cache) as copies:
        fetched = fetch_meant(repo, cache, meant, options, progress, copies)
        return _check_out(repo, cache, paths, options, fetched, copies, force=force, progress=progress)


def _check_out(
    repo: Repo,
    cache: Cache,
    paths: Sequence[str],
    options: TransferOptions,
    fetched: FetchResult,
    copies: Copies | None,
    *,
    force: bool,
    progress: Progress,
) -> PullResult:
    with workspace_lock(repo).exclusive(repo.config.core.lock_timeout):
        meant = meant_by(repo, paths, options, cache)
        how = CheckoutOptions(force=force, max_size=options.max_size)
        done = checkout_targets(repo, meant.targets, how, progress, whole=meant.whole, copies=copies)
        repaired = 0
        if done.damaged:
            repaired = _set_aside(repo, cache, done)
            cache.packs.refresh()
            fetched = fetch_meant(repo, cache, meant, options, progress)
            done = checkout_targets(repo, meant.targets, how, progress, whole=meant.whole)
        cache.close()
        return PullResult(fetched, done, repaired)


@contextmanager
def _copies(repo: Repo, cache: Cache) -> Iterator[Copies | None]:
    """Gives where copies of large files go on their way into the cache; None where the checkout will make links."""
    kinds = link_types(repo)
    if any(kind not in (LinkType.REFLINK, LinkType.COPY) for kind in kinds):
        yield None
        return
    with scratch_folder(scratch_root(repo)) as scratch:

        @once
        def shares() -> bool:  # asked when a large object comes: most pulls have none
            return LinkType.REFLINK in kinds and can_clone(cache.root, scratch)

        yield Copies(scratch, lambda each: not _may_be_there(repo, each) and not shares())


def _may_be_there(repo: Repo, each: Wanted) -> bool:
    """Tells by the size alone whether the workspace may have the content already; a wrong guess only costs time."""
    try:
        return (repo.root / each.path).lstat().st_size == each.size
    except OSError:
        return False


def _set_aside(repo: Repo, cache: Cache, done: CheckoutResult) -> int:
    digests = set(done.damaged_digests)
    # What someone wrote through a symbolic link is nowhere else: the checkout that follows takes it to the trash.
    detach_links(repo, cache, digests)
    for digest in digests:
        set_aside_object(cache, digest)
    return len(digests)
