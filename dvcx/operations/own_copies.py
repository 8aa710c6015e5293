"""Files of the workspace that are links into the cache, made into own copies."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from dvcx.base.files import sync_filesystem
from dvcx.base.links import LinkType
from dvcx.base.paths import open_folder
from dvcx.base.progress import SILENT, Progress, task
from dvcx.base.scratch import scratch_folder
from dvcx.manifest.manifest import workspace_manifest
from dvcx.manifest.trees import LoadTree
from dvcx.model.tree import TreeEntry, file_entry
from dvcx.repo.record import Repo, scratch_root, tree_loader
from dvcx.storage.cache import Cache
from dvcx.workspace.apply import Tools, apply_checkout, no_keeper
from dvcx.workspace.plan import Action, ActionKind, CheckoutPlan
from dvcx.workspace.state import State


@dataclass(slots=True)
class OwnCopies:
    """What became of links: the paths `done`, and those that stay because the object is damaged or missing.

    `size` is in bytes of what was copied. `damaged_digests` are the objects of the damaged paths.
    """

    done: list[str] = field(default_factory=list)
    size: int = 0
    damaged: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    damaged_digests: list[bytes] = field(default_factory=list)


def make_own_copies(
    repo: Repo, cache: Cache, state: State, paths: Iterable[str], progress: Progress = SILENT
) -> OwnCopies:
    """Replaces every hard or symbolic link into the cache at and below `paths` by a verified copy.

    A link whose object is not what its name says stays: it may hold an edit that is nowhere else. All copies are
    durable before the first link goes. Raises `OSError` such as a full disk, having changed nothing.
    """
    links = dict(links_into_cache(repo, cache, paths))
    result = OwnCopies()
    absent = cache.missing({entry.digest for entry in links.values()})
    result.missing = sorted(path for path, entry in links.items() if entry.digest in absent)
    wanted = {path: entry for path, entry in links.items() if entry.digest not in absent}
    if not wanted:
        return result
    plan = CheckoutPlan([Action(ActionKind.RELINK, path, entry, entry) for path, entry in sorted(wanted.items())])
    load: LoadTree = tree_loader(cache)
    with (
        scratch_folder(scratch_root(repo)) as scratch,
        no_keeper() as keeper,
        task(progress, "copying", len(wanted), "files") as running,
    ):
        tools = Tools(repo.root, cache, state, (LinkType.COPY,), scratch, repo.durable, load, running.advance)
        applied = apply_checkout(plan, tools, keeper)
    result.damaged = sorted(path for path, _ in applied.damaged)
    result.damaged_digests = [digest for _, digest in applied.damaged]
    result.done = [action.path for action in applied.done]
    result.size = sum(wanted[path].size for path in result.done)
    return result


def detach_links(repo: Repo, cache: Cache, digests: Collection[bytes]) -> list[str]:
    """Makes symbolic links of tracked data to the objects `digests` files with what the objects hold, whatever it is.

    For objects that are damaged, perhaps because someone edited them through such a link: the edit is nowhere else.
    Gives the paths.
    """
    done: list[str] = []
    if not digests:
        return done
    outputs = workspace_manifest(repo.root, repo.git).pointers
    links = [(path, e) for path, e in links_into_cache(repo, cache, outputs) if e.digest in digests]
    for path, entry in links:
        place, source = repo.root / path, cache.loose.path_of(entry.digest)
        if not place.is_symlink() or not source.is_file():
            continue
        with scratch_folder(scratch_root(repo)) as scratch:
            copy = scratch / "copy"
            shutil.copyfile(source, copy)
            if repo.durable:
                sync_filesystem(scratch)
            root = os.open(repo.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                folder = open_folder(root, path.split("/")[:-1])
                try:
                    os.rename(copy, place.name, dst_dir_fd=folder)
                finally:
                    os.close(folder)
            finally:
                os.close(root)
        done.append(path)
    return done


def links_into_cache(repo: Repo, cache: Cache, paths: Iterable[str]) -> Iterator[tuple[str, TreeEntry]]:
    """Gives the path of each file at and below `paths` that is a link to a cached object, with that object's entry."""
    prefix = str(cache.loose.root) + os.sep
    digest_by_inode: dict[tuple[int, int], bytes] | None = None
    for path, status in _files(repo, paths):
        name = path.rsplit("/", 1)[-1]
        executable = bool(status.st_mode & 0o100)
        if stat.S_ISLNK(status.st_mode):
            digest = linked_digest(cache, prefix, os.readlink(repo.root / path))
            if digest is not None:
                yield path, file_entry(name, digest, _size_in_cache(cache, digest))
        elif stat.S_ISREG(status.st_mode) and status.st_nlink > 1:
            if digest_by_inode is None:
                # Only now, because most projects have no such file: which object is the other name of this one?
                digest_by_inode = {(s.st_dev, s.st_ino): digest for digest, s in cache.loose.files()}
            digest = digest_by_inode.get((status.st_dev, status.st_ino))
            if digest is not None:
                yield path, file_entry(name, digest, status.st_size, executable=executable)


def linked_digest(cache: Cache, prefix: str, target: str) -> bytes | None:
    """Gives the digest of the object that a symbolic link with the text `target` leads to, or None for other links.

    `prefix` is the folder of loose objects with a slash.
    """
    if not target.startswith(prefix):
        return None
    return cache.loose.digest_from(target[len(prefix) :].replace(os.sep, ""))


def _size_in_cache(cache: Cache, digest: bytes) -> int:
    try:
        return cache.loose.path_of(digest).lstat().st_size
    except FileNotFoundError:
        return 0


def _files(repo: Repo, paths: Iterable[str]) -> Iterator[tuple[str, os.stat_result]]:
    waiting = list(paths)
    while waiting:
        path = waiting.pop()
        try:
            status = os.lstat(repo.root / path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        if not stat.S_ISDIR(status.st_mode):
            yield path, status
            continue
        with os.scandir(repo.root / path) as listing:
            for entry in listing:
                inner = f"{path}/{entry.name}" if path else entry.name
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(inner)
                else:
                    yield inner, entry.stat(follow_symlinks=False)
