"""Before commits are published: whether their data is on the remote, and pushing what is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dvcx.base.errors import DvcxError, Refused, UsageError, shown
from dvcx.base.progress import SILENT, Progress
from dvcx.base.text import counted, size_text
from dvcx.git.files import project_folders
from dvcx.git.history import pointer_blobs_between
from dvcx.manifest.files import EachOnce, pointers_in, read_texts
from dvcx.operations.remotes import open_remote
from dvcx.operations.revision import git_of
from dvcx.operations.selection import wanted_of
from dvcx.operations.targets import outermost
from dvcx.repo.record import Repo, open_cache
from dvcx.storage.reach import Wanted, reachable
from dvcx.storage.upload import plan_upload, upload


@dataclass(frozen=True, slots=True)
class Unpublished:
    """What the remote `remote` lacks of commits: objects to send and their bytes; `paths` they belong to.

    `lost` are paths whose data is neither there nor in the cache.
    """

    remote: str
    objects: int
    size: int
    paths: tuple[str, ...]
    lost: tuple[str, ...]

    def problem(self) -> DvcxError | None:
        """Gives the error that the commits' data is not all on the remote, or None."""
        if self.lost:
            return Refused(
                f"the data of commits about to be published is neither on {self.remote} nor here: {shown(self.lost)}",
                "run `dvcx push` where that data is; `git push --no-verify` publishes the commits without it",
                self.lost,
            )
        if not self.objects:
            return None
        return Refused(
            f"the data of commits about to be published is not on {self.remote}: {shown(self.paths)} "
            f"({counted(self.objects, 'object')}, {size_text(self.size)})",
            "run `dvcx push --all-commits`, then `git push` again; `dvcx config git.push always` does it by itself, "
            "`git push --no-verify` publishes the commits without it",
            self.paths,
        )


def publish(
    repo: Repo, new: Sequence[str], known: Sequence[str], *, send: bool = False, progress: Progress = SILENT
) -> Unpublished | None:
    """Compares the data of the commits that `new` reach and `known` (both ids) do not with the default remote.

    With `send` the remote is made to hold it first; then what it still lacks comes back. None when the commits bring no
    pointers. Raises `Refused` when there is no remote to hold the data, and `RemoteError`.
    """
    roots = _roots(repo, new, known)
    if not roots:
        return None
    try:
        remote = open_remote(repo)
    except UsageError as error:
        raise Refused(
            f"the data of commits about to be published has nowhere to go: {error.message}",
            f"{error.hint}; `git push --no-verify` publishes the commits without their data",
        ) from error
    cache = open_cache(repo)
    try:
        with cache.lock.shared(repo.config.core.lock_timeout):
            reached = reachable(cache, roots, fallback=remote)
            plan = plan_upload(cache, remote, reached.wanted)
            if send and plan.objects:
                damaged = upload(plan, cache, remote, progress).damaged
                lost = (*plan.lost, *damaged)
                plan = plan_upload(cache, remote, {})
            else:
                lost = plan.lost
    finally:
        cache.close()
    return Unpublished(
        remote.name,
        plan.objects,
        plan.size,
        tuple(outermost(sorted({each.path for each in (*plan.small, *plan.large)}))),
        tuple(sorted({each.path for each in (*lost, *reached.unread)})),
    )


def _roots(repo: Repo, new: Sequence[str], known: Sequence[str]) -> list[Wanted]:
    """Gives the data of every version of a pointer or lock that the commits bring; what is neither is left out."""
    git = git_of(repo, "publish")
    prefix = f"{repo.prefix}/" if repo.prefix else ""
    others = tuple(f"{each}/" for each in project_folders(git) if each.startswith(prefix) and each != repo.prefix)
    path_by_blob: dict[str, str] = {}
    for blob in pointer_blobs_between(git, new, known):
        if blob.path.startswith(prefix) and not blob.path.startswith(others):
            path_by_blob.setdefault(blob.oid, blob.path[len(prefix) :])
    found: dict[bytes, Wanted] = {}
    once = EachOnce()
    for oid, text in read_texts(git, path_by_blob):
        try:
            pointers = pointers_in(once.new_in(text, path_by_blob[oid]), path_by_blob[oid])
        except DvcxError:
            continue  # `dvcx verify` tells of it
        for path, pointer in pointers.items():
            if pointer.push:
                found.setdefault(pointer.id.digest, wanted_of(pointer, path))
    return list(found.values())
