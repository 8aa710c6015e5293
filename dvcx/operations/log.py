"""`dvcx log`: the commits that changed tracked data, or a file inside a tracked folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from itertools import islice

from dvcx.base.errors import DvcxError
from dvcx.formats.pointer_text import parse_pointer
from dvcx.formats.tree_bytes import TreeReader
from dvcx.git.history import CommitInfo, FileChange, commits_touching
from dvcx.git.location import GitLocation
from dvcx.git.objects import ObjectReader
from dvcx.manifest.manifest import workspace_manifest
from dvcx.manifest.trees import LoadTree, entry_at, entry_of
from dvcx.model.pointer import SUFFIX, data_path, pointer_path
from dvcx.model.tree import Tree, TreeEntry
from dvcx.operations.log_moves import MoveFinder
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
        reading = _Reading(path, prefix, reader, load, unread)
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
    """Gives the paths in Git that say something about `path`: its pointer, those of folders around it, and below it."""
    if not path:
        return [prefix.rstrip("/")]
    found = [path]
    while path:
        found.append(pointer_path(path))
        path = path.rpartition("/")[0]
    return [prefix + each for each in found]


def _check_tracked(repo: Repo, path: str) -> None:
    manifest = workspace_manifest(repo.root, repo.git)
    if manifest.owner_of(path) is None and not manifest.below(path) and path:
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

    def __init__(self, path: str, prefix: str, reader: ObjectReader, load: LoadTree, unread: dict[str, None]) -> None:
        self._path = path
        self._prefix = prefix
        self._reader = reader
        self._load = load
        self._by_blob: dict[tuple[str, str], TreeEntry] = {}  # what one commit makes is what the next one changes
        self._unread = unread

    def changes_in(self, commits: Iterable[CommitInfo]) -> Iterator[LoggedCommit]:
        """Gives those of `commits` that changed the path."""
        rest = iter(commits)
        while batch := list(islice(rest, _BATCH)):
            texts = dict(self._reader.read_many(_oids(batch)))
            for commit in batch:
                found = (each for file in commit.files if (each := self._found(file, texts)) is not None)
                changes = tuple(change for each in _joined(found) if (change := _logged(each)) is not None)
                if changes:
                    yield LoggedCommit(commit.sha, commit.author, commit.email, commit.date, commit.subject, changes)

    def _found(self, file: FileChange, texts: Mapping[str, bytes]) -> _Found | None:
        """Gives what a change of one file in Git says about the path; None when that is nothing."""
        if not file.path.startswith(self._prefix) or not file.path.endswith(SUFFIX):
            return None
        pointer_file = file.path[len(self._prefix) :]
        output = data_path(pointer_file)
        inner: Sequence[str] = ()
        if self._path.startswith(f"{output}/"):
            inner = self._path[len(output) + 1 :].split("/")
        elif self._path and not f"{output}/".startswith(f"{self._path}/"):
            return None
        path = self._path if inner else output
        try:
            before, after = (self._entry(oid, texts, pointer_file, inner) for oid in (file.old, file.new))
        except (DvcxError, KeyError):
            # A tree or blob that is not here, or a pointer that was committed broken.
            self._unread[output] = None
            return _Found(path, known=False)
        return _Found(path, before, after)

    def _entry(
        self, oid: str | None, texts: Mapping[str, bytes], pointer_file: str, inner: Sequence[str]
    ) -> TreeEntry | None:
        if oid is None:
            return None
        entry = self._by_blob.get((oid, pointer_file))
        if entry is None:
            entry = self._by_blob[oid, pointer_file] = entry_of(parse_pointer(texts[oid], pointer_file))
        return entry_at(entry, inner, self._load)


def _oids(commits: Iterable[CommitInfo]) -> Iterator[str]:
    found = {oid for commit in commits for file in commit.files for oid in (file.old, file.new) if oid is not None}
    return iter(found)


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
