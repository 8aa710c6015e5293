"""Merging files of dvcx for Git: what its merge driver and `dvcx resolve` share."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dvcx.base.errors import DvcxError, MissingData
from dvcx.base.text import counted, size_text
from dvcx.formats.conflict_text import print_conflict, print_unmerged
from dvcx.formats.lock_merging import merge_locks
from dvcx.formats.pointer_text import parse_pointer, print_pointer
from dvcx.git.location import GitLocation
from dvcx.git.merging import Versions, merge_lines
from dvcx.manifest.merging import Conflict
from dvcx.manifest.pointer_merging import MergedPointer, merge_pointers
from dvcx.manifest.trees import TreeEditor, entry_of
from dvcx.model.pointer import SUFFIX, Pointer, data_path
from dvcx.model.tree import TreeEntry
from dvcx.operations.inner_edits import store_trees
from dvcx.operations.targets import Target
from dvcx.operations.trees import need_trees
from dvcx.repo.open import wire
from dvcx.repo.record import Repo, open_cache, tree_loader
from dvcx.storage.cache import Cache


@dataclass(frozen=True, slots=True)
class MergedFile:
    """What a merge of one file gave: its new text, and one sentence about what is in conflict, None when nothing is."""

    text: bytes
    conflict: str | None = None
    names: tuple[str, ...] = ()


def merge_file(git: GitLocation, path: str, versions: Versions, environ: Mapping[str, str]) -> MergedFile:
    """Merges the versions of the file at `path` (from the top of the work tree) for Git.

    New trees are in the cache when it returns. What cannot be merged comes as a conflict that says why; only what
    Git itself refuses raises `GitFailed`.
    """
    merge = _MERGE_BY_NAME.get(path.rsplit("/", 1)[-1], _merge_pointer if path.endswith(SUFFIX) else _merge_as_text)
    return merge(git, path, versions, environ)


def _merge_as_text(git: GitLocation, path: str, versions: Versions, environ: Mapping[str, str]) -> MergedFile:
    text, conflicts = merge_lines(git, versions)
    return MergedFile(text, f"{path} has {counted(conflicts, 'conflict')}" if conflicts else None)


def _merge_lock(git: GitLocation, path: str, versions: Versions, environ: Mapping[str, str]) -> MergedFile:
    try:
        base, ours, theirs = (text.decode("utf-8") for text in versions.texts)
    except UnicodeDecodeError:
        return _merge_as_text(git, path, versions, environ)
    merged = merge_locks(base, ours, theirs, versions.labels)
    if merged is None:
        return _merge_as_text(git, path, versions, environ)
    stages = counted(len(merged.conflicts), "stage")
    conflict = f"{path}: both sides have other results of {stages}" if merged.conflicts else None
    return MergedFile(merged.text.encode(), conflict, merged.conflicts)


Merge = Callable[[GitLocation, str, Versions, Mapping[str, str]], MergedFile]

_MERGE_BY_NAME: dict[str, Merge] = {"dvcx.lock": _merge_lock}
"""How files that are no pointers are merged, by their name."""


def _merge_pointer(git: GitLocation, path: str, versions: Versions, environ: Mapping[str, str]) -> MergedFile:
    repo = _project_of(git, path, environ)
    if repo is None:
        return _merge_as_text(git, path, versions, environ)
    where = path[len(repo.prefix) + 1 :] if repo.prefix else path
    try:
        base, ours, theirs = (parse_pointer(text, where) if text else None for text in versions.texts)
    except DvcxError:
        # Somebody committed what is no pointer: Git's own markers show best what is there.
        return _merge_as_text(git, path, versions, environ)
    output = data_path(where)
    try:
        merged = merge_stored(repo, output, base, ours, theirs)
    except DvcxError as error:
        mine, other = (each.decode("utf-8", "replace") for each in (versions.ours, versions.theirs))
        return MergedFile(
            print_unmerged(output, mine, other, error.message, versions.labels).encode(),
            f"{output} was not merged: {error.message}",
        )
    return MergedFile(*conflict_text(output, merged, versions.labels))


def merge_stored(
    repo: Repo, output: str, base: Pointer | None, ours: Pointer | None, theirs: Pointer | None
) -> MergedPointer:
    """Merges pointers of the data at `output` and puts the new trees into the cache.

    Trees that are not here are asked of the default remote. Raises `MissingData` and `RemoteError` when they are
    nowhere to be had, and `Refused` for trees that claim too much.
    """
    cache = open_cache(repo)
    known = [each for each in (base, ours, theirs) if each is not None]
    try:
        try:
            merged, editor = _merged(repo, cache, output, base, ours, theirs)
        except MissingData:
            need_trees(repo, cache, [Target(output, each) for each in known])
            merged, editor = _merged(repo, cache, output, base, ours, theirs)
        store_halves(cache, editor, [merged.ours, merged.theirs])
    finally:
        cache.close()
    return merged


def store_halves(cache: Cache, editor: TreeEditor, pointers: Sequence[Pointer | None]) -> None:
    """Puts the trees that `editor` made for `pointers` into the cache."""
    store_trees(cache, editor, [entry_of(each) for each in pointers if each is not None])


def _merged(
    repo: Repo, cache: Cache, output: str, base: Pointer | None, ours: Pointer | None, theirs: Pointer | None
) -> tuple[MergedPointer, TreeEditor]:
    editor = TreeEditor(repo.algorithm, tree_loader(cache))
    portable = repo.config.core.portable_names
    return merge_pointers(output, base, ours, theirs, editor, portable_names=portable), editor


def conflict_text(
    output: str, merged: MergedPointer, labels: tuple[str, str] = ("", "")
) -> tuple[bytes, str | None, tuple[str, ...]]:
    """Gives the text of the pointer file of a merge, a sentence about its conflicts or None, and what they are in."""
    if merged.is_clean:
        assert merged.ours is not None
        return print_pointer(merged.ours).encode(), None, ()
    lines = [(conflict.path, _both_sides(conflict)) for conflict in merged.conflicts]
    lines += [(f"the note `{name}`", "differs") for name in merged.fields]
    ours, theirs = (print_pointer(each) if each is not None else "" for each in (merged.ours, merged.theirs))
    what = [counted(len(each), noun) for each, noun in ((merged.conflicts, "file"), (merged.fields, "note")) if each]
    names = tuple(name for name, _ in lines)
    text = print_conflict(output, ours, theirs, lines, labels)
    return text.encode(), f"{output}: both sides changed {' and '.join(what)}", names


def _both_sides(conflict: Conflict) -> str:
    return f"ours {_described(conflict.ours)}, theirs {_described(conflict.theirs)}"


def _described(entry: TreeEntry | None) -> str:
    if entry is None:
        return "deleted"
    if entry.is_link:
        return "a link"
    return f"a folder of {counted(entry.files, 'file')}" if entry.is_folder else size_text(entry.size)


def _project_of(git: GitLocation, path: str, environ: Mapping[str, str]) -> Repo | None:
    """Gives the project that the file at `path` belongs to, never one that a symbolic link leads to."""
    folder = path.rpartition("/")[0]
    while True:
        root = git.worktree / folder if folder else git.worktree
        if (root / ".dvcx" / "config.toml").is_file() and Path(os.path.realpath(root)) == root:
            try:
                return wire(root, git, environ)
            except DvcxError:
                return None
        if not folder:
            return None
        folder = folder.rpartition("/")[0]
