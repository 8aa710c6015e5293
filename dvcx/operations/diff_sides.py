"""The two sides of a comparison: what a commit says, and what lies in the workspace."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Protocol

from dvcx.base.errors import MissingData
from dvcx.manifest.manifest import Manifest
from dvcx.manifest.trees import LoadTree, TreeEditor, compare, entry_at, entry_of, files_below, is_at_hand
from dvcx.model.tree import EMPTY_TREE, Tree, TreeEntry
from dvcx.operations.listings import listing_missing
from dvcx.operations.targets import Target
from dvcx.operations.unfetched import Presence, inner_presence, keep_unfetched, presence_at
from dvcx.repo.record import Repo, scan_rules
from dvcx.storage.cache import Cache
from dvcx.workspace.scan import Scanned, scan
from dvcx.workspace.state import State


class Side(Protocol):
    """One side of a comparison.

    `unfetched` are paths, bytes and numbers of files that were not here to be looked at; `unread` folders of which it
    is not known what they should hold. Both are complete after `roots`.
    """

    manifest: Manifest
    unfetched: list[tuple[str, int, int]]
    unread: list[str]

    def roots(self, paths: Sequence[str]) -> dict[str, TreeEntry | None]:
        """Gives the tracked data at and below `paths`, or all there is; None for a path that its folder lacks."""

    def load(self, digest: bytes) -> Tree:
        """Gives a tree of this side; raises `MissingData`."""


class CommitSide:
    """What the pointers of a commit say."""

    def __init__(self, manifest: Manifest, load: LoadTree) -> None:
        self.manifest = manifest
        self.unfetched: list[tuple[str, int, int]] = []
        self.unread: list[str] = []
        self._load = load

    def roots(self, paths: Sequence[str]) -> dict[str, TreeEntry | None]:
        """See `Side`. Raises `MissingData` when a path leads through a folder whose tree is not at hand."""
        return _wanted_roots(self.manifest, paths, self._load)

    def load(self, digest: bytes) -> Tree:
        """See `Side`."""
        return self._load(digest)


class WorkspaceSide:
    """What lies in the workspace where its pointers say that something is; what was never fetched counts as there."""

    def __init__(
        self,
        repo: Repo,
        manifest: Manifest,
        cache: Cache,
        state: State,
        load: LoadTree,
        advance: Callable[[int], None],
    ) -> None:
        self.manifest = manifest
        self.unfetched: list[tuple[str, int, int]] = []
        self.unread: list[str] = []
        self._repo = repo
        self._cache = cache
        self._state = state
        self._advance = advance
        self._editor = TreeEditor(repo.algorithm, load)

    def roots(self, paths: Sequence[str]) -> dict[str, TreeEntry | None]:
        """See `Side`. Raises as `scan` does, and as `CommitSide.roots`."""
        wanted = _wanted_roots(self.manifest, paths, self._editor.load)
        return {path: self._present(path, entry) for path, entry in wanted.items()}

    def load(self, digest: bytes) -> Tree:
        """See `Side`."""
        return self._editor.load(digest)

    def _present(self, path: str, wanted: TreeEntry | None) -> TreeEntry | None:
        prefix = str(self._cache.loose.root) + os.sep
        rules = scan_rules(self._repo)
        scanned = scan(self._repo.root, path, self._state, rules, cache_prefix=prefix, advance=self._advance)
        if scanned is not None:
            self._editor.know(scanned.trees)
        if wanted is None or (scanned is not None and scanned.entry.same_content(wanted)):
            return scanned.entry if scanned is not None else None
        if not wanted.is_folder:
            return self._present_file(path, wanted, scanned)
        if not is_at_hand(self._editor.load, wanted.digest):
            return self._present_unread(path, wanted, scanned)
        return self._present_folder(path, wanted, scanned)

    def _present_file(self, path: str, wanted: TreeEntry, scanned: Scanned | None) -> TreeEntry | None:
        if scanned is not None:
            return scanned.entry
        if self._cache.has(wanted.digest):
            return None
        self.unfetched.append((path, wanted.size, 1))
        return wanted

    def _present_unread(self, path: str, wanted: TreeEntry, scanned: Scanned | None) -> TreeEntry:
        if scanned is not None and not (scanned.entry.is_folder and not scanned.entry.files):
            self.unread.append(path)
            return scanned.entry
        self.unfetched.append((path, wanted.size, wanted.files))
        return wanted

    def _present_folder(self, path: str, wanted: TreeEntry, scanned: Scanned | None) -> TreeEntry | None:
        if scanned is not None and not scanned.entry.is_folder:
            return scanned.entry
        load = self._editor.load
        here = scanned.entry if scanned is not None else self._editor.keep(wanted.name, EMPTY_TREE)
        if scanned is None and self._was_never_fetched(wanted):
            kept = wanted  # its links and empty folders were never here either
        else:
            kept, _ = keep_unfetched(wanted, here, self._editor, self._presence(path))
        for change in compare(path, here, kept, load, load):
            if change.new is not None and change.new.files:
                self.unfetched.append((change.path, change.new.size, change.new.files))
        return None if scanned is None and kept.digest == here.digest else kept

    def _presence(self, path: str) -> Presence:
        output = self.manifest.owner_of(path) or path
        load, has = self._editor.load, self._cache.has
        whole = presence_at(self._state, output, is_folder=True, has=has, load=load)
        inner = path[len(output) + 1 :]
        return inner_presence(whole, tuple(inner.split("/")) if inner else (), load)

    def _was_never_fetched(self, folder: TreeEntry) -> bool:
        """Tells whether the cache holds no file of a folder that has some."""
        found = False
        try:
            for _, entry in files_below(folder, "", self._editor.load):
                if entry.is_file:
                    found = True
                    if self._cache.has(entry.digest):
                        return False
        except MissingData:
            return True
        return found


def targets_of(manifest: Manifest, paths: Sequence[str]) -> list[Target]:
    """Gives the tracked data at and below `paths` in a manifest, or all there is; nothing for paths it lacks."""
    if not paths:
        return [Target(path, pointer) for path, pointer in manifest.pointers.items()]
    found: list[Target] = []
    for path in paths:
        owner = manifest.owner_of(path)
        if owner is None:
            found.extend(Target(each, manifest.pointers[each]) for each in manifest.below(path))
        else:
            inner = path[len(owner) + 1 :]
            found.append(Target(owner, manifest.pointers[owner], tuple(inner.split("/")) if inner else ()))
    return found


def _wanted_roots(manifest: Manifest, paths: Sequence[str], load: LoadTree) -> dict[str, TreeEntry | None]:
    found: dict[str, TreeEntry | None] = {}
    for target in targets_of(manifest, paths):
        try:
            found[target.path] = entry_at(entry_of(target.pointer), target.inner, load)
        except MissingData:
            raise listing_missing(target.output, target.output, manifest) from None
    return found
