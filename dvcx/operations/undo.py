"""`dvcx undo`: take back what a command replaced, removed or moved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import msgspec

from dvcx.base.errors import DvcxError, MissingData, shown
from dvcx.base.text import counted
from dvcx.manifest.manifest import workspace_manifest
from dvcx.manifest.trees import TreeEditor, entry_of
from dvcx.model.pointer import data_path
from dvcx.model.tree import TreeEntry, make_tree
from dvcx.operations.inner_edits import store_trees
from dvcx.repo.record import Repo, open_cache, open_state, open_trash, tree_loader, workspace_lock
from dvcx.storage.cache import Cache


@dataclass(frozen=True, slots=True)
class TrashItem:
    """An entry of the trash: `when` in seconds since 1970, `items` it brings back, the `bytes` it holds, and names.

    `project` is the folder whose entry it is, `here` whether that is this project.
    """

    id: str
    operation: str
    when: float
    project: str
    here: bool
    items: int
    bytes: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UndoList:
    """The entries of the trash, the newest first: the first one of this project is what `undo` takes back."""

    entries: tuple[TrashItem, ...]
    keep_days: int


@dataclass(frozen=True, slots=True)
class Undone:
    """What an undo did: the entry, the names restored, and those it could not restore, each with the reason.

    `removed` are the names of what the operation had made or brought, which went away again. `undo_id` is the entry
    that takes this undo back, None when there was nothing to do.
    """

    id: str
    operation: str
    restored: tuple[str, ...]
    removed: tuple[str, ...]
    left: tuple[tuple[str, str], ...]
    undo_id: str | None

    def problem(self) -> DvcxError | None:
        """Gives the error of an undo that could not restore everything, or None."""
        if not self.left:
            return None
        lines = [f"{name} ({why})" for name, why in self.left]
        return MissingData(
            f"{counted(len(self.left), 'thing', 'things')} could not be restored: {shown(lines, 5)}",
            f"the rest is done; put right what is named and run `dvcx undo {self.id}` again",
            [name for name, _ in self.left],
        )


def list_undo(repo: Repo) -> UndoList:
    """Gives what the trash holds, of all worktrees of the repository."""
    items = [
        TrashItem(e.id, e.operation, e.when, str(e.project), e.project == repo.root, e.items, e.bytes, e.names)
        for e in open_trash(repo).entries()
    ]
    return UndoList(tuple(reversed(items)), repo.config.trash.keep_days)


def undo(repo: Repo, entry_id: str | None = None) -> Undone:
    """Takes back the last operation of this project that the trash remembers, or the one with the id `entry_id`.

    What stands where something returns to goes to the trash first, so undoing again takes this undo back. Raises
    `MissingData` when there is nothing to undo, `Busy` when the operation is still under way.
    """
    with workspace_lock(repo).exclusive(repo.config.core.lock_timeout):
        cache = open_cache(repo)
        # What comes back may be objects of the cache.
        with cache.lock.shared(repo.config.core.lock_timeout):
            done = open_trash(repo).undo(repo.root, entry_id, partial(_take_back_marks, repo))
            cache.packs.look_again()
            _correct_record(repo, cache, [*done.restored, *done.removed, *(name for name, _ in done.left)])
        cache.close()
        return Undone(done.id, done.operation, done.restored, done.removed, done.left, done.undo_id)


def _take_back_marks(repo: Repo, remote: str, file: str) -> None:
    # Few undos have to do with a remote.
    from dvcx.operations.remotes import open_remote
    from dvcx.storage.remote_gc import undo_remote_gc

    undo_remote_gc(open_remote(repo, remote), file)


def _correct_record(repo: Repo, cache: Cache, names: Iterable[str]) -> None:
    """Makes dvcx take what the old pointers do not name for the work of people, so that no checkout drops it."""
    state = open_state(repo)
    manifest = workspace_manifest(repo.root, repo.git)
    editor = TreeEditor(repo.algorithm, tree_loader(cache))
    for path in {data_path(name) for name in names} & state.baselines().keys():
        digest, tracked = state.baseline(path), state.tracked_then(path)
        pointer = manifest.pointers.get(path)
        placed = None
        if digest is not None and pointer is not None:
            whole = entry_of(pointer)
            try:
                placed = _common(msgspec.structs.replace(whole, digest=digest), whole, editor)
            except MissingData:
                pass
        if placed is not None:
            store_trees(cache, editor, [placed])
        state.set_baseline(path, placed.digest if placed is not None else None, tracked)
    state.close()


def _common(placed: TreeEntry, tracked: TreeEntry, editor: TreeEditor) -> TreeEntry | None:
    """Gives what of `placed` is in `tracked`, too."""
    if placed.same_content(tracked):
        return placed
    if not (placed.is_folder and tracked.is_folder):
        return None
    there = editor.load(tracked.digest).by_name()
    kept = [
        _common(entry, there[entry.name], editor) for entry in editor.load(placed.digest).entries if entry.name in there
    ]
    return editor.keep(placed.name, make_tree(entry for entry in kept if entry is not None))
