"""Which objects a transfer means: of the workspace's pointers, of revisions, of parts of folders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dvcx.base.errors import DvcxError, UsageError
from dvcx.formats.lock_text import MAX_BYTES as MAX_LOCK_BYTES
from dvcx.formats.table import Role
from dvcx.git.history import pointer_blobs_of_history
from dvcx.git.objects import ObjectReader
from dvcx.git.revisions import resolve
from dvcx.git.roots import all_roots
from dvcx.manifest.files import EachOnce, pointers_in, read_texts
from dvcx.manifest.manifest import Manifest, commit_manifest
from dvcx.model.pointer import Pointer, pointer_path
from dvcx.model.stage import LOCK_FILE
from dvcx.repo.record import Repo
from dvcx.storage.reach import Wanted


@dataclass(frozen=True, slots=True)
class Revisions:
    """Which revisions are meant beside, or instead of, the workspace."""

    branches: bool = False
    tags: bool = False
    commits: bool = False
    names: tuple[str, ...] = ()

    @property
    def any(self) -> bool:
        """Tells whether any revision is meant."""
        return self.branches or self.tags or self.commits or bool(self.names)


def wanted_of(pointer: Pointer, path: str) -> Wanted:
    """Gives the object that a pointer stands for."""
    role = Role.TREE if pointer.is_folder else Role.BLOB
    return Wanted(pointer.id.digest, role, pointer.size, path)


def manifests_of(repo: Repo, revisions: Revisions) -> Iterator[Manifest]:
    """Gives the manifest of each revision that is meant; raises `UsageError` without Git."""
    if repo.git is None:
        raise UsageError(
            "this project has no Git repository, so it has no revisions", "leave the revision options away"
        )
    seen: set[str] = set()
    for label, commit in _commits(repo, revisions):
        if commit not in seen:
            seen.add(commit)
            yield commit_manifest(repo.git, commit, repo.prefix, label)


def _commits(repo: Repo, revisions: Revisions) -> Iterator[tuple[str, str]]:
    assert repo.git is not None
    for name in revisions.names:
        yield name, resolve(repo.git, name)
    if revisions.branches or revisions.tags or revisions.commits:
        for root in all_roots(repo.git):
            if (revisions.branches and root.name.startswith(("refs/heads/", "refs/remotes/"))) or (
                revisions.tags and root.name.startswith("refs/tags/")
            ):
                yield root.name, root.commit


def history_pointers(repo: Repo) -> Iterator[tuple[str, bytes]]:
    """Gives path and text of every pointer and lock file in any commit here; raises as `all_roots` does.

    What a lock has word for word as one that was given before is left out of it.
    """
    assert repo.git is not None
    prefix = f"{repo.prefix}/" if repo.prefix else ""
    path_by_blob: dict[str, str] = {}
    for blob in pointer_blobs_of_history(repo.git, all_roots(repo.git)):
        if blob.path.startswith(prefix):
            path_by_blob.setdefault(blob.oid, blob.path[len(prefix) :])
    once = EachOnce()
    for oid, text in read_texts(repo.git, path_by_blob):
        yield path_by_blob[oid], once.new_in(text, path_by_blob[oid])


def below_any(path: str, prefixes: Iterable[str]) -> bool:
    """Tells whether `path` is one of `prefixes` or lies below one, or one of them lies below it."""
    return any(path == p or path.startswith(p + "/") or p.startswith(path + "/") for p in prefixes)


def is_in_a_tip(repo: Repo, path: str, digest: bytes) -> bool:
    """Tells whether `path` is tracked as `digest` in a commit that a branch, tag, stash or worktree is at.

    Its pointer is looked at, and the `dvcx.lock` of every folder above it.
    """
    if repo.git is None:
        return False
    commits = {root.commit for root in all_roots(repo.git)}
    prefix = f"{repo.prefix}/" if repo.prefix else ""
    with ObjectReader(repo.git, MAX_LOCK_BYTES) as reader:
        for commit in commits:
            for file in (pointer_path(path), *_locks_above(path)):
                text = reader.read(f"{commit}:{prefix}{file}")
                try:
                    pointer = pointers_in(text, file).get(path) if text is not None else None
                except DvcxError:
                    continue
                if pointer is not None and pointer.id.digest == digest:
                    return True
    return False


def _locks_above(path: str) -> Iterator[str]:
    while path:
        path = path.rpartition("/")[0]
        yield f"{path}/{LOCK_FILE}" if path else LOCK_FILE
