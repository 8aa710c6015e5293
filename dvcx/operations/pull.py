"""`dvcx pull`: fetch, then check out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dvcx.base.errors import DvcxError
from dvcx.base.progress import SILENT, Progress
from dvcx.operations.checkout import CheckoutOptions, CheckoutResult, checkout_targets
from dvcx.operations.fetch import FetchResult, fetch_meant
from dvcx.operations.own_copies import detach_links
from dvcx.operations.transfer import TransferOptions, meant_by
from dvcx.repo.record import Repo, note_cache_use, open_cache, workspace_lock
from dvcx.storage.cache import Cache
from dvcx.storage.cache_fsck import set_aside_object


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
    fetched = fetch_meant(repo, cache, meant_by(repo, paths, options, cache), options, progress)
    if options.dry_run or options.revisions.any:
        return PullResult(fetched, None, 0)
    with workspace_lock(repo).exclusive(repo.config.core.lock_timeout):
        meant = meant_by(repo, paths, options, cache)
        how = CheckoutOptions(force=force, max_size=options.max_size)
        done = checkout_targets(repo, meant.targets, how, progress, whole=meant.whole)
        repaired = 0
        if done.damaged:
            repaired = _set_aside(repo, cache, done)
            cache.packs.refresh()
            fetched = fetch_meant(repo, cache, meant, options, progress)
            done = checkout_targets(repo, meant.targets, how, progress, whole=meant.whole)
        cache.close()
        return PullResult(fetched, done, repaired)


def _set_aside(repo: Repo, cache: Cache, done: CheckoutResult) -> int:
    digests = set(done.damaged_digests)
    # What someone wrote through a symbolic link is nowhere else: the checkout that follows takes it to the trash.
    detach_links(repo, cache, digests)
    for digest in digests:
        set_aside_object(cache, digest)
    return len(digests)
