"""Folders of Git's as dvcx would have found them at a commit: what a run on another machine saw in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from dvcx.base.errors import DvcxError, MissingData
from dvcx.base.hashing import Algorithm
from dvcx.git.files import MODE_EXECUTABLE, TreeFile, list_folder
from dvcx.git.location import GitLocation
from dvcx.git.objects import ObjectReader
from dvcx.manifest.files import is_lock_file, pointers_in
from dvcx.manifest.trees import TreeEditor, entry_of
from dvcx.model.pointer import SUFFIX
from dvcx.model.tree import EMPTY_TREE, Tree, TreeEntry, file_entry

_MOST_FILES = 10_000
_MOST_BYTES = 64 << 20
"""Larger folders of Git's are not read and hashed only to tell which of their files changed."""


@dataclass(slots=True)
class GitFolders:
    """Looks for folders by the digest of their tree in commits; `prefix` is the project's folder."""

    git: GitLocation
    prefix: str
    algorithm: Algorithm
    _known: dict[str, tuple[bytes, int]] = field(default_factory=dict)

    def trees(self, path: str, digest: bytes, commits: Iterable[str]) -> Mapping[bytes, Tree]:
        """Gives the trees at and below the project folder `path` as it was in the first of `commits` in which its tree
        has that digest; nothing where none has it. Tracked data inside counts as its pointers name it.

        Symbolic links, submodules, files that Git ignores and filters of Git make a folder that cannot be known again.
        """
        tried: set[tuple[TreeFile, ...]] = set()
        for commit in commits:
            try:
                listed = list_folder(self.git, commit, f"{self.prefix}/{path}" if self.prefix else path)
                files = tuple(file for file, _ in listed)
                if files in tried or not self._is_readable(listed):
                    continue
                tried.add(files)
                editor, root = self._built(path, files)
            except DvcxError:
                continue
            if root.digest == digest:
                return {each: editor.load(each) for each, _ in editor.made_below(root)}
        return {}

    def _is_readable(self, listed: list[tuple[TreeFile, int]]) -> bool:
        regular = all(file.is_regular for file, _ in listed)
        return regular and 0 < len(listed) <= _MOST_FILES and sum(size for _, size in listed) <= _MOST_BYTES

    def _built(self, path: str, files: Iterable[TreeFile]) -> tuple[TreeEditor, TreeEntry]:
        editor = TreeEditor(self.algorithm, lambda digest: EMPTY_TREE)
        edits = {tuple(name.split("/")): entry for name, entry in self._entries(path, files)}
        return editor, editor.replace_all(editor.keep(path.rpartition("/")[2], EMPTY_TREE), edits)

    def _entries(self, path: str, files: Iterable[TreeFile]) -> Iterator[tuple[str, TreeEntry]]:
        """Gives each file with its path from the folder, and the data that pointers and locks among them track."""
        cut = len(self.prefix) + 1 if self.prefix else 0
        with ObjectReader(self.git, _MOST_BYTES) as reader:
            for file in files:
                here = file.path[cut:]
                is_pointer = here.endswith(SUFFIX) or is_lock_file(here)
                text = reader.read(file.oid) if is_pointer or file.oid not in self._known else None
                if text is not None:
                    self._known[file.oid] = self.algorithm.of(text), len(text)
                elif file.oid not in self._known:
                    raise MissingData(f"{file.path} is not in this partial clone")
                name = here[len(path) + 1 :]
                executable = file.mode == MODE_EXECUTABLE
                yield name, file_entry(name.rpartition("/")[2], *self._known[file.oid], executable=executable)
                if is_pointer and text is not None:
                    for tracked, pointer in pointers_in(text, here).items():
                        if tracked.startswith(f"{path}/"):
                            yield tracked[len(path) + 1 :], entry_of(pointer)
