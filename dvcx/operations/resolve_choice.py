"""Deciding conflicts in the data of one pointer: which side counts, or both beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from dvcx.base.errors import UsageError
from dvcx.base.paths import fold
from dvcx.manifest.merging import Conflict, conflicts_between
from dvcx.manifest.pointer_merging import MergedPointer, pointer_with
from dvcx.manifest.trees import TreeEditor, entry_at, entry_of
from dvcx.model.pointer import Pointer
from dvcx.model.tree import TreeEntry


class Choice(StrEnum):
    """Whose version counts."""

    OURS = "ours"
    THEIRS = "theirs"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Decided:
    """What is left of a conflict. `beside` are new pointers by their data's path, `renamed` new paths in folders."""

    merged: MergedPointer
    beside: dict[str, Pointer] = field(default_factory=dict)
    renamed: tuple[str, ...] = ()

    @property
    def pointers(self) -> list[Pointer | None]:
        """The pointers whose trees have to be stored."""
        return [self.merged.ours, self.merged.theirs]


Edits = dict[tuple[str, ...], TreeEntry | None]


def decide(
    output: str, merged: MergedPointer, inner: Sequence[tuple[str, ...]], choice: Choice | None, editor: TreeEditor
) -> Decided:
    """Decides the conflicts of `merged` that lie at or below one of the paths `inner` (() is everything) by `choice`.

    With `BOTH` our version keeps the name, and theirs gets one with `.theirs` in it; what one side deleted is kept.
    Raises `UsageError` for a path without a conflict.
    """
    if choice is None or merged.is_clean:
        return Decided(merged)
    chosen = [each for each in merged.conflicts if any(_parts(output, each)[: len(way)] == way for way in inner)]
    for way in inner:
        if way and not any(_parts(output, each)[: len(way)] == way for each in chosen):
            raise UsageError(
                f"{output}/{'/'.join(way)} is not in conflict",
                f"these are: {', '.join(each.path for each in merged.conflicts[:10])}",
            )
    if () in inner and any(each.path == output for each in chosen):
        return _decide_whole(output, merged, choice)
    if merged.ours is None or merged.theirs is None:
        raise UsageError(
            f"one side has deleted all of {output}", f"decide it as a whole: `dvcx resolve --ours {output}`"
        )
    mine, other, renamed = _decided_inside(output, merged, chosen, choice, editor)
    ours, theirs = pointer_with(merged.ours, mine), pointer_with(merged.theirs, other)
    fields = merged.fields
    if () in inner and fields:
        notes = theirs if choice is Choice.THEIRS else ours
        ours, theirs, fields = pointer_with(notes, mine), pointer_with(notes, other), ()
    left = tuple(conflicts_between(output, mine, other, editor.load))
    return Decided(MergedPointer(ours, theirs, left, fields), renamed=tuple(renamed))


def _decide_whole(output: str, merged: MergedPointer, choice: Choice) -> Decided:
    """Decides data that is one file, or of different kinds on both sides, or deleted on one."""
    ours, theirs = merged.ours, merged.theirs
    beside: dict[str, Pointer] = {}
    if choice is Choice.BOTH and ours is not None and theirs is not None:
        name = _name_beside(theirs.name, {ours.name})
        beside[output[: len(output) - len(ours.name)] + name] = replace(theirs, name=name)
    taken = (ours or theirs) if choice is Choice.BOTH else ours if choice is Choice.OURS else theirs
    return Decided(MergedPointer(taken, taken, ()), beside)


def _decided_inside(
    output: str, merged: MergedPointer, chosen: Sequence[Conflict], choice: Choice, editor: TreeEditor
) -> tuple[TreeEntry, TreeEntry, list[str]]:
    """Gives both halves with the conflicts `chosen` decided, and the new names."""
    assert merged.ours is not None and merged.theirs is not None
    mine, other = entry_of(merged.ours), entry_of(merged.theirs)
    for_mine: Edits = {}
    for_other: Edits = {}
    renamed = []
    for conflict in chosen:
        parts = _parts(output, conflict)
        if choice is Choice.BOTH and conflict.ours is not None and conflict.theirs is not None:
            name = _name_beside(parts[-1], _names_around(parts, (mine, other), editor, for_mine))
            new = (*parts[:-1], name)
            moved = _renamed(conflict.theirs, name)
            for_mine[new] = for_other[new] = moved
            for_other[parts] = conflict.ours
            renamed.append("/".join((output, *new)))
        elif choice is Choice.BOTH:
            kept = conflict.ours or conflict.theirs
            assert kept is not None
            name = parts[-1]
            if conflict.ours is None and _has_twin(parts, mine, editor):
                name = _name_beside(name, _names_around(parts, (mine, other), editor, for_mine))
                renamed.append("/".join((output, *parts[:-1], name)))
                for_other[parts] = None
            new = (*parts[:-1], name)
            for_mine[new] = for_other[new] = _renamed(kept, name)
        elif choice is Choice.OURS:
            for_other[parts] = conflict.ours
        else:
            for_mine[parts] = conflict.theirs
    return editor.replace_all(mine, for_mine), editor.replace_all(other, for_other), renamed


def _parts(output: str, conflict: Conflict) -> tuple[str, ...]:
    return tuple(conflict.path[len(output) + 1 :].split("/")) if conflict.path != output else ()


def _renamed(entry: TreeEntry, name: str) -> TreeEntry:
    return TreeEntry(name, entry.kind, entry.digest, entry.size, entry.files)


def _names_around(
    parts: tuple[str, ...], halves: tuple[TreeEntry, TreeEntry], editor: TreeEditor, edits: Edits
) -> set[str]:
    """Gives the names in the folder of `parts`, in both halves and as decided so far."""
    names = {way[-1] for way in edits if way[:-1] == parts[:-1]}
    for half in halves:
        folder = entry_at(half, parts[:-1], editor.load)
        if folder is not None and folder.is_folder:
            names.update(entry.name for entry in editor.load(folder.digest).entries)
    return names


def _has_twin(parts: tuple[str, ...], half: TreeEntry, editor: TreeEditor) -> bool:
    folder = entry_at(half, parts[:-1], editor.load)
    if folder is None or not folder.is_folder:
        return False
    folded = fold(parts[-1])
    return any(fold(entry.name) == folded for entry in editor.load(folder.digest).entries)


def _name_beside(name: str, taken: set[str]) -> str:
    """Gives a free name for their version: `a.theirs.csv` for `a.csv`."""
    stem, dot, ending = name.rpartition(".")
    if not stem:
        stem, dot, ending = name, "", ""
    folded = {fold(each) for each in taken}
    number = 1
    while True:
        new = f"{stem}.theirs{'' if number == 1 else f'-{number}'}{dot}{ending}"
        if fold(new) not in folded:
            return new
        number += 1
