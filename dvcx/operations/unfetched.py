"""Files of a tracked folder that were never here: absent is not deleted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dvcx.base.errors import MissingData
from dvcx.manifest.trees import LoadTree, TreeEditor, entry_at, is_at_hand
from dvcx.model.tree import EntryKind, TreeEntry, make_tree
from dvcx.workspace.state import State


@dataclass(frozen=True, slots=True)
class Presence:
    """What can be known of whether a file was ever in the workspace.

    `baseline` is what dvcx last put there, or recorded from there, when that is known; `has` tells what is cached.
    """

    baseline: TreeEntry | None
    has: Callable[[bytes], bool]

    def below(self, name: str, load: LoadTree) -> Presence:
        """Gives the same for the entry called `name` of this folder."""
        if self.baseline is None:
            return self
        try:
            inner = load(self.baseline.digest).get(name) if self.baseline.is_folder else None
        except MissingData:
            return Presence(None, self.has)
        return Presence(inner or _NOTHING, self.has)

    def was_never_here(self, entry: TreeEntry) -> bool:
        """Tells of a file that is absent now whether it never was here, so that nobody deleted it."""
        if self.baseline is not None and self.baseline.kind == _NOTHING.kind:
            return True
        return entry.is_file and not self.has(entry.digest)


_NOTHING = TreeEntry("", -1, b"", 0, 0)
"""Stands for what dvcx knows not to have put there."""


def presence_at(
    state: State, output: str, *, is_folder: bool, has: Callable[[bytes], bool], load: LoadTree
) -> Presence:
    """Gives what is known of the tracked path `output`."""
    digest = state.baseline(output)
    if digest is None or (is_folder and not is_at_hand(load, digest)):
        return Presence(None, has)
    kind = EntryKind.FOLDER if is_folder else EntryKind.FILE
    return Presence(TreeEntry(output.rsplit("/", 1)[-1], kind, digest, 0, 0), has)


def inner_presence(presence: Presence, parts: tuple[str, ...], load: LoadTree) -> Presence:
    """Gives what is known of the path `parts` inside the tracked folder that `presence` speaks of."""
    if presence.baseline is None:
        return presence
    try:
        return Presence(entry_at(presence.baseline, parts, load) or _NOTHING, presence.has)
    except MissingData:
        return Presence(None, presence.has)


def with_evidence(presence: Presence, old: TreeEntry | None, here: TreeEntry, load: LoadTree) -> Presence:
    """Gives `presence`, or where nothing is known, what the workspace itself shows.

    A folder in which not one file of `old` stands was never checked out here, as in a new clone or worktree: a cache
    that is shared says nothing about it.
    """
    if presence.baseline is not None or old is None or _share_a_file(old, here, load):
        return presence
    return Presence(_NOTHING, presence.has)


def _share_a_file(one: TreeEntry, other: TreeEntry, load: LoadTree) -> bool:
    waiting = [(one, other)]
    while waiting:
        one, other = waiting.pop()
        if not one.is_folder or not other.is_folder:
            if one.is_folder == other.is_folder:
                return True
            continue
        if one.digest == other.digest and one.files:
            return True
        try:
            names = load(other.digest).by_name()
            waiting += [(entry, names[entry.name]) for entry in load(one.digest).entries if entry.name in names]
        except MissingData:
            continue
    return False


def keep_unfetched(
    old: TreeEntry, new: TreeEntry, editor: TreeEditor, presence: Presence, *, guess: bool = False
) -> tuple[TreeEntry, int]:
    """Gives the folder `new` with those files of `old` that are absent from it because they were never here.

    Gives also how many files were kept so. Raises `MissingData` when the tree of a folder that is in both is not at
    hand; with `guess` takes `new` as it is there, which is good enough to show.
    """
    if old.digest == new.digest or (guess and not is_at_hand(editor.load, old.digest)):
        return new, 0
    before = editor.load(old.digest)
    now = editor.load(new.digest).by_name()
    kept = 0
    for entry in before.entries:
        present = now.get(entry.name)
        inner = presence.below(entry.name, editor.load)
        if present is not None:
            if present.is_folder and entry.is_folder:
                now[entry.name], count = keep_unfetched(entry, present, editor, inner, guess=guess)
                kept += count
            continue
        absent, count = _absent_part(entry, editor, inner)
        if absent is not None:
            now[entry.name] = absent
            kept += count
    if not kept:
        return new, 0
    return editor.keep(new.name, make_tree(now.values())), kept


def _absent_part(entry: TreeEntry, editor: TreeEditor, presence: Presence) -> tuple[TreeEntry | None, int]:
    """Gives what of `entry`, which is not in the workspace, was never there; and its number of files."""
    if not entry.is_folder:
        return (entry, 1) if presence.was_never_here(entry) else (None, 0)
    if presence.was_never_here(entry) or not is_at_hand(editor.load, entry.digest):
        return entry, entry.files
    kept: list[TreeEntry] = []
    total = 0
    for child in editor.load(entry.digest).entries:
        part, count = _absent_part(child, editor, presence.below(child.name, editor.load))
        if part is not None:
            kept.append(part)
            total += count
    return (editor.keep(entry.name, make_tree(kept)), total) if kept else (None, 0)
