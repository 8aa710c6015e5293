"""A tree: one level of a folder, each name with what it is and the digest of its content."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum

import msgspec


class EntryKind(IntEnum):
    """What a name in a folder is.

    `FOREIGN` is found in workspaces only: a socket, a link that leads out, a name that cannot be tracked. It is in
    no tree that is stored; its digest says what it is, so that it equals nothing that is.
    """

    FILE = 0
    EXECUTABLE = 1
    FOLDER = 2
    LINK = 3
    FOREIGN = 64


class TreeEntry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One name in a folder.

    `digest` names the content of a file or the tree of a folder; of a symbolic link it is the target's text in UTF-8.
    `size` is in bytes and `files` counts files; a folder's are the sums of all below it.
    """

    name: str
    kind: int
    digest: bytes
    size: int
    files: int

    @property
    def is_folder(self) -> bool:
        """Tells whether the entry is a folder."""
        return self.kind == EntryKind.FOLDER

    @property
    def is_link(self) -> bool:
        """Tells whether the entry is a symbolic link."""
        return self.kind == EntryKind.LINK

    @property
    def is_file(self) -> bool:
        """Tells whether the entry is a file with content, executable or not."""
        return self.kind <= EntryKind.EXECUTABLE

    @property
    def target(self) -> str:
        """The target of a symbolic link."""
        return self.digest.decode("utf-8")

    def same_content(self, other: TreeEntry) -> bool:
        """Tells whether both are the same thing apart from their names."""
        return self.digest == other.digest and self.kind == other.kind


def file_entry(name: str, digest: bytes, size: int, *, executable: bool = False) -> TreeEntry:
    """Gives the entry of a file of `size` bytes."""
    return TreeEntry(name, EntryKind.EXECUTABLE if executable else EntryKind.FILE, digest, size, 1)


def folder_entry(name: str, digest: bytes, tree: Tree) -> TreeEntry:
    """Gives the entry of a folder whose tree is stored under `digest`."""
    return TreeEntry(name, EntryKind.FOLDER, digest, tree.size, tree.files)


def link_entry(name: str, target: str) -> TreeEntry:
    """Gives the entry of a symbolic link; it counts as a file of no bytes."""
    return TreeEntry(name, EntryKind.LINK, target.encode("utf-8"), 0, 1)


def foreign_entry(name: str, why: str) -> TreeEntry:
    """Gives the entry of something in the workspace that cannot be tracked; `why` says what it is."""
    return TreeEntry(name, EntryKind.FOREIGN, why.encode("utf-8", "backslashreplace"), 0, 1)


@dataclass(frozen=True, slots=True)
class Tree:
    """The entries of one folder, in the order of their names' UTF-8 bytes; totals of everything below."""

    entries: tuple[TreeEntry, ...]
    size: int = field(init=False)
    files: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", sum([entry.size for entry in self.entries]))
        object.__setattr__(self, "files", sum([entry.files for entry in self.entries]))

    def get(self, name: str) -> TreeEntry | None:
        """Gives the entry called `name`, or None."""
        at = bisect_left(self.entries, name, key=_name_of)
        return self.entries[at] if at < len(self.entries) and self.entries[at].name == name else None

    def by_name(self) -> dict[str, TreeEntry]:
        """Gives a mapping from names to entries."""
        return {entry.name: entry for entry in self.entries}


EMPTY_TREE = Tree(())


def make_tree(entries: Iterable[TreeEntry]) -> Tree:
    """Gives the tree of `entries`, put into order. For UTF-8, code point order is byte order."""
    return Tree(tuple(sorted(entries, key=_name_of)))


def _name_of(entry: TreeEntry) -> str:
    return entry.name
