"""Making large files of the workspace links into the cache, or own copies again."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from dvcx.base.copying import hash_and_copy
from dvcx.base.hashing import threaded_hasher
from dvcx.base.links import LinkType, try_link
from dvcx.base.paths import open_folder
from dvcx.base.scratch import scratch_folder
from dvcx.manifest.trees import LoadTree, files_below
from dvcx.model.tree import EntryKind, TreeEntry
from dvcx.repo.record import Repo, link_types, scratch_root
from dvcx.storage.cache import Cache
from dvcx.workspace.state import State, seen


def relink(repo: Repo, cache: Cache, state: State, entries: Mapping[str, TreeEntry], load: LoadTree) -> list[str]:
    """Replaces files whose content the cache has as a file of its own by links of the preferred type.

    Only for `hardlink` and `symlink`: with `reflink` and `copy` a file of its own is what it should be. Files that are
    not what `entries` say, and executables (which a link cannot be), stay as they are. Gives the paths changed.
    """
    wanted = _preferred(repo)
    if wanted is None:
        return []
    done: list[str] = []
    with scratch_folder(scratch_root(repo)) as scratch:
        root = os.open(repo.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        work = os.open(scratch, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for top, entry in entries.items():
                for path, file in files_below(entry, top, load):
                    if file.kind == EntryKind.FILE and _relink_one(
                        repo, cache, state, path, file, wanted, (root, work)
                    ):
                        done.append(path)
        finally:
            os.close(root)
            os.close(work)
    return done


def _preferred(repo: Repo) -> Sequence[LinkType] | None:
    kinds = link_types(repo)
    linking = [kind for kind in kinds if kind in (LinkType.HARDLINK, LinkType.SYMLINK)]
    if not linking or kinds[0] is LinkType.COPY:
        return None
    if kinds[0] is LinkType.REFLINK and LinkType.COPY in kinds and kinds.index(LinkType.COPY) < kinds.index(linking[0]):
        return None
    return linking


def _relink_one(
    repo: Repo,
    cache: Cache,
    state: State,
    path: str,
    entry: TreeEntry,
    kinds: Sequence[LinkType],
    folders: tuple[int, int],
) -> bool:
    source = cache.loose.text_path_of(entry.digest)
    absolute = repo.root / path
    try:
        status = os.lstat(absolute)
        if os.path.samefile(absolute, source):
            return False
    except OSError:
        return False  # not in the cache as a file, or not in the workspace
    parent, _, name = path.rpartition("/")
    row = state.folder(parent).get(name)
    if row is None or row.digest != entry.digest or not row.fits(status):
        fd = os.open(absolute, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            hasher = threaded_hasher(cache.algorithm, status.st_size)
            hash_and_copy(fd, hasher, None, status.st_size)
        finally:
            os.close(fd)
        if hasher.digest() != entry.digest:
            return False
    root, work = folders
    for kind in kinds:
        if try_link(kind, source, "link", work):
            folder = open_folder(root, parent.split("/") if parent else ())
            try:
                os.rename("link", name, src_dir_fd=work, dst_dir_fd=folder)
            finally:
                os.close(folder)
            state.remember(parent, {**state.folder(parent), name: seen(os.stat(absolute), entry.digest)})
            return True
    return False
