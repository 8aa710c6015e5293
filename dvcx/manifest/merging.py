"""Three-way merges of trees, entry by entry: only what both sides changed differently is a conflict."""

from __future__ import annotations

from dataclasses import dataclass, field

from dvcx.base.paths import fold
from dvcx.manifest.trees import LoadTree, TreeEditor
from dvcx.model.tree import TreeEntry, make_tree


@dataclass(frozen=True, slots=True)
class Conflict:
    """A path that the two sides made different things of; a side that has nothing there is None."""

    path: str
    ours: TreeEntry | None
    theirs: TreeEntry | None


@dataclass(frozen=True, slots=True)
class Merged:
    """A merge in two halves, which are equal where nothing is in conflict.

    `ours` has the changes of both sides and, in each conflict, what our side has there; `theirs` the same with the
    other side's. So either half alone is a complete result.
    """

    ours: TreeEntry | None
    theirs: TreeEntry | None
    conflicts: tuple[Conflict, ...] = ()


@dataclass(slots=True)
class _Half:
    """One half of a merged folder while it is being made."""

    entries: list[TreeEntry] = field(default_factory=list)
    differs: bool = False

    def take(self, entry: TreeEntry | None) -> None:
        if entry is not None:
            self.entries.append(entry)


def merge_entries(
    path: str,
    base: TreeEntry | None,
    ours: TreeEntry | None,
    theirs: TreeEntry | None,
    editor: TreeEditor,
    *,
    portable_names: bool,
) -> Merged:
    """Merges what `ours` and `theirs` made of `base`, all standing at `path`; `editor` keeps the new trees.

    Folders that a side left as they were are not entered. A file that both changed is a conflict, and so is one that
    was changed on one side and deleted on the other; its content and its executable bit merge one by one. With
    `portable_names` two new names that differ only in case or Unicode form are a conflict, too. Raises as the
    editor's loading does.
    """
    merging = _Merging(editor, portable_names)
    mine, other = merging.merge(path, base, ours, theirs)
    by_path = {conflict.path: conflict for conflict in merging.conflicts}
    return Merged(mine, other, tuple(by_path[each] for each in sorted(by_path)))


