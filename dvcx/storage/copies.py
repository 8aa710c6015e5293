"""Copies of large objects that a fetch writes in the pass that fills the cache, for the checkout that comes next."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dvcx.storage.reach import Wanted

LEAST = 64 << 20
"""Of an object of fewer bytes a copy made later, from memory, costs no more."""


class Copies:
    """Whole, verified files in `folder`, which is private and goes with the command, by digest.

    `wants` tells of which objects, among those that are large enough, a copy is made.
    """

    def __init__(self, folder: Path, wants: Callable[[Wanted], bool]) -> None:
        self._folder = folder
        self._wants = wants
        self._whole: set[bytes] = set()

    def place(self, each: Wanted) -> Path | None:
        """Gives where the copy of an object is to be written, or None when none is wanted."""
        path = self._path_of(each.digest)
        return path if each.size >= LEAST and self._wants(each) and not path.exists() else None

    def keep(self, digest: bytes) -> None:
        """Takes the file at the object's place as a whole one."""
        self._whole.add(digest)

    def take(self, digest: bytes) -> Path | None:
        """Gives the copy of an object, once: whoever takes it moves it away."""
        if digest not in self._whole:
            return None
        self._whole.discard(digest)
        return self._path_of(digest)

    def _path_of(self, digest: bytes) -> Path:
        return self._folder / f"copy-{digest.hex()}"
