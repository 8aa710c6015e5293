"""`dvcx blame`: which commit and author last changed each file of tracked data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import islice

from dvcx.base.errors import DvcxError, MissingData
from dvcx.formats.lock_text import MAX_BYTES as MAX_LOCK_BYTES
from dvcx.formats.tree_bytes import TreeReader
from dvcx.git.graph import authors_of, commits_of_file
from dvcx.git.location import GitLocation
from dvcx.git.objects import ObjectReader
from dvcx.git.revisions import resolve
from dvcx.manifest.files import pointers_in
from dvcx.manifest.manifest import commit_manifest
from dvcx.manifest.trees import LoadTree, compare, entry_at, entry_of, files_below
from dvcx.model.pointer import pointer_path
from dvcx.model.stage import LOCK_FILE
from dvcx.model.tree import Tree, TreeEntry
from dvcx.operations.listings import listing_missing
from dvcx.operations.revision import git_of
from dvcx.operations.targets import Target, not_inside, resolve_targets
from dvcx.repo.record import Repo, open_cache
from dvcx.storage.cache import Cache

_BATCH = 200
"""So many commits are looked at together: their pointers are read from Git in one go."""
_TREES = 2000


@dataclass(frozen=True, slots=True)
class BlamedFile:
    """One file: its size in bytes and the commit that made it what it is.

    `commit` and what is known of it are None for a file whose earlier versions are not known here.
    """

    path: str
    size: int
    commit: str | None
    author: str | None
    email: str | None
    date: datetime | None
    subject: str | None


@dataclass(frozen=True, slots=True)
class BlameResult:
    """The files of `path` at `revision`, sorted by path; `unread` are tracked folders some of whose versions are not
    known here."""

    path: str
    revision: str
    files: tuple[BlamedFile, ...]
    unread: tuple[str, ...]


def blame(repo: Repo, path: str, *, revision: str = "HEAD") -> BlameResult:
    """Gives, for each file at and below `path` (relative to the project root), the commit that last changed it.

    Only Git's objects and trees in the cache are read. Raises `UsageError` for a path that is not tracked at
    `revision`, `MissingData` when it is not known here what it holds, and `NoSuchRevision`.
    """
    git = git_of(repo, "blame")
    commit = resolve(git, revision)
    manifest = commit_manifest(git, commit, repo.prefix, revision)
    cache = open_cache(repo)
    load = _loader(cache)
    found: dict[str, tuple[int, str | None]] = {}
    unread = []
    with ObjectReader(git, MAX_LOCK_BYTES) as reader:
        for target in resolve_targets(manifest, [path] if path else [], pass_over_broken=True):
            try:
                blamed = _Blaming(git, repo.prefix, target, reader, load).from_commit(commit)
            except MissingData:
                raise listing_missing(target.path, target.output, manifest) from None
            found.update(blamed)
            unread += [target.output] if any(last is None for _, last in blamed.values()) else []
    cache.close()
    authors = authors_of(git, dict.fromkeys(last for _, last in found.values() if last is not None))
    files = []
    for name in sorted(found):
        size, last = found[name]
        who = authors.get(last) if last is not None else None
        known = (who.name, who.email, who.date, who.subject) if who is not None else (None, None, None, None)
        files.append(BlamedFile(name, size, last, *known))
    return BlameResult(path, revision, tuple(files), tuple(unread))


def _loader(cache: Cache) -> LoadTree:
    reader = TreeReader()

    @lru_cache(_TREES)
    def load(digest: bytes) -> Tree:
        return reader.parse(digest, cache.read(digest), f"the tree {digest.hex()[:12]}")

    return load


class _Blaming:
    """Walks the history of one pointer; each file goes back through it as long as it stays what it is."""

    def __init__(self, git: GitLocation, prefix: str, target: Target, reader: ObjectReader, load: LoadTree) -> None:
        self._git = git
        self._target = target
        self._reader = reader
        self._load = load
        self._where = _recorded_in(target)
        self._file = f"{prefix}/{self._where}" if prefix else self._where

    def from_commit(self, commit: str) -> dict[str, tuple[int, str | None]]:
        """Gives size and commit for each file; None for those whose history is not known here."""
        whole = entry_of(self._target.pointer)
        start = entry_at(whole, self._target.inner, self._load)
        if start is None:
            raise not_inside(self._target)
        sizes = {path: entry.size for path, entry in files_below(start, self._target.path, self._load)}
        found: dict[str, str | None] = {}
        waiting: dict[str, set[str]] = {}
        first = True
        for each, parents, entries in self._history(commit):
            if first:
                waiting[each] = set(sizes)
                first = False
            files = waiting.pop(each, None)
            if files:
                self._pass_on(each, parents, entries, files, waiting, found)
            if not waiting:
                break
        return {path: (size, found.get(path)) for path, size in sizes.items()}

    def _pass_on(
        self,
        commit: str,
        parents: Sequence[str],
        entries: dict[str, TreeEntry | None],
        files: set[str],
        waiting: dict[str, set[str]],
        found: dict[str, str | None],
    ) -> None:
        """Gives the files that a parent has alike to that parent, and says of the others that `commit` made them."""
        for parent in parents:
            try:
                changed = list(
                    compare(self._target.path, entries.get(parent), entries.get(commit), self._load, self._load)
                )
            except DvcxError:
                changed = None  # damaged: as if it were not here
            unknown = [""] if changed is None else [each.path for each in changed if _is_unread(each.old, each.new)]
            if unknown:
                below = tuple(f"{path}/" if path else "" for path in unknown)
                lost = {path for path in files if f"{path}/".startswith(below)}
                found.update(dict.fromkeys(lost))
                files -= lost
            alike = files - {each.path for each in changed or ()}
            if alike:
                waiting.setdefault(parent, set()).update(alike)
            files -= alike
        found.update(dict.fromkeys(files, commit))

    def _history(self, commit: str) -> Iterator[tuple[str, list[str], dict[str, TreeEntry | None]]]:
        """Gives each commit of the pointer with its parents, and what stood at the target in it and in them."""
        entries: dict[str, TreeEntry | None] = {}
        rest = iter(commits_of_file(self._git, self._file, commit))
        while batch := list(islice(rest, _BATCH)):
            asked = dict.fromkeys(each for sha, parents in batch for each in (sha, *parents) if each not in entries)
            entries.update((sha, self._entry(self._reader.read(f"{sha}:{self._file}"))) for sha in asked)
            for sha, parents in batch:
                yield sha, parents, entries

    def _entry(self, text: bytes | None) -> TreeEntry | None:
        if text is None:
            return None
        try:
            pointer = pointers_in(text, self._where).get(self._target.output)
            return entry_at(entry_of(pointer), self._target.inner, self._load) if pointer is not None else None
        except DvcxError:
            return None


def _recorded_in(target: Target) -> str:
    """Gives the file that says what the data is: its pointer, or the lock beside the pipeline of its stage."""
    if target.pointer.stage is None:
        return pointer_path(target.output)
    folder = target.pointer.stage.rpartition(":")[0].rpartition("/")[0]
    return f"{folder}/{LOCK_FILE}" if folder else LOCK_FILE


def _is_unread(old: TreeEntry | None, new: TreeEntry | None) -> bool:
    return any(each is not None and each.is_folder and each.files > 0 for each in (old, new))