class _Merging:
    def __init__(self, editor: TreeEditor, portable_names: bool) -> None:
        self._editor = editor
        self._portable_names = portable_names
        self.conflicts: list[Conflict] = []

    def merge(
        self, path: str, base: TreeEntry | None, ours: TreeEntry | None, theirs: TreeEntry | None
    ) -> tuple[TreeEntry | None, TreeEntry | None]:
        """Gives both halves of what becomes of one path."""
        if _same(ours, theirs) or _same(base, theirs):
            return ours, ours
        if _same(base, ours):
            return theirs, theirs
        if _is_folder(ours) and _is_folder(theirs):
            return self._merge_folders(path, base, ours, theirs)
        if _is_folder(base) and ((ours is None and _is_folder(theirs)) or (theirs is None and _is_folder(ours))):
            # One side deleted the folder, the other changed it: what it changed is the conflict, not the folder.
            return self._merge_folders(path, base, ours, theirs)
        joined = _joined(base, ours, theirs)
        if joined is not None:
            return joined, joined
        self.conflicts.append(Conflict(path, ours, theirs))
        return ours, theirs

    def _merge_folders(
        self, path: str, base: TreeEntry | None, ours: TreeEntry | None, theirs: TreeEntry | None
    ) -> tuple[TreeEntry | None, TreeEntry | None]:
        bases, mine, others = (self._children(entry) for entry in (base, ours, theirs))
        halves = _Half(), _Half()
        only_mine: list[str] = []
        for name, entry in mine.items():
            other = others.get(name)
            if entry == other:
                for half in halves:
                    half.entries.append(entry)
                continue
            if self._put(halves, self.merge(f"{path}/{name}", bases.get(name), entry, other)) and other is None:
                only_mine.append(name)
        only_theirs: list[str] = []
        for name, entry in others.items():
            if name not in mine and self._put(halves, self.merge(f"{path}/{name}", bases.get(name), None, entry)):
                only_theirs.append(name)
        if self._portable_names and only_mine and only_theirs:
            self._keep_twins_apart(path, halves, only_mine, only_theirs)
        made = ours or theirs
        assert made is not None
        was_deleted = ours is None or theirs is None
        first = self._made(made.name, halves[0], was_deleted)
        return first, self._made(made.name, halves[1], was_deleted) if any(half.differs for half in halves) else first

    def _put(self, halves: tuple[_Half, _Half], found: tuple[TreeEntry | None, TreeEntry | None]) -> bool:
        """Puts what became of a name into both halves; tells whether it is in one of them."""
        for half, entry in zip(halves, found, strict=True):
            half.take(entry)
            half.differs = half.differs or found[0] is not found[1]
        return found != (None, None)

    def _keep_twins_apart(
        self, path: str, halves: tuple[_Half, _Half], only_mine: list[str], only_theirs: list[str]
    ) -> None:
        name_by_fold = {fold(name): name for name in only_mine}
        for name in only_theirs:
            twin = name_by_fold.get(fold(name))
            if twin is None:
                continue
            mine, other = (
                next((entry for entry in half.entries if entry.name == wanted), None)
                for half, wanted in zip(halves, (twin, name), strict=True)
            )
            if mine is None or other is None:
                continue  # in conflict already, each in its half
            halves[0].entries = [entry for entry in halves[0].entries if entry.name != name]
            halves[1].entries = [entry for entry in halves[1].entries if entry.name != twin]
            halves[0].differs = True
            self.conflicts += [Conflict(f"{path}/{twin}", mine, None), Conflict(f"{path}/{name}", None, other)]

    def _made(self, name: str, half: _Half, was_deleted: bool) -> TreeEntry | None:
        if was_deleted and not half.entries:
            return None
        return self._editor.keep(name, make_tree(half.entries))

    def _children(self, entry: TreeEntry | None) -> dict[str, TreeEntry]:
        if entry is None or not entry.is_folder:
            return {}
        return self._editor.load(entry.digest).by_name()


def _same(one: TreeEntry | None, other: TreeEntry | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.same_content(other)


def _is_folder(entry: TreeEntry | None) -> bool:
    return entry is not None and entry.is_folder


def _joined(base: TreeEntry | None, ours: TreeEntry | None, theirs: TreeEntry | None) -> TreeEntry | None:
    """Gives a file whose content one side changed and whose executable bit the other did, or None."""
    if base is None or ours is None or theirs is None or not (base.is_file and ours.is_file and theirs.is_file):
        return None
    if ours.digest != theirs.digest and base.digest not in (ours.digest, theirs.digest):
        return None
    content = theirs if ours.digest == base.digest else ours
    kind = theirs.kind if ours.kind == base.kind else ours.kind
    return TreeEntry(ours.name, kind, content.digest, content.size, 1)


def conflicts_between(path: str, ours: TreeEntry | None, theirs: TreeEntry | None, load: LoadTree) -> list[Conflict]:
    """Gives what is still to be decided between the two halves of a merge that stand at `path`; raises as `load`."""
    found: list[Conflict] = []
    waiting = [(path, ours, theirs)]
    while waiting:
        path, ours, theirs = waiting.pop()
        if _same(ours, theirs):
            continue
        if ours is None or theirs is None or not (ours.is_folder and theirs.is_folder):
            found.append(Conflict(path, ours, theirs))
            continue
        mine, others = load(ours.digest).by_name(), load(theirs.digest).by_name()
        names = sorted(mine.keys() | others.keys(), reverse=True)
        waiting.extend((f"{path}/{name}", mine.get(name), others.get(name)) for name in names)
    return found
