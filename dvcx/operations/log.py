"""`dvcx log`: the commits that changed tracked data, or a file inside a tracked folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from itertools import islice

from dvcx.base.errors import DvcxError
from dvcx.formats.tree_bytes import TreeReader
from dvcx.git.history import CommitInfo, FileChange, commits_touching
from dvcx.git.location import GitLocation
from dvcx.git.objects import ObjectReader
from dvcx.manifest.files import is_lock_file, pointers_in, read_texts
from dvcx.manifest.manifest import workspace_manifest
from dvcx.manifest.trees import LoadTree, entry_at, entry_of
from dvcx.model.pointer import SUFFIX, data_path, pointer_path
from dvcx.model.stage import LOCK_FILE
from dvcx.model.tree import Tree, TreeEntry
from dvcx.operations.log_moves import MoveFinder
from dvcx.operations.meant_otherwise import explaining
from dvcx.operations.revision import git_of
from dvcx.operations.targets import not_tracked
from dvcx.repo.record import Repo, open_cache
from dvcx.storage.cache import Cache

_BATCH = 200
"""So many commits are looked at together: their pointers are read from Git in one go."""
_TREES = 2000
"""So many trees are kept in memory: successive versions of a folder have most of them in common."""


@dataclass(frozen=True, slots=True)
class LoggedChange:
    """What a commit did to one path: `added`, `deleted`, `modified`, `renamed` (from `old_path`), or `unknown`.

    Unknown: the folder that it lies in changed, and what that held is not known here. Sizes are in bytes; a folder's
    size and number of files count all below. What was not there is None.
    """

    change: str
    path: str
    old_size: int | None
    new_size: int | None
    old_files: int | None
    new_files: int | None
    old_path: str | None = None


@dataclass(frozen=True, slots=True)
class LoggedCommit:
    """One commit with what it changed of what was asked for."""

    commit: str
    author: str
    email: str
    date: datetime
    subject: str
    changes: tuple[LoggedChange, ...]


@dataclass(frozen=True, slots=True)
class LogResult:
    """The commits that changed `path`, newest first; `unread` are tracked folders some of whose versions are not
    known here."""

    path: str
    commits: tuple[LoggedCommit, ...]
    unread: tuple[str, ...]


def log(repo: Repo, path: str, *, revision: str = "HEAD", limit: int | None = None) -> LogResult:
    """Gives the commits reachable from `revision` that changed the data at `path`, newest first, at most `limit`.

    `path` (relative to the project root) is tracked data, a path inside a tracked folder, or a folder with tracked
    data in it. Data that was moved is followed to its former path. Only Git's objects and, for paths inside folders,
    trees in the cache are read. Raises `UsageError` for a path that was never tracked, and `NoSuchRevision`.
    """
    git = git_of(repo, "show")
    prefix = f"{repo.prefix}/" if repo.prefix else ""
    cache = open_cache(repo)
    with ObjectReader(git) as reader:
        unread: dict[str, None] = {}
        following = _followed(git, path, prefix, revision, reader, _loader(cache), unread)
        logged = tuple(islice(following, limit))
    cache.close()
    if not logged:
        _check_tracked(repo, path)
    return LogResult(path, logged, tuple(unread))


def _followed(
    git: GitLocation,
    path: str,
    prefix: str,
    revision: str,
    reader: ObjectReader,
    load: LoadTree,
    unread: dict[str, None],
) -> Iterator[LoggedCommit]:
    """Gives the commits that changed `path` and, before the one that moved it there, its former path, and so on."""
    moves = MoveFinder(git, prefix, reader, load)
    source: str | None = path
    while source is not None:
        path, source = source, None
        reading = _Reading(path, prefix, git, load, unread)
        for commit in reading.changes_in(commits_touching(git, _where(path, prefix), revision)):
            (change, *more) = commit.changes
            if not more and change.change == "added" and change.path == path:
                source = moves.source_of(path, commit.commit)
            if source is None:
                yield commit
                continue
            renamed = replace(
                change, change="renamed", old_path=source, old_size=change.new_size, old_files=change.new_files
            )
            yield replace(commit, changes=(renamed,))
            revision = f"{commit.commit}^"
            break


def _where(path: str, prefix: str) -> list[str]:
    """Gives the paths in Git that say something about `path`: pointers and locks around it, and what is below it."""
    if not path:
        return [prefix.rstrip("/")]
    found = [path]
    while path:
        found.append(pointer_path(path))
        path = path.rpartition("/")[0]
        found.append(f"{path}/{LOCK_FILE}" if path else LOCK_FILE)
    return [prefix + each for each in found]


def _check_tracked(repo: Repo, path: str) -> None:
    manifest = workspace_manifest(repo.root, repo.git)
    if manifest.owner_of(path) is None and not manifest.below(path) and path:
        with explaining(repo, "`dvcx log --rev {} PATH` starts there"):
            raise not_tracked(manifest, path)


def _loader(cache: Cache) -> LoadTree:
    reader = TreeReader()

    @lru_cache(_TREES)
    def load(digest: bytes) -> Tree:
        return reader.parse(digest, cache.read(digest), f"the tree {digest.hex()[:12]}")

    return load


@dataclass(frozen=True, slots=True)
class _Found:
    """What stood at a path before and after a commit; not `known` when that cannot be told here."""

    path: str
    before: TreeEntry | None = None
    after: TreeEntry | None = None
    known: bool = True


class _Reading:
    """Reads what each commit did to `path` from the pointers before and after it."""

    def __init__(self, path: str, prefix: str, git: GitLocation, load: LoadTree, unread: dict[str, None]) -> None:
        self._path = path
        self._prefix = prefix
        self._git = git
        self._load = load
        # What one commit makes is what the next one changes.
        self._by_blob: dict[tuple[str, str], Mapping[str, TreeEntry]] = {}
        self._unread = unread

    def changes_in(self, commits: Iterable[CommitInfo]) -> Iterator[LoggedCommit]:
        """Gives those of `commits` that changed the path."""
        rest = iter(commits)
        while batch := list(islice(rest, _BATCH)):
            self._read(batch)
            for commit in batch:
                found = (each for file in commit.files for each in self._found(file))
                changes = tuple(change for each in _joined(found) if (change := _logged(each)) is not None)
                if changes:
                    yield LoggedCommit(commit.sha, commit.author, commit.email, commit.date, commit.subject, changes)

    def _read(self, commits: Sequence[CommitInfo]) -> None:
        """Reads the pointers and locks that `commits` changed, and keeps what concerns the path."""
        path_by_blob = {
            oid: file.path
            for commit in commits
            for file in commit.files
            for oid in (file.old, file.new)
            if oid is not None and file.path.startswith(self._prefix) and file.path.endswith((SUFFIX, LOCK_FILE))
        }
        new = {oid: path for oid, path in path_by_blob.items() if (oid, path) not in self._by_blob}
        for oid, text in read_texts(self._git, new):
            name = new[oid][len(self._prefix) :]
            try:
                found = pointers_in(text, name)
            except DvcxError:
                continue  # committed broken
            self._by_blob[oid, new[oid]] = {
                path: entry_of(pointer) for path, pointer in found.items() if self._concerns(path)
            }

    def _found(self, file: FileChange) -> Iterator[_Found]:
        """Gives what a change of one pointer or lock file in Git says about the path."""
        if not file.path.startswith(self._prefix) or not file.path.endswith((SUFFIX, LOCK_FILE)):
            return
        name = file.path[len(self._prefix) :]
        olds, news = (self._by_blob.get((oid, file.path)) if oid is not None else {} for oid in (file.old, file.new))
        if olds is None or news is None:
            # A file that was committed broken, or one that is not here.
            if not is_lock_file(name) and self._concerns(data_path(name)):
                yield self._unknown(data_path(name))
            return
        for output in sorted(olds.keys() | news.keys()):
            yield self._inside(output, olds.get(output), news.get(output))

    def _concerns(self, output: str) -> bool:
        return not self._path or self._path.startswith(f"{output}/") or f"{output}/".startswith(f"{self._path}/")

    def _inside(self, output: str, old: TreeEntry | None, new: TreeEntry | None) -> _Found:
        if not self._path.startswith(f"{output}/"):
            return _Found(output, old, new)
        inner = self._path[len(output) + 1 :].split("/")
        try:
            before, after = (entry and entry_at(entry, inner, self._load) for entry in (old, new))
        except DvcxError:  # a tree that is not here
            return self._unknown(output)
        return _Found(self._path, before, after)

    def _unknown(self, output: str) -> _Found:
        self._unread[output] = None
        return _Found(self._path if self._path.startswith(f"{output}/") else output, known=False)


def _joined(found: Iterable[_Found]) -> Iterator[_Found]:
    """Joins what is said of one path by several pointers: data that went from one to another was not deleted."""
    by_path: dict[str, _Found] = {}
    for each in found:
        other = by_path.get(each.path)
        if other is not None:
            known = each.known and other.known
            each = _Found(each.path, other.before or each.before, other.after or each.after, known)
        by_path[each.path] = each
    yield from by_path.values()


def _logged(found: _Found) -> LoggedChange | None:
    old, new = found.before, found.after
    if not found.known:
        return LoggedChange("unknown", found.path, None, None, None, None)
    if (old is None and new is None) or (old is not None and new is not None and old.same_content(new)):
        return None
    change = "added" if old is None else "deleted" if new is None else "modified"
    old_size, new_size = (entry.size if entry is not None else None for entry in (old, new))
    old_files, new_files = (entry.files if entry is not None else None for entry in (old, new))
    return LoggedChange(change, found.path, old_size, new_size, old_files, new_files)
