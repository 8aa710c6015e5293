"""Walking and changing trees that lie in stores: looking up a path, listing files, comparing two, replacing one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from dvcx.base.errors import MissingData
from dvcx.base.hashing import Algorithm
from dvcx.formats.tree_bytes import dump_tree
from dvcx.model.changes import Change, ChangeKind
from dvcx.model.ids import Kind, ObjectId
from dvcx.model.pointer import Pointer
from dvcx.model.tree import EMPTY_TREE, EntryKind, Tree, TreeEntry, folder_entry

LoadTree = Callable[[bytes], Tree]
"""Gives the tree of a digest; raises `MissingData` when it is not at hand."""


def entry_of(pointer: Pointer) -> TreeEntry:
    """Gives the entry that a pointer stands for."""
    if pointer.is_folder:
        return TreeEntry(pointer.name, EntryKind.FOLDER, pointer.id.digest, pointer.size, pointer.files or 0)
    kind = EntryKind.EXECUTABLE if pointer.executable else EntryKind.FILE
    return TreeEntry(pointer.name, kind, pointer.id.digest, pointer.size, 1)


def id_of(entry: TreeEntry, algorithm: Algorithm) -> ObjectId:
    """Gives the object id of a file's or folder's entry."""
    return ObjectId(algorithm.name, entry.digest, Kind.TREE if entry.is_folder else Kind.BLOB)


def entry_at(entry: TreeEntry, parts: Sequence[str], load: LoadTree) -> TreeEntry | None:
    """Gives the entry at the path `parts` below `entry`, or None when there is none; raises as `load` does."""
    for part in parts:
        if not entry.is_folder:
            return None
        inner = load(entry.digest).get(part)
        if inner is None:
            return None
        entry = inner
    return entry


def files_below(entry: TreeEntry, path: str, load: LoadTree) -> Iterator[tuple[str, TreeEntry]]:
    """Gives every file and link at and below `entry`, which stands at `path`, each with its path."""
    if not entry.is_folder:
        yield path, entry
        return
    for child in load(entry.digest).entries:
        yield from files_below(child, f"{path}/{child.name}" if path else child.name, load)


def empty_folders_below(entry: TreeEntry, path: str, load: LoadTree) -> Iterator[tuple[str, TreeEntry]]:
    """Gives every folder at and below `entry` that holds nothing."""
    if entry.is_folder:
        children = load(entry.digest).entries
        if not children:
            yield path, entry
        for child in children:
            yield from empty_folders_below(child, f"{path}/{child.name}" if path else child.name, load)


def compare(
    path: str, old: TreeEntry | None, new: TreeEntry | None, load_old: LoadTree, load_new: LoadTree
) -> Iterator[Change]:
    """Gives each file, link and empty folder that differs between `old` and `new`, both standing at `path`.

    Equal folders are not entered. A folder whose tree is not at hand comes as one change of the folder itself.
    """
    if old is not None and new is not None and old.same_content(new):
        return
    if (old is not None and old.is_folder) or (new is not None and new.is_folder):
        try:
            olds, news = _children(old, load_old), _children(new, load_new)
        except MissingData:
            kind = ChangeKind.ADDED if old is None else ChangeKind.DELETED if new is None else ChangeKind.MODIFIED
            yield Change(kind, path, old, new)
            return
        if old is not None and not old.is_folder:
            yield Change(ChangeKind.DELETED, path, old, None)
        if new is not None and not new.is_folder:
            yield Change(ChangeKind.ADDED, path, None, new)
        if old is None and not news:
            yield Change(ChangeKind.ADDED, path, None, new)
        if new is None and not olds:
            yield Change(ChangeKind.DELETED, path, old, None)
        for name in sorted(olds.keys() | news.keys()):
            yield from compare(f"{path}/{name}", olds.get(name), news.get(name), load_old, load_new)
    elif old is None:
        yield Change(ChangeKind.ADDED, path, None, new)
    elif new is None:
        yield Change(ChangeKind.DELETED, path, old, None)
    else:
        yield Change(ChangeKind.MODIFIED, path, old, new)


def _children(entry: TreeEntry | None, load: LoadTree) -> dict[str, TreeEntry]:
    if entry is None or not entry.is_folder:
        return {}
    return load(entry.digest).by_name()


class TreeEditor:
    """Replaces entries deep inside trees; remembers the new trees until they are stored."""

    def __init__(self, algorithm: Algorithm, load: LoadTree) -> None:
        self._algorithm = algorithm
        self._load_stored = load
        self._made: dict[bytes, tuple[Tree, bytes]] = {}
        self._known: dict[bytes, Tree] = {}

    def know(self, trees: Mapping[bytes, Tree]) -> None:
        """Takes note of trees that are stored by someone else, such as those of a scan."""
        self._known.update(trees)

    def load(self, digest: bytes) -> Tree:
        """Gives a tree, one made here or a stored one."""
        made = self._made.get(digest)
        if made is not None:
            return made[0]
        known = self._known.get(digest)
        return known if known is not None else self._load_stored(digest)

    def keep(self, name: str, tree: Tree) -> TreeEntry:
        """Gives the entry of a folder called `name` with these children."""
        data = dump_tree(tree)
        digest = self._algorithm.of(data)
        self._made[digest] = tree, data
        return folder_entry(name, digest, tree)

    def replace(self, root: TreeEntry, parts: Sequence[str], new: TreeEntry | None) -> TreeEntry:
        """Gives the folder `root` with `new` at the path `parts`, or with nothing there for None.

        Missing folders on the way are made. Raises as loading does.
        """
        tree = self.load(root.digest) if root.is_folder else EMPTY_TREE
        name = parts[0]
        if len(parts) == 1:
            changed = tree.without(name) if new is None else tree.with_entry(new)
        else:
            inner = tree.get(name)
            if inner is None and new is None:
                return root
            below = inner if inner is not None else self.keep(name, EMPTY_TREE)
            changed = tree.with_entry(self.replace(below, parts[1:], new))
        return self.keep(root.name, changed)

    def made_below(self, entry: TreeEntry) -> Iterator[tuple[bytes, bytes]]:
        """Gives digest and bytes of the trees made here that `entry` needs, children before parents."""
        if not entry.is_folder or entry.digest not in self._made:
            return
        tree, data = self._made[entry.digest]
        for child in tree.entries:
            yield from self.made_below(child)
        yield entry.digest, data


def is_at_hand(load: LoadTree, digest: bytes, is_folder: bool = True) -> bool:
    """Tells whether the tree of a folder can be loaded; a file needs none."""
    if not is_folder:
        return True
    try:
        load(digest)
    except MissingData:
        return False
    return True
