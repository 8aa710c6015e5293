"""Files of a tracked folder that were never here: absent is not deleted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dvcx.base.errors import MissingData
from dvcx.manifest.trees import LoadTree, TreeEditor, entry_at, is_at_hand
from dvcx.model.tree import EntryKind, TreeEntry, make_tree
from dvcx.workspace.state import State


@dataclass(frozen=True, slots=True)
class Presence:
    """What can be known of whether a file was ever in the workspace.

    `baseline` is what dvcx last put there, or recorded from there, when that is known, and `tracked` what the pointer
    named at that time; `has` tells what is cached.
    """

    baseline: TreeEntry | None
    has: Callable[[bytes], bool]
    tracked: TreeEntry | None = None

    def below(self, name: str, load: LoadTree) -> Presence:
        """Gives the same for the entry called `name` of this folder."""
        return self.inside((name,), load)

    def inside(self, parts: Sequence[str], load: LoadTree) -> Presence:
        """Gives the same for the path `parts` inside this folder."""
        if self.baseline is None or not parts:
            return self
        baseline = _known_at(self.baseline, parts, load)
        return Presence(baseline, self.has, _known_at(self.tracked, parts, load) if self.tracked else None)

    def was_never_here(self, entry: TreeEntry) -> bool:
        """Tells of a file that is absent now whether it never was here, so that nobody deleted it.

        What the pointer did not name either when the rest was put here, came with another revision: that is outdated.
        """
        if _is_nothing(self.baseline):
            return not _is_nothing(self.tracked)
        return entry.is_file and not self.has(entry.digest)

    def is_outdated(self, wanted: TreeEntry | None, here: TreeEntry | None) -> bool:
        """Tells of what is not as the pointer has it whether that is only because the pointer changed since."""
        if self.baseline is None or self.tracked is None or not _is_same(self.baseline, here):
            return False
        return not _is_same(self.tracked, wanted)


_NOTHING = TreeEntry("", -1, b"", 0, 0)
"""Stands for what dvcx knows not to have put there."""


def _is_nothing(entry: TreeEntry | None) -> bool:
    return entry is not None and entry.kind == _NOTHING.kind


def _is_same(known: TreeEntry, entry: TreeEntry | None) -> bool:
    return _is_nothing(known) if entry is None else known.digest == entry.digest


def _known_at(entry: TreeEntry, parts: Sequence[str], load: LoadTree) -> TreeEntry | None:
    try:
        return entry_at(entry, parts, load) or _NOTHING
    except MissingData:
        return None


def presence_at(
    state: State, output: str, *, is_folder: bool, has: Callable[[bytes], bool], load: LoadTree
) -> Presence:
    """Gives what is known of the tracked path `output`."""
    digest = state.baseline(output)
    if digest is None or (is_folder and not is_at_hand(load, digest)):
        return Presence(None, has)
    name, kind = output.rsplit("/", 1)[-1], EntryKind.FOLDER if is_folder else EntryKind.FILE
    tracked = state.tracked_then(output) or digest
    return Presence(TreeEntry(name, kind, digest, 0, 0), has, TreeEntry(name, kind, tracked, 0, 0))


def inside(presence: Presence, output: str, path: str, load: LoadTree) -> Presence:
    """Gives what is known of `path`, which is or lies in the tracked path `output` that `presence` speaks of."""
    return presence.inside(path[len(output) + 1 :].split("/") if path != output else (), load)


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
