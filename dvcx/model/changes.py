"""Changes: what differs between two states of tracked data, file by file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dvcx.model.tree import TreeEntry


class ChangeKind(StrEnum):
    """How a path differs between an old and a new state."""

    ADDED = "added"
    DELETED = "deleted"
    MODIFIED = "modified"
    RENAMED = "renamed"


@dataclass(frozen=True, slots=True)
class Change:
    """One path that differs; `old_path` is set for a rename. `old` and `new` are the entries on each side."""

    kind: ChangeKind
    path: str
    old: TreeEntry | None = None
    new: TreeEntry | None = None
    old_path: str | None = None


@dataclass(frozen=True, slots=True)
class PathChange:
    """One file that differs: `added`, `deleted`, `modified` or `renamed` (then `old_path` is set). Sizes in bytes."""

    change: str
    path: str
    old_path: str | None
    old_size: int | None
    new_size: int | None


def path_change(change: Change) -> PathChange:
    """Gives a change for people: sizes instead of entries."""
    return PathChange(
        change.kind.value,
        change.path,
        change.old_path,
        change.old.size if change.old else None,
        change.new.size if change.new else None,
    )


def pair_renames(changes: list[Change]) -> list[Change]:
    """Gives `changes` with each deleted and added pair of one content joined into a rename, sorted by path.

    Contents are compared by digest and kind. Empty files are never paired: they are all alike.
    """
    deleted: dict[tuple[bytes, int], list[Change]] = {}
    for change in changes:
        if change.kind is ChangeKind.DELETED and change.old is not None and change.old.size:
            deleted.setdefault((change.old.digest, change.old.kind), []).append(change)
    paired: set[str] = set()
    result: list[Change] = []
    for change in changes:
        if change.kind is ChangeKind.ADDED and change.new is not None:
            candidates = deleted.get((change.new.digest, change.new.kind))
            if candidates:
                origin = candidates.pop(0)
                paired.add(origin.path)
                result.append(Change(ChangeKind.RENAMED, change.path, origin.old, change.new, origin.path))
                continue
        result.append(change)
    kept = (c for c in result if not (c.kind is ChangeKind.DELETED and c.path in paired))
    return sorted(kept, key=lambda change: change.path)
