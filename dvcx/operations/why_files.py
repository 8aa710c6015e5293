"""Since which commit each file inside a folder that a stage depends on is as it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from dvcx.base.errors import DvcxError, MissingData
from dvcx.formats.lock_text import MAX_BYTES
from dvcx.git.files import changed_below
from dvcx.git.history import CommitInfo, FileChange, commits_touching
from dvcx.git.location import GitLocation
from dvcx.git.objects import ObjectReader
from dvcx.manifest.files import pointers_in
from dvcx.manifest.trees import LoadTree, compare, entry_at, entry_of
from dvcx.model.changes import PathChange
from dvcx.model.tree import TreeEntry

MOST_COMMITS = 500
"""So many commits that touched a file are looked at: older ones explain nothing that anybody remembers."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit, for people."""

    sha: str
    author: str
    date: datetime
    subject: str


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file inside a folder that changed since the last run: `added`, `deleted`, `modified` or `renamed`, sizes in
    bytes.

    `commit` is the one since which it is as it is, None when none is known; `uncommitted`: it is so in the working
    tree only.
    """

    change: str
    path: str
    old_path: str | None
    old_size: int | None
    new_size: int | None
    commit: Commit | None = None
    uncommitted: bool = False


def commit_of(commit: CommitInfo) -> Commit:
    """Gives what people want to know of a commit."""
    return Commit(commit.sha, commit.author, commit.date, commit.subject)


def changed_files(files: Iterable[PathChange], found: Mapping[str, Commit | None]) -> tuple[ChangedFile, ...]:
    """Gives the files with what was found of them by path: a commit, or None for what is in the working tree only."""
    return tuple(
        ChangedFile(
            each.change,
            each.path,
            each.old_path,
            each.old_size,
            each.new_size,
            found.get(each.path),
            each.path in found and found[each.path] is None,
        )
        for each in files
    )


def commits(git: GitLocation | None, paths: Iterable[str]) -> Iterator[CommitInfo]:
    """Gives the commits that changed one of `paths`, from the top of the work tree, newest first, those of late."""
    if git is None:
        return
    try:
        yield from islice(commits_touching(git, list(paths)), MOST_COMMITS)
    except DvcxError:  # no commit yet
        return


def read_blob(git: GitLocation | None, oid: str | None) -> bytes | None:
    """Gives the content of a blob, None when there is none."""
    if oid is None or git is None:
        return None
    with ObjectReader(git, MAX_BYTES) as reader:
        return reader.read(oid)


def commits_of_git_files(git: GitLocation, folder: str, path_by_name: Mapping[str, str]) -> dict[str, Commit | None]:
    """Gives by name the commit that last changed each of the files `path_by_name` in a folder of Git's, None for what
    is in the working tree only; paths are from the top of the work tree.
    """
    changed = changed_below(git, folder)
    name_by_path = {path: name for name, path in path_by_name.items()}
    found: dict[str, Commit | None] = {name: None for path, name in name_by_path.items() if path in changed}
    for commit in commits(git, [folder]):
        if len(found) == len(name_by_path):
            break
        for each in commit.files:
            name = name_by_path.get(each.path)
            if name is not None:
                found.setdefault(name, commit_of(commit))
    return found


@dataclass(frozen=True, slots=True)
class PointerHistory:
    """What the file `where` said, one commit after the other, of the tracked data `output`; `changes` are newest first.

    Inside the data only `inner` counts, which the reason calls `name`. `load` gives trees of the cache.
    """

    git: GitLocation
    where: str
    output: str
    inner: tuple[str, ...]
    name: str
    load: LoadTree

    def commits_of(
        self,
        paths: Iterable[str],
        now: TreeEntry | None,
        load_now: LoadTree,
        changes: Iterable[tuple[CommitInfo, FileChange]],
    ) -> dict[str, Commit | None]:
        """Gives the commit that last changed each of `paths`, None for what is in the working tree only; `now` is what
        lies there. What is not known stays out.
        """
        rest = set(paths)
        found: dict[str, Commit | None] = {}
        first = True
        for commit, change in changes:
            new = self._entry(change.new)
            if first:
                self._take(found, rest, self._differing(new, now, load_now), None)
                first = False
            self._take(found, rest, self._differing(self._entry(change.old), new, self.load), commit_of(commit))
            if not rest:
                break
        return found if not first else dict.fromkeys(rest)

    def _take(self, found: dict[str, Commit | None], rest: set[str], paths: set[str], commit: Commit | None) -> None:
        here = rest & paths
        found.update(dict.fromkeys(here, commit))
        rest -= here

    def _differing(self, old: TreeEntry | None, new: TreeEntry | None, load_new: LoadTree) -> set[str]:
        try:
            return {each.path for each in compare(self.name, old, new, self.load, load_new)}
        except DvcxError:
            return set()

    def _entry(self, oid: str | None) -> TreeEntry | None:
        try:
            text = read_blob(self.git, oid)
            pointer = pointers_in(text, self.where).get(self.output) if text is not None else None
            return entry_at(entry_of(pointer), self.inner, self.load) if pointer is not None else None
        except (DvcxError, MissingData):
            return None
