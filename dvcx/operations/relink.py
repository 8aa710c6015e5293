"""Making large files of the workspace links into the cache, as `cache.type` says."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dvcx.base.copying import hash_and_copy
from dvcx.base.errors import Refused
from dvcx.base.files import closing
from dvcx.base.hashing import threaded_hasher
from dvcx.base.links import LinkType, try_link
from dvcx.base.paths import open_folder
from dvcx.base.scratch import scratch_folder
from dvcx.manifest.trees import LoadTree, files_below
from dvcx.model.tree import EntryKind, TreeEntry
from dvcx.repo.record import Repo, link_types, scratch_root
from dvcx.storage.cache import Cache
from dvcx.workspace.state import FolderRows, State, seen
from dvcx.workspace.symlinks import is_cache_link

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_LINKS = (LinkType.HARDLINK, LinkType.SYMLINK)
_GRAIN = 20_000_000


def wanted_links(repo: Repo) -> Sequence[LinkType]:
    """Gives the hard and symbolic links that `cache.type` prefers to files of their own, in order; often none."""
    kinds = link_types(repo)
    linking = [kind for kind in kinds if kind in _LINKS]
    if not linking or kinds[0] is LinkType.COPY:
        return ()
    if kinds[0] is LinkType.REFLINK and LinkType.COPY in kinds and kinds.index(LinkType.COPY) < kinds.index(linking[0]):
        return ()
    return linking


def relink(
    repo: Repo,
    cache: Cache,
    state: State,
    entries: Mapping[str, TreeEntry],
    load: LoadTree,
    *,
    dry_run: bool = False,
) -> list[str]:
    """Replaces files whose content the cache has as a file of its own by links of the preferred type.

    Only for `hardlink` and `symlink`: with `reflink` and `copy` a file of its own is what it should be. Files that are
    not what `entries` say, that lie behind links, and executables (which a link cannot be), stay as they are. Gives the
    paths changed, or with `dry_run` those that would be.
    """
    kinds = wanted_links(repo)
    if not kinds:
        return []
    files_by_folder: dict[str, list[TreeEntry]] = {}
    for top, entry in entries.items():
        for path, file in files_below(entry, top, load, unread=[]):
            if file.kind == EntryKind.FILE and file.size >= cache.settings.pack_below:
                files_by_folder.setdefault(path.rpartition("/")[0], []).append(file)
    done: list[str] = []
    with (
        scratch_folder(scratch_root(repo)) as scratch,
        closing(os.open(repo.root, _FOLDER)) as root,
        closing(os.open(scratch, _FOLDER)) as work,
    ):
        for path, files in files_by_folder.items():
            try:
                opened = open_folder(root, path.split("/") if path else ())
            except (FileNotFoundError, NotADirectoryError, Refused):
                continue
            with closing(opened) as folder:
                rows = dict(state.folder(path))
                linker = _Linker(cache, kinds, work, folder, rows, dry_run)
                names = [file.name for file in files if linker.link(file)]
            if names and not dry_run:
                state.remember(path, rows)
            if names:
                done += [f"{path}/{name}" if path else name for name in names]
    return done


@dataclass(frozen=True, slots=True)
class _Linker:
    """Links files of one folder; `work` is a folder beside, `rows` what is remembered of the folder's files."""

    cache: Cache
    kinds: Sequence[LinkType]
    work: int
    folder: int
    rows: FolderRows
    dry_run: bool

    def link(self, entry: TreeEntry) -> bool:
        """Puts a link in the place of a file, when it is what `entry` says and no link of that type yet."""
        source = self.cache.loose.text_path_of(entry.digest)
        try:
            before = os.stat(entry.name, dir_fd=self.folder, follow_symlinks=False)
            if not self._is_ours(entry.name, before) or not self._has_content(entry, before):
                return False
            for kind in self.kinds:
                if self._is_link(kind, entry.name, before, source):
                    return False
                if try_link(kind, source, _NEW, self.work):
                    return self._put(entry, before)
        except FileNotFoundError:
            pass  # not in the cache as a file, or not in the workspace
        return False

    def _is_ours(self, name: str, status: os.stat_result) -> bool:
        """Tells whether it is a file, or a link that dvcx made; a link of the user's own stays."""
        if not stat.S_ISLNK(status.st_mode):
            return stat.S_ISREG(status.st_mode)
        return is_cache_link(os.readlink(name, dir_fd=self.folder), self.cache.algorithm)

    def _is_link(self, kind: LinkType, name: str, status: os.stat_result, source: str) -> bool:
        if kind is LinkType.SYMLINK:
            return stat.S_ISLNK(status.st_mode) and os.readlink(name, dir_fd=self.folder) == source
        return os.path.samestat(status, os.stat(source, follow_symlinks=False))

    def _has_content(self, entry: TreeEntry, before: os.stat_result) -> bool:
        os.stat(self.cache.loose.text_path_of(entry.digest))  # no link can be made to what is not there
        row = self.rows.get(entry.name)
        if row is not None and row.digest == entry.digest and row.fits(os.stat(entry.name, dir_fd=self.folder)):
            return True
        with closing(os.open(entry.name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=self.folder)) as fd:
            hasher = threaded_hasher(self.cache.algorithm, before.st_size)
            hash_and_copy(fd, hasher, None, before.st_size)
        return hasher.digest() == entry.digest

    def _put(self, entry: TreeEntry, before: os.stat_result) -> bool:
        if self.dry_run:
            os.unlink(_NEW, dir_fd=self.work)
            return True
        if _look(os.stat(entry.name, dir_fd=self.folder, follow_symlinks=False)) != _look(before):
            os.unlink(_NEW, dir_fd=self.work)
            return False  # someone is writing to it
        os.rename(_NEW, entry.name, src_dir_fd=self.work, dst_dir_fd=self.folder)
        after = os.stat(entry.name, dir_fd=self.folder)
        self.rows.pop(entry.name, None)
        # Linking changed its change time just now. Any write from here on changes the older modification time.
        if after.st_mtime_ns < time.time_ns() - _GRAIN:
            self.rows[entry.name] = seen(after, entry.digest)
        return True


_NEW = "link"


def _look(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
