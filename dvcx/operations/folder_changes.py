"""Which files changed inside the folders that a stage depends on or makes, since its last run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from dvcx.base.errors import DvcxError, MissingData
from dvcx.manifest.files import pointer_of
from dvcx.manifest.trees import LoadTree, compare, entry_of
from dvcx.model.changes import Change, ChangeKind, pair_renames, path_change
from dvcx.model.ids import Kind, ObjectId
from dvcx.model.run_record import Recorded
from dvcx.model.tree import Tree, TreeEntry
from dvcx.pipeline.present import Present
from dvcx.pipeline.seen_folders import SeenFolders
from dvcx.pipeline.staleness import Cause, FolderChanges, How, Reason

FEW = 10
"""So many changed files of a folder go with a reason, for those who do not ask for all."""


@dataclass(frozen=True, slots=True)
class FolderComparer:
    """Compares folders as runs recorded them with what they are now; each pair is compared once in a command.

    `load` gives trees of the cache, `seen` those of other folders as stages ran with them.
    """

    load: LoadTree
    seen: SeenFolders
    present: Present
    known: dict[tuple[str, ObjectId, ObjectId], FolderChanges | None] = field(default_factory=dict)

    def explained(
        self,
        reasons: Iterable[Reason],
        pairs: Mapping[tuple[Cause, str], tuple[Recorded, Recorded]],
        path_of: Callable[[str], str],
        *,
        most: int | None = FEW,
        old_trees: Mapping[bytes, Tree] = {},
    ) -> list[Reason]:
        """Gives the reasons, those of changed folders with what changed inside, at most `most` files of each.

        `pairs` are the recorded and the present state by cause and name, `path_of` gives the project path of a name,
        `old_trees` are trees that are known otherwise. What cannot be told stays untold.
        """
        found = []
        for each in reasons:
            pair = pairs.get((each.cause, each.name)) if each.how is How.CHANGED else None
            inside = self._changes(each.name, *pair, path_of(each.name), old_trees) if pair is not None else None
            if inside is not None and most is not None:
                inside = replace(inside, files=inside.files[:most])
            found.append(each if inside is None else replace(each, inside=inside))
        return found

    def trees_at(self, path: str) -> LoadTree:
        """Gives what loads the trees of the folder that lies at a project path, else those of the cache.

        Raises `OSError` for what cannot be read.
        """
        here = self.present.trees(path)
        return lambda digest: _either(digest, here, self.load)

    def _changes(
        self, name: str, old: Recorded, new: Recorded, path: str, old_trees: Mapping[bytes, Tree]
    ) -> FolderChanges | None:
        if old.id is None or new.id is None or Kind.TREE not in (old.id.kind, new.id.kind) or path.startswith("/"):
            return None
        key = (name, old.id, new.id)
        if old_trees or key not in self.known:
            self.known[key] = self._compared(name, old, new, path, old_trees)
        return self.known[key]

    def _compared(
        self, name: str, old: Recorded, new: Recorded, path: str, old_trees: Mapping[bytes, Tree]
    ) -> FolderChanges | None:
        before, now = entry_of(pointer_of(old)), entry_of(pointer_of(new))
        load_old = _first_of(old_trees, self.load, lambda: self.seen.trees(before.digest))
        try:
            changes = list(compare(name, before, now, load_old, self.trees_at(path)))
        except (OSError, DvcxError):
            return None
        return None if _is_untold(changes, name) else _counted(changes)


def changed_pairs(
    cause: Cause, olds: Sequence[Recorded], news: Iterable[Recorded | None]
) -> dict[tuple[Cause, str], tuple[Recorded, Recorded]]:
    """Gives the recorded and the present state of what is in both, by cause and name; patterns by their members."""
    old_by_text = {each.text: each for out in olds for each in out.members or (out,)}
    present = (each for out in news if out is not None for each in out.members or (out,))
    return {(cause, each.text): (old_by_text[each.text], each) for each in present if each.text in old_by_text}


def _first_of(known: Mapping[bytes, Tree], load: LoadTree, more: Callable[[], Mapping[bytes, Tree]]) -> LoadTree:
    """Gives a loader that asks `known`, then `load`, and only then, once, for `more`."""
    late: dict[bytes, Tree] | None = None

    def loaded(digest: bytes) -> Tree:
        nonlocal late
        if digest in known:
            return known[digest]
        try:
            return load(digest)
        except MissingData:
            late = dict(more()) if late is None else late
            if digest not in late:
                raise
            return late[digest]

    return loaded


def _either(digest: bytes, one: LoadTree, other: LoadTree) -> Tree:
    try:
        return one(digest)
    except MissingData:
        return other(digest)


def _is_untold(changes: Sequence[Change], name: str) -> bool:
    """Tells whether all that could be told is that the folder itself changed."""
    return len(changes) == 1 and changes[0].path == name and any(map(_is_folder, (changes[0].old, changes[0].new)))


def _is_folder(entry: TreeEntry | None) -> bool:
    return entry is not None and entry.is_folder and entry.files > 0


def _counted(changes: list[Change]) -> FolderChanges:
    files = tuple(map(path_change, pair_renames(changes)))
    counts = Counter(each.change for each in files)
    return FolderChanges({kind.value: counts[kind.value] for kind in ChangeKind if counts[kind.value]}, files)
