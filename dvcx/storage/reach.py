"""What belongs to tracked files and folders: every object below them, found level by level with bulk reads."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from dvcx.base.paths import MAX_PATH_BYTES
from dvcx.formats.table import Role
from dvcx.formats.tree_bytes import parse_tree
from dvcx.model.tree import EntryKind

_FOLDER, _LINK = int(EntryKind.FOLDER), int(EntryKind.LINK)


class Wanted(NamedTuple):
    """An object that something needs: its digest, whether it is a blob or a tree, its content's length in bytes
    (0 for a tree: not known before it is read), and the path of one place where it is needed."""

    digest: bytes
    role: Role
    size: int
    path: str


class Selection(Protocol):
    """Which part of the tracked data is meant; paths are those of the project, with `/`."""

    def enters(self, folder: str) -> bool:
        """Tells whether anything below the folder can be meant."""

    def takes_all(self, folder: str) -> bool:
        """Tells whether everything below the folder is meant for sure."""

    def takes(self, path: str, size: int) -> bool:
        """Tells whether the file of `size` bytes is meant."""


@dataclass(frozen=True, slots=True)
class Below:
    """Everything at or below one of `paths`."""

    paths: Collection[str]

    def enters(self, folder: str) -> bool:
        """Tells whether the folder is above, at or below one of the paths."""
        return any(_holds(folder, path) or _holds(path, folder) for path in self.paths)

    def takes_all(self, folder: str) -> bool:
        """Tells whether the folder is at or below one of the paths."""
        return any(_holds(path, folder) for path in self.paths)

    def takes(self, path: str, size: int) -> bool:
        """Tells whether the file is at or below one of the paths."""
        return any(_holds(each, path) for each in self.paths)


@dataclass(frozen=True, slots=True)
class AtMost:
    """The files of at most `size` bytes among what `inner` (None: everything) takes."""

    size: int
    inner: Selection | None = None

    def enters(self, folder: str) -> bool:
        """Tells whether anything below the folder can be meant."""
        return self.inner is None or self.inner.enters(folder)

    def takes_all(self, folder: str) -> bool:
        """Never tells so: any folder may have a file that is too large."""
        return False

    def takes(self, path: str, size: int) -> bool:
        """Tells whether the file is small enough and meant."""
        return size <= self.size and (self.inner is None or self.inner.takes(path, size))


def _holds(upper: str, lower: str) -> bool:
    return not upper or upper == lower or lower.startswith(upper + "/")


@dataclass(slots=True)
class Reached:
    """What was found: every object once, by digest.

    `unread` are the trees that no store holds, so what is below them is not known. `trees` has the bytes of those that
    only the fallback had: a download need not read them again.
    """

    wanted: dict[bytes, Wanted] = field(default_factory=dict)
    unread: list[Wanted] = field(default_factory=list)
    trees: dict[bytes, bytes] = field(default_factory=dict)


class TreeSource(Protocol):
    """What trees are read from: any `ObjectStore`, or less."""

    def missing(self, digests: Iterable[bytes]) -> set[bytes]:
        """Gives those of `digests` that it does not hold."""

    def read_many(self, digests: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
        """Gives each of `digests` once with its content, verified, in any order."""


def reachable(
    store: TreeSource,
    roots: Iterable[Wanted],
    *,
    fallback: TreeSource | None = None,
    selection: Selection | None = None,
) -> Reached:
    """Gives the objects of `roots` (tracked files and folders with their paths) and of everything below them.

    Trees are read from `store`, those it does not hold from `fallback`. With a `selection`, trees above what it takes
    are wanted too: they are the way to it. Raises `DamagedData` when a tree is damaged, `Refused` when one has a
    hostile name.
    """
    walk = _Walk()
    for root in roots:
        walk.add(root, selection)
    while walk.level:
        level, walk.level = walk.level, {}
        absent = store.missing(level)
        for digest, data in store.read_many(level.keys() - absent):
            walk.open(level[digest], data)
        if absent and fallback is not None:
            nowhere = fallback.missing(absent)
            for digest, data in fallback.read_many(absent - nowhere):
                walk.reached.trees[digest] = data
                walk.open(level[digest], data)
            absent = nowhere
        walk.reached.unread += [level[digest][0][0] for digest in absent]
    return walk.reached


class _Walk:
    """The state of a walk: trees still to open, by digest, each with the paths where it stands and what is meant there.

    A tree that is meant as a whole is opened once, however many paths lead to it.
    """

    def __init__(self) -> None:
        self.reached = Reached()
        self.level: dict[bytes, list[tuple[Wanted, Selection | None]]] = {}
        self._whole: set[bytes] = set()

    def add(self, each: Wanted, selection: Selection | None) -> None:
        """Takes an object in, when it is meant."""
        wanted = self.reached.wanted
        if each.role is not Role.TREE:
            if each.digest not in wanted and (selection is None or selection.takes(each.path, each.size)):
                wanted[each.digest] = each
            return
        if each.digest in self._whole or (selection and not selection.enters(each.path)):
            return
        if selection is None or selection.takes_all(each.path):
            selection = None
            self._whole.add(each.digest)
        wanted.setdefault(each.digest, each)
        self.level.setdefault(each.digest, []).append((each, selection))

    def open(self, places: list[tuple[Wanted, Selection | None]], data: bytes) -> None:
        """Takes in the entries of a tree with the bytes `data`, for each place where it stands."""
        tree = parse_tree(data, f"the tree of {places[0][0].path or 'a tracked folder'}")
        wanted = self.reached.wanted
        blob = Role.BLOB
        for place, selection in places:
            # Nothing longer can be tracked; the paths of ever deeper folders would take memory without end.
            prefix = f"{place.path[:MAX_PATH_BYTES]}/" if place.path else ""
            for entry in tree.entries:
                # Most entries are files, and there can be millions of them: they go the short way.
                kind, digest = entry.kind, entry.digest
                if kind == _FOLDER:
                    self.add(Wanted(digest, Role.TREE, 0, prefix + entry.name), selection)
                elif kind != _LINK and digest not in wanted:
                    path = prefix + entry.name
                    if selection is None or selection.takes(path, entry.size):
                        wanted[digest] = Wanted(digest, blob, entry.size, path)
