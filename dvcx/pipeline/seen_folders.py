"""What folders of Git's held when stages ran with them, so that it can be told later which files changed since.

The trees of data that dvcx tracks are in the cache; `dvcx.lock` names those of other folders only by their digest. This
is a hint: a file that is gone or cannot be read tells nothing.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from dvcx.base.errors import DvcxError, MissingData
from dvcx.base.files import write_atomically
from dvcx.base.hashing import Algorithm
from dvcx.formats.tree_bytes import dump_tree, parse_tree
from dvcx.model.tree import Tree, TreeEntry

KEPT = 200
"""So many folders are kept, those that stages ran with last."""
_MOST_FILES = 50_000
"""Folders with more files are not kept: data has its place in the cache."""
_MOST_BYTES = 64 << 20


class SeenFolders:
    """The folders that stages of one worktree ran with, a file for each, named by the digest of its tree."""

    def __init__(self, folder: Path, algorithm: Algorithm) -> None:
        self._folder = folder
        self._algorithm = algorithm

    def put(self, entry: TreeEntry, load: Callable[[bytes], Tree]) -> None:
        """Remembers a folder whose trees `load` gives. That it cannot be written, or not be loaded, is no error."""
        path = self._path(entry.digest)
        with contextlib.suppress(OSError, DvcxError):
            if path.exists():
                os.utime(path)
            elif entry.files <= _MOST_FILES:
                texts = [dump_tree(tree) for tree in _trees_below(entry, load)]
                path.parent.mkdir(parents=True, exist_ok=True)
                self._make_room()
                write_atomically(path, msgspec.msgpack.encode(texts), durable=False)

    def trees(self, digest: bytes) -> dict[bytes, Tree]:
        """Gives the trees at and below the folder whose tree has that digest; nothing when it is not known."""
        try:
            with open(self._path(digest), "rb") as file:
                texts = msgspec.msgpack.decode(file.read(_MOST_BYTES), type=list[bytes])
            return {self._algorithm.of(text): parse_tree(text, "a folder that was seen") for text in texts}
        except (OSError, msgspec.DecodeError, DvcxError):
            return {}

    def _make_room(self) -> None:
        paths = [self._folder / name for name in os.listdir(self._folder)]
        if len(paths) >= KEPT:
            paths.sort(key=lambda path: path.stat().st_mtime_ns)
            for path in paths[: len(paths) - KEPT + 1]:
                path.unlink(missing_ok=True)

    def _path(self, digest: bytes) -> Path:
        return self._folder / digest.hex()


def _trees_below(entry: TreeEntry, load: Callable[[bytes], Tree]) -> Iterator[Tree]:
    """Gives each tree at and below a folder once; of tracked data inside, which is in the cache, what is at hand."""
    waiting, known = [entry.digest], {entry.digest}
    while waiting:
        digest = waiting.pop()
        try:
            tree = load(digest)
        except MissingData:
            if digest == entry.digest:
                raise
            continue
        yield tree
        for child in tree.entries:
            if child.is_folder and child.digest not in known:
                known.add(child.digest)
                waiting.append(child.digest)
