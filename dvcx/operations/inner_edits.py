"""Changes inside tracked folders that no scan finds: storing their trees, and the record of what dvcx put there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from dvcx.base.errors import MissingData
from dvcx.formats.table import Role
from dvcx.manifest.trees import TreeEditor, entry_at
from dvcx.model.tree import TreeEntry
from dvcx.operations.unfetched import Presence, presence_at
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

    Of a folder of which nothing is known, nothing is said.
    """

    def __init__(self, state: State, cache: Cache, editor: TreeEditor) -> None:
        self._state = state
        self._cache = cache
        self._editor = editor
        self._changed: dict[str, Presence] = {}

    def at(self, output: str, inner: tuple[str, ...]) -> tuple[TreeEntry | None, TreeEntry | None]:
        """Gives what was put at the path `inner` of the folder `output`, and what was tracked there, where known."""
        known = self._known(output)
        return self._entry(known.baseline, inner), self._entry(known.tracked, inner)

    def replace(self, output: str, inner: tuple[str, ...], here: TreeEntry | None, tracked: TreeEntry | None) -> None:
        """Notes that `here`, or nothing, is at the path `inner` of the folder `output` now, and `tracked` there."""
        known = self._known(output)
        if known.baseline is None:
            return
        try:
            baseline = self._editor.replace(known.baseline, inner, here)
        except MissingData:
            return
        try:
            whole = self._editor.replace(known.tracked or known.baseline, inner, tracked)
        except MissingData:
            whole = baseline
        self._changed[output] = replace(known, baseline=baseline, tracked=whole)

    def entries(self) -> Iterator[TreeEntry]:
        """Gives the folders that changed."""
        for known in self._changed.values():
            yield from (entry for entry in (known.baseline, known.tracked) if entry is not None)

    def note(self) -> None:
        """Writes into the state what changed."""
        for output, known in self._changed.items():
            if known.baseline is not None:
                tracked = known.tracked.digest if known.tracked is not None else None
                self._state.set_baseline(output, known.baseline.digest, tracked)

    def _known(self, output: str) -> Presence:
        known = self._changed.get(output)
        if known is not None:
            return known
        return presence_at(self._state, output, is_folder=True, has=self._cache.has, load=self._editor.load)

    def _entry(self, folder: TreeEntry | None, inner: tuple[str, ...]) -> TreeEntry | None:
        try:
            return entry_at(folder, inner, self._editor.load) if folder is not None else None
        except MissingData:
            return None
