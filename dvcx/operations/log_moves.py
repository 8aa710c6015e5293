"""Where data came from that a commit brought to its present path: the same content left another path with it."""

from __future__ import annotations

from collections.abc import Iterator

from dvcx.base.errors import DvcxError, MissingData
from dvcx.formats.pointer_text import parse_pointer
from dvcx.git.history import FileChange, commits_touching
from dvcx.git.location import GitLocation
from dvcx.git.objects import ObjectReader
from dvcx.manifest.trees import LoadTree, entry_at, entry_of
from dvcx.model.pointer import SUFFIX, data_path
from dvcx.model.tree import TreeEntry


class MoveFinder:
    """Finds moves in the commits of a project at `prefix` in its Git repository."""

    def __init__(self, git: GitLocation, prefix: str, reader: ObjectReader, load: LoadTree) -> None:
        self._git = git
        self._prefix = prefix
        self._reader = reader
        self._load = load

    def source_of(self, path: str, commit: str) -> str | None:
        """Gives the path that what `commit` added at `path` had before, or None: nothing like it left another path.

        Only the same content counts, and of empty files only those of the same name. A path that cannot be looked at
        here (its listing was never fetched) is passed over.
        """
        sides = self._sides(commit)
        around = (_inside(output, after, path, self._load) for output, _, after in sides if _holds(output, path))
        new = next(around, None)
        if new is None:
            return None
        whole = self._moved_as_a_whole(path, sides)
        if whole is not None:
            return whole
        name = path.rpartition("/")[2]
        found = [each for output, before, after in sides for each in _places(new, output, before, after, self._load)]
        found = [each for each in found if each != path and (new.size or each.rpartition("/")[2] == name)]
        return min(found, key=lambda each: (each.rpartition("/")[2] != name, each), default=None)

    def _moved_as_a_whole(self, path: str, sides: list[_Side]) -> str | None:
        """Gives the former path when the tracked data around `path` has just another name."""
        for output, before, after in sides:
            if before is None and after is not None and _holds(output, path):
                for old_output, old, left in sides:
                    if old is not None and left is None and old.same_content(after):
                        return old_output + path[len(output) :]
        return None

    def _sides(self, commit: str) -> list[_Side]:
        """Gives each tracked path whose pointer the commit changed, with what it was before and after."""
        found = next(iter(commits_touching(self._git, [self._prefix.rstrip("/")], commit, limit=1)), None)
        if found is None or found.sha != commit:
            return []
        files = [f for f in found.files if f.path.startswith(self._prefix) and f.path.endswith(SUFFIX)]
        texts = dict(self._reader.read_many({oid for file in files for oid in (file.old, file.new) if oid is not None}))
        return [side for file in files if (side := self._side(file, texts)) is not None]

    def _side(self, file: FileChange, texts: dict[str, bytes]) -> _Side | None:
        pointer_file = file.path[len(self._prefix) :]
        try:
            before, after = (
                entry_of(parse_pointer(texts[oid], pointer_file)) if oid is not None else None
                for oid in (file.old, file.new)
            )
        except (DvcxError, KeyError):
            return None  # committed broken, or not in this clone
        return data_path(pointer_file), before, after


_Side = tuple[str, TreeEntry | None, TreeEntry | None]
"""A tracked path, and what it was before and after a commit."""


def _holds(output: str, path: str) -> bool:
    return path == output or path.startswith(f"{output}/")


def _inside(output: str, entry: TreeEntry | None, path: str, load: LoadTree) -> TreeEntry | None:
    if entry is None:
        return None
    try:
        return entry_at(entry, path[len(output) + 1 :].split("/") if path != output else (), load)
    except MissingData:
        return None


def _places(
    wanted: TreeEntry, path: str, before: TreeEntry | None, after: TreeEntry | None, load: LoadTree
) -> Iterator[str]:
    """Gives the paths at and below `path` that had the wanted content before, and have not after."""
    waiting = [(path, before, after)]
    while waiting:
        path, before, after = waiting.pop()
        if before is None or (after is not None and before.same_content(after)):
            continue
        if before.same_content(wanted):
            yield path
        elif before.is_folder:
            try:
                olds = load(before.digest).entries
                news = load(after.digest).by_name() if after is not None and after.is_folder else {}
            except MissingData:
                continue
            waiting += [(f"{path}/{entry.name}", entry, news.get(entry.name)) for entry in olds]
