"""What lies in the workspace at paths that stages name: each looked at once in a command, and hashed at most once."""

from __future__ import annotations

import glob
import os
import posixpath
import stat as stat_module
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dvcx.base.errors import MissingData
from dvcx.model.tree import Tree, TreeEntry, file_entry
from dvcx.workspace.scan import Scanned
from dvcx.workspace.state import Seen, State

_WORTH = 20.0
"""What was looked at is looked at again after this many times as long as the look took."""


_MOST_FILES = 200_000
"""The listings of folders with more files are not kept: they are made again when somebody asks for them."""


@dataclass(slots=True)
class _Known:
    entry: TreeEntry | None
    load: Callable[[bytes], Tree] | None
    looked: float
    took: float
    made_here: bool = False


class Present:
    """The files and folders of the workspace by project path; `look` scans one that the state does not know."""

    def __init__(self, root: Path, state: State, look: Callable[[str], Scanned | None]) -> None:
        self._root = str(root)
        self._state = state
        self._look = look
        self._known: dict[str, _Known] = {}
        self._rows: dict[str, Mapping[str, Seen]] = {}
        self._behind: dict[str, bool] = {"": False}

    def at(self, path: str) -> TreeEntry | None:
        """Gives what lies at `path`, None when nothing does. Raises `OSError` for what cannot be read."""
        known = self._known.get(path)
        if known is None:
            inside = self._made_around(path)
            if inside is not None:
                return inside[0]
            known = self._known[path] = self._looked_at(path)
        return known.entry

    def trees(self, path: str) -> Callable[[bytes], Tree]:
        """Gives what loads the trees at and below the folder that lies at `path`; it raises `MissingData` for others.

        The folder is looked at again where its listings were not kept. Raises `OSError` for what cannot be read.
        """
        found = self.known_trees(path)
        if found is None:
            scanned = self._look(path)
            found = _loader({} if scanned is None else scanned.trees)
        return found

    def known_trees(self, path: str) -> Callable[[bytes], Tree] | None:
        """Does the same with what is known already; None where nothing is."""
        while path:
            known = self._known.get(path)
            if known is not None and known.load is not None:
                return known.load
            path = path.rpartition("/")[0]
        return None

    def made(self, path: str, entry: TreeEntry, load: Callable[[bytes], Tree]) -> None:
        """Takes note of what a stage of this command made at `path`; `load` gives the trees below it."""
        self.forget(path)
        self._known[path] = _Known(entry, load, time.monotonic(), 0.0, made_here=True)

    def matching(self, pattern: str) -> list[str]:
        """Gives the project paths of the files and folders that a pattern matches now."""
        return sorted(match.replace(os.sep, "/") for match in glob.glob(pattern, root_dir=self._root, recursive=True))

    def forget(self, path: str) -> None:
        """Has everything at, above and below `path` looked at again."""
        for other in [p for p in self._known if p.startswith(path + "/")]:
            del self._known[other]
        self._rows.clear()
        while path:
            self._known.pop(path, None)
            path = path.rpartition("/")[0]

    def look_again(self, path: str) -> None:
        """Has `path` looked at again if somebody may have changed it meanwhile and looking is cheap enough."""
        known = self._known.get(path)
        if known is not None and not known.made_here:
            now = time.monotonic()
            if now - known.looked > _WORTH * known.took:
                del self._known[path]
                self._rows.pop(path.rpartition("/")[0], None)

    def _made_around(self, path: str) -> tuple[TreeEntry | None] | None:
        """Gives, in a tuple, what a folder that was made in this command has at `path`."""
        above = path.rpartition("/")[0]
        while above:
            known = self._known.get(above)
            if known is not None and known.made_here and known.load is not None:
                entry = known.entry
                for part in path[len(above) + 1 :].split("/"):
                    if entry is None or not entry.is_folder:
                        return (None,)
                    entry = known.load(entry.digest).get(part)
                return (entry,)
            above = above.rpartition("/")[0]
        return None

    def _looked_at(self, path: str) -> _Known:
        began = time.monotonic()
        quick = self._quick(path)
        if quick is not None:
            return _Known(quick, None, began, time.monotonic() - began)
        scanned = self._look(path)
        self._rows.pop(path.rpartition("/")[0], None)
        took = time.monotonic() - began
        if scanned is None:
            return _Known(None, None, began, took)
        kept = _loader(scanned.trees) if scanned.trees and scanned.entry.files <= _MOST_FILES else None
        return _Known(scanned.entry, kept, began, took)

    def _quick(self, path: str) -> TreeEntry | None:
        """Gives the entry of a plain file that the state knows: a scan of one file costs ten times as much."""
        folder, _, name = path.rpartition("/")
        try:
            status = os.lstat(f"{self._root}/{path}")
        except OSError:
            return None
        if not stat_module.S_ISREG(status.st_mode) or self._is_behind_link(folder):
            return None
        rows = self._rows.get(folder)
        if rows is None:
            rows = self._rows[folder] = self._state.folder(folder)
        row = rows.get(name)
        if row is None or not row.fits(status):
            return None
        return file_entry(name, row.digest, row.size, executable=bool(status.st_mode & 0o100))

    def _is_behind_link(self, folder: str) -> bool:
        behind = self._behind.get(folder)
        if behind is None:
            behind = os.path.islink(f"{self._root}/{folder}") or self._is_behind_link(posixpath.dirname(folder))
            self._behind[folder] = behind
        return behind


def _loader(trees: Mapping[bytes, Tree]) -> Callable[[bytes], Tree]:
    def load(digest: bytes) -> Tree:
        tree = trees.get(digest)
        if tree is None:
            raise MissingData(f"the tree {digest.hex()[:12]} is not in the workspace")
        return tree

    return load
