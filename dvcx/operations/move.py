"""`dvcx move`: rename tracked data, or move it into, out of and between tracked folders."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from dvcx.base.errors import Refused
from dvcx.base.folders import Roots, make_folder
from dvcx.base.moving import move as move_file
from dvcx.formats.trash_journal import MadeFolder, Renamed
from dvcx.manifest.manifest import Manifest, workspace_manifest
from dvcx.manifest.trees import TreeEditor
from dvcx.model.pointer import Pointer
from dvcx.model.tree import TreeEntry
from dvcx.operations.inner_edits import PlacedRecord, store_trees
from dvcx.operations.move_plan import End, MovePlan, check_move, exact_end, source_end, target_end
from dvcx.operations.pointers import apply_texts, plan_texts
from dvcx.operations.trees import need_trees_around
from dvcx.operations.unfetched import Presence, keep_unfetched, presence_at
from dvcx.operations.unfinished import had_changed_both, had_renamed
from dvcx.repo.record import Repo, open_cache, open_state, open_trash, scan_rules, tree_loader, workspace_lock
from dvcx.storage.cache import Cache
from dvcx.storage.trash_entry import TrashEntry
from dvcx.workspace.moved import move_rows
from dvcx.workspace.scan import scan
from dvcx.workspace.state import State


@dataclass(frozen=True, slots=True)
class MoveResult:
    """What was moved where, and the files of ours that Git should commit.

    `data` says what became of what the workspace had: `moved`, or `absent` when only pointers were to be changed.
    `replaced`: something stood at the target and is in the trash now. `notes_lost`: the pointer had a description or
    other notes, which nothing inside a folder can have.
    """

    source: str
    target: str
    data: str
    replaced: bool
    notes_lost: bool
    changed_files: tuple[str, ...]


def move(repo: Repo, source: str, target: str, *, force: bool = False) -> MoveResult:
    """Moves tracked data from `source` to `target`, or into `target` when that is a folder.

    Data that is not in the workspace moves in the pointers and trees alone. With `force` what stands at the target goes
    to the trash. Raises `UsageError` for paths that cannot be meant, `Refused` when something stands at the target,
    `MissingData` when the tree of a folder on the way is not at hand.
    """
    with workspace_lock(repo).exclusive(repo.config.core.lock_timeout):
        manifest = workspace_manifest(repo.root, repo.git)
        cache, state = open_cache(repo), open_state(repo)
        # The cache stays locked until the pointers name the new trees: a garbage collection would not know them.
        with cache.lock.shared(repo.config.core.lock_timeout):
            load = tree_loader(cache)
            need_trees_around(repo, cache, manifest, [source, target])
            from_end = source_end(manifest, source, load)
            job = _Moving(repo, manifest, cache, state, from_end, exact_end(manifest, target, load))
            if not job.is_under_way():
                to_end = target_end(repo, manifest, from_end, target, load)
                check_move(repo, from_end, to_end, load)
                job = _Moving(repo, manifest, cache, state, from_end, to_end)
            result = job.run(force=force)
        state.close()
        cache.close()
        return result


class _Moving:
    """One move: decides what the workspace has to do with it, then does everything within one trash entry."""

    def __init__(self, repo: Repo, manifest: Manifest, cache: Cache, state: State, source: End, target: End) -> None:
        self._repo = repo
        self._manifest = manifest
        self._cache = cache
        self._state = state
        self._source = source
        self._target = target
        self._editor = TreeEditor(repo.algorithm, tree_loader(cache))
        self._here = os.path.lexists(repo.root / source.path)
        self._there = os.path.lexists(repo.root / target.path)
        self._own: tuple[bytes | None, bytes | None] = None, None

    def run(self, *, force: bool) -> MoveResult:
        """Moves. The order (trees, data, pointers) lets the same command finish what a killed one began."""
        plan = MovePlan(self._repo, self._manifest, self._editor)
        finishing = self.is_under_way()
        if finishing and self._is_tracked_at_target():
            plan.drop(self._source)
        else:
            occupied = (self._there and not finishing) or self._target.entry is not None
            if occupied and not force:
                raise Refused(
                    f"{self._target.path} exists already",
                    "choose another place, or replace it with --force; `dvcx undo` brings it back",
                    [self._target.path],
                )
            plan.move(self._source, self._target, force=force)
        texts = plan_texts(self._repo, plan.changes)
        placed = self._placed()
        store_trees(self._cache, self._editor, [*plan.folders.values(), *placed.entries()])
        with open_trash(self._repo).entry("move", self._repo.root) as entry:
            replaced = self._there and not finishing
            if replaced:
                entry.move_all([(self._repo.root / self._target.path, self._target.path)])
            self._make_folder(entry)
            if self._here:
                self._move_data(entry)
            files = apply_texts(self._repo, entry, texts)
        self._note_placed(placed)
        pointer = None if self._source.inner else self._manifest.pointers[self._source.path]
        return MoveResult(
            self._source.path,
            self._target.path,
            "moved" if self._here or finishing else "absent",
            replaced or (self._target.entry is not None and not finishing),
            bool(self._target.inner and pointer is not None and _has_notes(pointer)),
            files,
        )

    def is_under_way(self) -> bool:
        """Tells whether the data is at the target already: a killed run was this far, or someone moved it by hand."""
        if self._here or not self._target.path:
            return False
        if self._is_tracked_at_target():
            return had_changed_both(self._repo, self._source.output, self._target.output)
        if not self._there or self._target.entry is not None or self._manifest.below(self._target.path):
            return False
        return had_renamed(self._repo, self._source.path, self._target.path) or self._has_same_content()

    def _is_tracked_at_target(self) -> bool:
        source, target = self._source.entry, self._target.entry
        return source is not None and target is not None and target.same_content(source)

    def _has_same_content(self) -> bool:
        wanted = self._source.entry
        assert wanted is not None
        prefix = str(self._cache.loose.root) + os.sep
        scanned = scan(self._repo.root, self._target.path, self._state, scan_rules(self._repo), cache_prefix=prefix)
        if scanned is None:
            return False
        found = scanned.entry
        if found.is_folder and wanted.is_folder:
            self._editor.know(scanned.trees)
            found, _ = keep_unfetched(wanted, found, self._editor, Presence(None, self._cache.has))
        return found.same_content(wanted)

    def _presence(self) -> Presence:
        pointer, load = self._manifest.pointers[self._source.output], self._editor.load
        known = presence_at(
            self._state, self._source.output, is_folder=pointer.is_folder, has=self._cache.has, load=load
        )
        return known.inside(self._source.inner, load)

    def _make_folder(self, entry: TrashEntry) -> None:
        """Makes the folder that the target comes into, when data or a pointer of its own needs it."""
        if self._target.inner and not self._here:
            return
        _, folders = entry.roots.way_to(str(self._repo.root / self._target.path))
        if folders:
            entry.announce([MadeFolder(folder) for folder in folders])
            make_folder(Path(folders[-1]), durable=self._repo.durable)

    def _move_data(self, entry: TrashEntry) -> None:
        old, new = self._repo.root / self._source.path, self._repo.root / self._target.path
        entry.renamed(old, new)
        before = os.lstat(old)
        with Roots([str(self._repo.root)]) as one, Roots([str(self._repo.root)]) as other:
            (source, name), (target, new_name) = one.parent(str(old)), other.parent(str(new))
            move_file(source, name, target, new_name, durable=self._repo.durable)
        after = os.lstat(new)
        if (before.st_dev, before.st_ino) != (after.st_dev, after.st_ino):
            # Another disk: it was copied, and undo has to know the copy.
            entry.announce([Renamed(str(old), str(new), after.st_dev, after.st_ino)])
        move_rows(self._state, self._repo.root, self._source.path, self._target.path)

    def _placed(self) -> PlacedRecord:
        """Gives what dvcx itself put where, after the move."""
        record = PlacedRecord(self._state, self._cache, self._editor)
        source, target = self._source, self._target
        if source.inner:
            here, tracked = record.at(source.output, source.inner)
            record.replace(source.output, source.inner, None, None)
        else:
            here = self._own_entry(self._state.baseline(source.path))
            tracked = self._own_entry(self._state.tracked_then(source.path))
        name = target.path.rsplit("/", 1)[-1]
        here, tracked = (msgspec.structs.replace(e, name=name) if e is not None else None for e in (here, tracked))
        if target.inner:
            record.replace(target.output, target.inner, here, tracked)
        else:
            self._own = here.digest if here is not None else None, tracked.digest if tracked is not None else None
        return record

    def _own_entry(self, digest: bytes | None) -> TreeEntry | None:
        source = self._source.entry
        return msgspec.structs.replace(source, digest=digest) if source is not None and digest is not None else None

    def _note_placed(self, record: PlacedRecord) -> None:
        if not self._source.inner:
            self._state.set_baseline(self._source.path, None)
        if not self._target.inner:
            self._state.set_baseline(self._target.path, *self._own)
        record.note()


def _has_notes(pointer: Pointer) -> bool:
    return bool(pointer.desc or pointer.labels or pointer.meta or pointer.source or pointer.extra or pointer.frozen)
