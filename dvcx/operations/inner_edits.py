"""Changes inside tracked folders that no scan finds: storing their trees, and the record of what dvcx put there."""

from __future__ import annotations

from collections.abc import Iterable

from dvcx.base.errors import MissingData
from dvcx.formats.table import Role
from dvcx.manifest.trees import TreeEditor, entry_at
from dvcx.model.tree import TreeEntry
from dvcx.operations.unfetched import presence_at
from dvcx.storage.cache import Cache
from dvcx.workspace.state import State


def store_trees(cache: Cache, editor: TreeEditor, entries: Iterable[TreeEntry]) -> None:
    """Puts the trees that `editor` made for `entries` into the cache."""
    made = [tree for entry in entries for tree in editor.made_below(entry)]
    if made:
        with cache.writer() as writer:
            for digest, data in made:
                writer.put(Role.TREE, digest, data)


class PlacedRecord:
    """What dvcx put into tracked folders (see `workspace/placed.py`) while that is being edited.

    `changed` has the new folders; of a folder of which nothing is known, nothing is said.
    """

    def __init__(self, state: State, cache: Cache, editor: TreeEditor) -> None:
        self._state = state
        self._cache = cache
        self._editor = editor
        self.changed: dict[str, TreeEntry] = {}

    def at(self, output: str, inner: tuple[str, ...]) -> TreeEntry | None:
        """Gives what was put at the path `inner` of the folder `output`, when that is known."""
        try:
            folder = self._folder(output)
            return entry_at(folder, inner, self._editor.load) if folder is not None else None
        except MissingData:
            return None

    def replace(self, output: str, inner: tuple[str, ...], entry: TreeEntry | None) -> None:
        """Notes that `entry`, or nothing, is at the path `inner` of the folder `output` now."""
        folder = self._folder(output)
        if folder is None:
            return
        try:
            self.changed[output] = self._editor.replace(folder, inner, entry)
        except MissingData:
            return

    def _folder(self, output: str) -> TreeEntry | None:
        known = self.changed.get(output)
        if known is not None:
            return known
        return presence_at(self._state, output, is_folder=True, has=self._cache.has, load=self._editor.load).baseline
