"""Walking and changing trees that lie in stores: looking up a path, listing files, comparing two, replacing one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from dvcx.base.errors import MissingData
from dvcx.base.hashing import Algorithm
from dvcx.formats.tree_bytes import dump_tree
from dvcx.model.changes import Change, ChangeKind
from dvcx.model.ids import Kind, ObjectId
from dvcx.model.pointer import Pointer
from dvcx.model.tree import EMPTY_TREE, EntryKind, Tree, TreeEntry, folder_entry, make_tree

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


def files_below(
    entry: TreeEntry,
    path: str,
    load: LoadTree,
    *,
    unread: list[tuple[str, TreeEntry]] | None = None,
    empty: list[str] | None = None,
) -> Iterator[tuple[str, TreeEntry]]:
    """Gives every file and link at and below `entry`, which stands at `path`, each with its path, in order.

    Folders whose trees are not at hand go to `unread`; without it raises as `load` does. The paths of folders that
    have nothing in them go to `empty`.
    """
    waiting = [(path, entry)]
    while waiting:
        path, entry = waiting.pop()
        if not entry.is_folder:
            yield path, entry
            continue
        try:
            children = load(entry.digest).entries
        except MissingData:
            if unread is None:
                raise
            unread.append((path, entry))
            continue
        if not children and empty is not None:
            empty.append(path)
        prefix = f"{path}/" if path else ""
        waiting.extend((prefix + child.name, child) for child in reversed(children))


def compare(
    path: str, old: TreeEntry | None, new: TreeEntry | None, load_old: LoadTree, load_new: LoadTree
) -> Iterator[Change]:
    """Gives each file, link and empty folder that differs between `old` and `new`, both standing at `path`, in order.

    Equal folders are not entered. A folder whose tree is not at hand comes as one change of the folder itself.
    """
    waiting = [(path, old, new)]
    while waiting:
        path, old, new = waiting.pop()
        if old is not None and new is not None and old.same_content(new):
            continue
        if (old is not None and old.is_folder) or (new is not None and new.is_folder):
            try:
                olds, news = _children(old, load_old), _children(new, load_new)
            except MissingData:
                yield _change(path, old, new)
                continue
            # One side is a file, or a folder with nothing in it: that shows as itself.
            if old is not None and not (old.is_folder and (olds or new is not None)):
                yield Change(ChangeKind.DELETED, path, old, None)
            if new is not None and not (new.is_folder and (news or old is not None)):
                yield Change(ChangeKind.ADDED, path, None, new)
            names = sorted(olds.keys() | news.keys(), reverse=True)
            waiting.extend((f"{path}/{name}", olds.get(name), news.get(name)) for name in names)
        else:
            yield _change(path, old, new)


def _change(path: str, old: TreeEntry | None, new: TreeEntry | None) -> Change:
    kind = ChangeKind.ADDED if old is None else ChangeKind.DELETED if new is None else ChangeKind.MODIFIED
    return Change(kind, path, old, new)


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
        return self.replace_all(root, {tuple(parts): new})

    def replace_all(self, root: TreeEntry, edits: Mapping[tuple[str, ...], TreeEntry | None]) -> TreeEntry:
        """Gives the folder `root` with every edit made: for each path the new entry, or None for nothing there.

        Does what `replace` does one by one, but makes each tree once. No path may lie below another one.
        """
        if not edits:
            return root
        children = self.load(root.digest).by_name() if root.is_folder else {}
        deeper: dict[str, dict[tuple[str, ...], TreeEntry | None]] = {}
        for parts, new in edits.items():
            if len(parts) > 1:
                deeper.setdefault(parts[0], {})[parts[1:]] = new
            elif new is None:
                children.pop(parts[0], None)
            else:
                children[parts[0]] = new
        for name, inner in deeper.items():
            below = children.get(name)
            if below is None and all(new is None for new in inner.values()):
                continue
            children[name] = self.replace_all(below or self.keep(name, EMPTY_TREE), inner)
        return self.keep(root.name, make_tree(children.values()))

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
