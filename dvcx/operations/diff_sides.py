"""The two sides of a comparison: what a commit says, and what lies in the workspace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from dvcx.base.errors import MissingData
from dvcx.manifest.manifest import Manifest
from dvcx.manifest.trees import LoadTree, TreeEditor, compare, entry_at, entry_of, is_at_hand
from dvcx.model.tree import EMPTY_TREE, Tree, TreeEntry
from dvcx.operations.listings import listing_missing
from dvcx.operations.looking import look
from dvcx.operations.targets import Target
from dvcx.operations.unfetched import keep_unfetched, presence_at, with_evidence
from dvcx.repo.record import Repo
from dvcx.storage.cache import Cache
from dvcx.workspace.state import State


class Side(Protocol):
    """One side of a comparison.

    `absent` are paths, bytes and numbers of files that never were in the workspace; `unread` folders of which it
    is not known what they should hold. Both are complete after `roots`.
    """

    manifest: Manifest
    absent: list[tuple[str, int, int]]
    unread: list[str]

    def roots(self, paths: Sequence[str]) -> dict[str, TreeEntry | None]:
        """Gives the tracked data at and below `paths`, or all there is; None for a path that its folder lacks."""

    def load(self, digest: bytes) -> Tree:
        """Gives a tree of this side; raises `MissingData`."""


class CommitSide:
    """What the pointers of a commit say."""

    def __init__(self, manifest: Manifest, load: LoadTree) -> None:
        self.manifest = manifest
        self.absent: list[tuple[str, int, int]] = []
        self.unread: list[str] = []
        self._load = load

    def roots(self, paths: Sequence[str]) -> dict[str, TreeEntry | None]:
        """See `Side`. Raises `MissingData` when a path leads through a folder whose tree is not at hand."""
        return {each.path: _wanted(each, self.manifest, self._load) for each in targets_of(self.manifest, paths)}

    def load(self, digest: bytes) -> Tree:
        """See `Side`."""
        return self._load(digest)


class WorkspaceSide:
    """What lies in the workspace where its pointers say that something is; what never was here counts as the pointers
    have it: absent is not deleted."""

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
        self.absent: list[tuple[str, int, int]] = []
        self.unread: list[str] = []
        self._repo = repo
        self._cache = cache
        self._state = state
        self._advance = advance
        self._editor = TreeEditor(repo.algorithm, load)

    def roots(self, paths: Sequence[str]) -> dict[str, TreeEntry | None]:
        """See `Side`. Raises as `look` does, and as `CommitSide.roots`."""
        targets = targets_of(self.manifest, paths)
        return {each.path: self._present(each, _wanted(each, self.manifest, self.load)) for each in targets}

    def load(self, digest: bytes) -> Tree:
        """See `Side`."""
        return self._editor.load(digest)

    def _present(self, target: Target, wanted: TreeEntry | None) -> TreeEntry | None:
        scanned = look(self._repo, self._cache, self._state, target.path, target.output, advance=self._advance)
        here = scanned.entry if scanned is not None else None
        if scanned is not None:
            self._editor.know(scanned.trees)
        if wanted is None or (here is not None and (here.same_content(wanted) or here.is_folder != wanted.is_folder)):
            return here
        if wanted.is_folder and not is_at_hand(self.load, wanted.digest):
            return self._present_unread(target.path, wanted, here)
        return self._with_absent(target, wanted, here)

    def _present_unread(self, path: str, wanted: TreeEntry, here: TreeEntry | None) -> TreeEntry:
        if here is not None and here.files:
            self.unread.append(path)
            return here
        return self._absent(path, wanted)

    def _with_absent(self, target: Target, wanted: TreeEntry, here: TreeEntry | None) -> TreeEntry | None:
        presence = presence_at(
            self._state, target.output, is_folder=target.pointer.is_folder, has=self._cache.has, load=self.load
        )
        if here is None and presence.baseline is None and not target.inner:
            return self._absent(target.path, wanted)
        presence = presence.inside(target.inner, self.load)
        if here is not None:
            presence = with_evidence(presence, wanted, here, self.load)
        if not wanted.is_folder:
            return self._absent(target.path, wanted) if here is None and presence.was_never_here(wanted) else here
        before = here or self._editor.keep(wanted.name, EMPTY_TREE)
        kept, _ = keep_unfetched(wanted, before, self._editor, presence, guess=True)
        for change in compare(target.path, before, kept, self.load, self.load):
            if change.new is not None and change.new.files:
                self._absent(change.path, change.new)
        return None if here is None and kept.digest == before.digest else kept

    def _absent(self, path: str, entry: TreeEntry) -> TreeEntry:
        self.absent.append((path, entry.size, entry.files))
        return entry


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


def _wanted(target: Target, manifest: Manifest, load: LoadTree) -> TreeEntry | None:
    try:
        return entry_at(entry_of(target.pointer), target.inner, load)
    except MissingData:
        raise listing_missing(target.output, target.output, manifest) from None
