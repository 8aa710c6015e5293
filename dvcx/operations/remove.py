"""`dvcx remove`: stop tracking data, or take a file out of a tracked folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from dvcx.base.errors import DvcxError, UsageError
from dvcx.base.progress import SILENT, Progress
from dvcx.formats.pointer_text import parse_pointer
from dvcx.manifest.manifest import Manifest, workspace_manifest
from dvcx.manifest.trees import TreeEditor, entry_at, entry_of, id_of
from dvcx.model.pointer import Pointer, pointer_path
from dvcx.model.tree import TreeEntry
from dvcx.operations.add_checks import made_by_stage
from dvcx.operations.inner_edits import PlacedRecord, store_trees
from dvcx.operations.own_copies import OwnCopies, make_own_copies
from dvcx.operations.pointers import PointerChange, apply_texts, plan_texts, refuse_frozen
from dvcx.operations.targets import Target, resolve_targets
from dvcx.operations.trees import need_trees_around
from dvcx.operations.unfinished import texts_before_removal
from dvcx.repo.record import Repo, open_cache, open_state, open_trash, tree_loader, workspace_lock
from dvcx.storage.cache import Cache
from dvcx.workspace.state import State


@dataclass(frozen=True, slots=True)
class Removed:
    """One path that is not tracked any more; size in bytes and number of files (None for a file, or if not known).

    `data` says what became of what the workspace had there: `kept`, `trash` (where `dvcx undo` finds it) or `absent`.
    """

    path: str
    size: int | None
    files: int | None
    data: str


@dataclass(frozen=True, slots=True)
class RemoveResult:
    """What was removed, and the files of ours that Git should commit.

    `still_linked` are files that stay in the workspace as links into the cache because their cached content is damaged
    or missing.
    """

    removed: tuple[Removed, ...]
    changed_files: tuple[str, ...]
    still_linked: tuple[str, ...]


def remove(repo: Repo, paths: Sequence[str], *, outs: bool = False, progress: Progress = SILENT) -> RemoveResult:
    """Stops tracking `paths`; with `outs` what the workspace has there goes to the trash.

    A path inside a tracked folder leaves that folder's tree, whether or not the rest of the folder is here, and what
    the workspace has there always goes to the trash: left in the folder, it would count as a new file of it.
    Raises `UsageError` for paths that are not tracked, `MissingData` when the tree of a folder on the way is not at
    hand, `Refused` for a path inside a frozen folder.
    """
    with workspace_lock(repo).exclusive(repo.config.core.lock_timeout):
        manifest = workspace_manifest(repo.root, repo.git)
        cache, state = open_cache(repo), open_state(repo)
        # The cache stays locked until the pointers name the new trees: a garbage collection would not know them.
        with cache.lock.shared(repo.config.core.lock_timeout):
            need_trees_around(repo, cache, manifest, paths)
            job = _Removing(repo, manifest, cache, state, outs=outs)
            job.take_all(_outermost(paths))
            result = job.finish(progress)
        state.close()
        cache.close()
        return result


def _outermost(paths: Sequence[str]) -> list[str]:
    """Gives each path once, without those that lie below another one."""
    return [
        path
        for path in dict.fromkeys(paths)
        if not any(path.startswith(other + "/") for other in paths if other and other != path)
    ]


class _Removing:
    """One run of `remove`: gathers what goes, then does it all within one trash entry."""

    def __init__(self, repo: Repo, manifest: Manifest, cache: Cache, state: State, *, outs: bool) -> None:
        self._repo = repo
        self._manifest = manifest
        self._cache = cache
        self._state = state
        self._outs = outs
        self._editor = TreeEditor(repo.algorithm, tree_loader(cache))
        self._whole: dict[str, Pointer | None] = {}
        self._folders: dict[str, TreeEntry] = {}
        self._inner: dict[str, TreeEntry] = {}
        self._before: list[str] = []

    def take_all(self, paths: Sequence[str]) -> None:
        """Notes what has to be done for all paths; raises as `remove` does."""
        unknown: dict[str, UsageError] = {}
        for path in paths:
            try:
                self._take(path)
            except UsageError as error:
                unknown[path] = error
        for path, reason in unknown.items():
            # A killed run may have done a part of it; the same command again does the rest.
            if not (self._whole or self._inner) or not self._was_removed(path):
                raise reason
            self._before.append(path)

    def _was_removed(self, path: str) -> bool:
        owner = self._manifest.owner_of(path)
        if owner is None:
            return any(texts_before_removal(self._repo, path))
        inner = path[len(owner) + 1 :].split("/")
        for text in texts_before_removal(self._repo, owner):
            try:
                folder = entry_of(parse_pointer(text, pointer_path(owner)))
                if entry_at(folder, inner, self._editor.load) is not None:
                    return True
            except DvcxError:
                continue
        return False

    def _take(self, path: str) -> None:
        if pointer_path(path) in self._manifest.broken:
            # A pointer that cannot be read can still go: its text stays in the trash.
            self._whole[path] = None
            return
        for target in resolve_targets(self._manifest, [path]):
            if target.pointer.stage is not None:
                raise made_by_stage(path, target.pointer)
            if target.inner:
                self._take_inner(target)
            else:
                self._whole[target.output] = target.pointer

    def _take_inner(self, target: Target) -> None:
        folder = self._folders.get(target.output) or entry_of(target.pointer)
        entry = entry_at(folder, target.inner, self._editor.load)
        if entry is None:
            raise UsageError(
                f"{target.path} is not in the folder that {pointer_path(target.output)} tracks",
                f"see what is there with `dvcx status --granular {target.output}`",
            )
        self._inner[target.path] = entry
        self._folders[target.output] = self._editor.replace(folder, target.inner, None)

    def finish(self, progress: Progress) -> RemoveResult:
        """Stores the changed trees, puts the data away, then changes the pointers."""
        changes = self._changes()
        refuse_frozen(changes, can_force=False)
        texts = plan_texts(self._repo, changes)
        leaving = [*self._inner, *(self._whole if self._outs else ())]
        data = {path: self._fate(path, leaving) for path in (*self._whole, *self._inner, *self._before)}
        linked = OwnCopies()
        if not self._outs:
            # What stays and is not tracked any more must not depend on the cache, nor change it when it is edited.
            linked = make_own_copies(self._repo, self._cache, self._state, self._whole, progress)
        placed = self._placed()
        store_trees(self._cache, self._editor, [*self._folders.values(), *placed.entries()])
        # Data first: after a kill in between, the pointer still says what the same command has to go on with.
        with open_trash(self._repo).entry("remove", self._repo.root) as trash:
            trash.move_all([(self._repo.root / path, path) for path in leaving if data[path] == "trash"])
            files = apply_texts(self._repo, trash, texts)
        for path in self._whole:
            self._state.set_baseline(path, None)
        placed.note()
        removed = [self._removed(path, data[path]) for path in sorted(data)]
        return RemoveResult(tuple(removed), files, tuple(sorted([*linked.damaged, *linked.missing])))

    def _changes(self) -> list[PointerChange]:
        changes = [PointerChange(path, pointer, None) for path, pointer in self._whole.items()]
        for output, entry in self._folders.items():
            old = self._manifest.pointers[output]
            new = replace(old, id=id_of(entry, self._repo.algorithm), size=entry.size, files=entry.files)
            changes.append(PointerChange(output, old, new))
        return changes

    def _placed(self) -> PlacedRecord:
        """Gives what will be left of what dvcx put into the folders that lose something."""
        parts = {path: self._manifest.owner_of(path) or path for path in self._inner}
        record = PlacedRecord(self._state, self._cache, self._editor)
        for path, output in parts.items():
            record.replace(output, tuple(path[len(output) + 1 :].split("/")), None, None)
        return record

    def _fate(self, path: str, leaving: Sequence[str]) -> str:
        if not os.path.lexists(self._repo.root / path):
            return "absent"
        return "trash" if path in leaving else "kept"

    def _removed(self, path: str, data: str) -> Removed:
        entry = self._inner.get(path)
        if entry is None:
            pointer = self._whole.get(path)
            entry = entry_of(pointer) if pointer is not None else None
        if entry is None:
            return Removed(path, None, None, data)
        return Removed(path, entry.size, entry.files if entry.is_folder else None, data)
