"""Three-way merges of pointers: the data entry by entry, the notes field by field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from dvcx.manifest.merging import Conflict, merge_entries
from dvcx.manifest.trees import TreeEditor, entry_of
from dvcx.model.ids import Kind, ObjectId
from dvcx.model.pointer import Pointer
from dvcx.model.tree import EntryKind, TreeEntry

_NOTES = ("desc", "labels", "source", "frozen")


@dataclass(frozen=True, slots=True)
class MergedPointer:
    """A merge of pointers in two halves, as `merging.Merged` has it; `fields` are the notes that are in conflict.

    A half is None when its side has deleted the data.
    """

    ours: Pointer | None
    theirs: Pointer | None
    conflicts: tuple[Conflict, ...]
    fields: tuple[str, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Tells whether nothing is left to decide."""
        return not self.conflicts and not self.fields


def merge_pointers(
    path: str,
    base: Pointer | None,
    ours: Pointer | None,
    theirs: Pointer | None,
    editor: TreeEditor,
    *,
    portable_names: bool,
) -> MergedPointer:
    """Merges what `ours` and `theirs` made of the pointer `base` of the data at `path`.

    A side without the data is None. Raises as the editor's loading does.
    """
    if (ours is None) != (theirs is None) and base is not None and base not in (ours, theirs):
        # Not to track data any more is a decision about all of it, unlike a folder inside that was deleted.
        return MergedPointer(ours, theirs, (Conflict(path, entry_if_any(ours), entry_if_any(theirs)),))
    before, mine, other = entry_if_any(base), entry_if_any(ours), entry_if_any(theirs)
    merged = merge_entries(path, before, mine, other, editor, portable_names=portable_names)
    if ours is None or theirs is None:
        kept = ours or theirs
        first_half, second_half = (
            pointer_with(kept, entry) if kept is not None and entry is not None else None
            for entry in (merged.ours, merged.theirs)
        )
        return MergedPointer(first_half, second_half, merged.conflicts)
    first, fields = _merge_notes(base, ours, theirs)
    second, _ = _merge_notes(base, theirs, ours)
    return MergedPointer(
        pointer_with(first, merged.ours) if merged.ours is not None else None,
        pointer_with(second, merged.theirs) if merged.theirs is not None else None,
        merged.conflicts,
        fields,
    )


def entry_if_any(pointer: Pointer | None) -> TreeEntry | None:
    """Gives the entry that a pointer stands for; None for none."""
    return entry_of(pointer) if pointer is not None else None


def pointer_with(pointer: Pointer, entry: TreeEntry) -> Pointer:
    """Gives `pointer` with its notes and with the data that `entry` names."""
    kind = Kind.TREE if entry.is_folder else Kind.BLOB
    return replace(
        pointer,
        id=ObjectId(pointer.id.algorithm, entry.digest, kind),
        size=entry.size,
        files=entry.files if entry.is_folder else None,
        executable=entry.kind == EntryKind.EXECUTABLE,
    )


def _merge_notes(base: Pointer | None, ours: Pointer, theirs: Pointer) -> tuple[Pointer, tuple[str, ...]]:
    """Gives `ours` with what the other side did to the notes, ours where both did, and the fields where both did."""
    conflicts: list[str] = []
    changed: dict[str, object] = {}
    for name in _NOTES:
        before = getattr(base, name) if base is not None else None
        mine, other = getattr(ours, name), getattr(theirs, name)
        if base is None:
            # Without an ancestor a note that one side lacks is one that it did not know of.
            changed[name] = mine or other
            clash = bool(mine and other and mine != other)
        else:
            changed[name] = other if mine == before else mine
            clash = mine != other and before not in (mine, other)
        conflicts += [name] if clash else []
    for name in ("meta", "extra"):
        before = getattr(base, name) if base is not None else {}
        changed[name], clashes = _merge_mappings(before, getattr(ours, name), getattr(theirs, name))
        conflicts += [f"meta.{key}" if name == "meta" else key for key in clashes]
    return replace(ours, **changed), tuple(conflicts)  # type: ignore[arg-type]


def _merge_mappings(
    base: Mapping[str, object], ours: Mapping[str, object], theirs: Mapping[str, object]
) -> tuple[dict[str, object], list[str]]:
    merged: dict[str, object] = {}
    conflicts = []
    for key in dict.fromkeys([*ours, *theirs]):
        before, mine, other = (each.get(key, _ABSENT) for each in (base, ours, theirs))
        value = other if mine == before else mine
        if mine != other and before not in (mine, other):
            conflicts.append(key)
        if value is not _ABSENT:
            merged[key] = value
    return merged, conflicts


_ABSENT = object()
