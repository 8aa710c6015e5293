"""Which files an export has: those of the trees, and links as copies of what they lead to; and what it cannot have."""

from __future__ import annotations

import posixpath
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dvcx.base.errors import UsageError
from dvcx.formats.export_manifest import Wanted
from dvcx.manifest.trees import LoadTree, entry_at, entry_of, files_below
from dvcx.model.tree import EntryKind, TreeEntry
from dvcx.operations.targets import Target

_MOST_LINKS = 8
"""So many links in a row are followed."""


@dataclass(frozen=True, slots=True)
class WantedFiles:
    """The files to export by path, the links that lead to nothing that is exported, and the folders with no files."""

    files: Mapping[str, Wanted]
    links: tuple[str, ...]
    empty: tuple[str, ...]


def wanted_files(targets: Sequence[Target], load: LoadTree, label: str) -> WantedFiles:
    """Gives what an export of `targets` has. `label` names their revision.

    A link to an exported file is a copy of it, one to an exported folder a copy of the files in it. Raises `UsageError`
    for a target that is not there, and as `load` does.
    """
    empty: list[str] = []
    entries = dict(_entries(targets, load, label, empty))
    inside = _Inside(sorted(entries))
    files: dict[str, Wanted] = {}
    left: list[str] = []
    for path, entry in entries.items():
        found = _followed(path, entry, entries)
        if isinstance(found, TreeEntry):
            files[path] = _wanted(path, found)
            continue
        inner = inside.below(found) if found is not None and not path.startswith(f"{found}/") else ()
        if not inner:
            left.append(path)
        for name in inner:
            copied = _followed(name, entries[name], entries)
            place = path + name[len(found or "") :]
            if isinstance(copied, TreeEntry):
                files[place] = _wanted(place, copied)
            else:
                left.append(place)  # links to folders in such folders: once is enough
    return WantedFiles(files, tuple(left), tuple(empty))


class _Inside:
    """Paths in order, to find those below a folder."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = paths

    def below(self, folder: str) -> Sequence[str]:
        return self._paths[bisect_left(self._paths, f"{folder}/") : bisect_left(self._paths, f"{folder}0")]


def _entries(
    targets: Sequence[Target], load: LoadTree, label: str, empty: list[str]
) -> Iterator[tuple[str, TreeEntry]]:
    for target in targets:
        entry = entry_at(entry_of(target.pointer), target.inner, load)
        if entry is None:
            raise UsageError(f"{target.path} is not tracked at {label}", f"`dvcx ls {target.output}` lists it")
        yield from files_below(entry, target.path, load, empty=empty)


def _followed(path: str, entry: TreeEntry, entries: Mapping[str, TreeEntry]) -> TreeEntry | str | None:
    """Gives the file that an entry is or leads to, or the path of the folder; None when it leads out or in circles."""
    for _ in range(_MOST_LINKS):
        if not entry.is_link:
            return entry
        path = posixpath.normpath(posixpath.join(posixpath.dirname(path), entry.target))
        if path not in entries:
            return None if path.startswith(("/", "..")) or path == "." else path
        entry = entries[path]
    return None


def _wanted(path: str, entry: TreeEntry) -> Wanted:
    return Wanted(path, entry.digest, entry.size, entry.kind == EntryKind.EXECUTABLE)
