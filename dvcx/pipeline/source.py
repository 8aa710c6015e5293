"""Where pipeline files are read from: the working tree, or a commit without checking it out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from dvcx.base.files import read_own_file
from dvcx.base.paths import check_relative
from dvcx.formats.yaml_values import MAX_BYTES
from dvcx.git.files import list_named_files, list_tree
from dvcx.git.location import GitLocation
from dvcx.git.objects import ObjectReader
from dvcx.model.pointer import SUFFIX
from dvcx.model.stage import PIPELINE_FILE
from dvcx.workspace.ignore import is_ignored

_CONFIG_FILE = ".dvcx/config.toml"


class PipelineSource(Protocol):
    """The files of one revision that say what the pipeline is. Paths are project paths."""

    @property
    def label(self) -> str:
        """What the revision is called in messages."""

    def pipeline_files(self) -> list[str]:
        """Gives the paths of all `dvcx.yaml` files of the project, sorted; not those that Git or dvcx ignores."""

    def read(self, path: str) -> bytes | None:
        """Gives the content of the file `path`, None when there is none. Raises `DvcxError` when it is unusable."""


@dataclass(frozen=True, slots=True)
class TextSource:
    """Files that are held in memory: for tests, and for looking at a change before it is written."""

    files: Mapping[str, bytes]
    label: str = "memory"

    def pipeline_files(self) -> list[str]:
        """Gives the paths of the pipeline files."""
        return sorted(path for path in self.files if path.rpartition("/")[2] == PIPELINE_FILE)

    def read(self, path: str) -> bytes | None:
        """Gives the content of a file, None when there is none."""
        return self.files.get(path)


@dataclass(frozen=True, slots=True)
class ChangedSource:
    """A source in which some files have other contents: what an edit would make of it."""

    base: PipelineSource
    changed: Mapping[str, bytes]

    @property
    def label(self) -> str:
        """What the revision is called in messages."""
        return self.base.label

    def pipeline_files(self) -> list[str]:
        """Gives the paths of the pipeline files, new ones too."""
        new = [path for path in self.changed if path.rpartition("/")[2] == PIPELINE_FILE]
        return sorted({*self.base.pipeline_files(), *new})

    def read(self, path: str) -> bytes | None:
        """Gives the content of a file."""
        return self.changed[path] if path in self.changed else self.base.read(path)


@dataclass(frozen=True, slots=True)
class WorkspaceSource:
    """The working tree of the project at `root`; `known` are its pipeline files when they were listed already."""

    root: Path
    git: GitLocation | None
    label: str = "the workspace"
    known: tuple[str, ...] | None = None

    def pipeline_files(self) -> list[str]:
        """Gives the paths of the pipeline files, without those that Git or `.dvcxignore` ignores."""
        if self.known is not None:
            found = list(self.known)
        else:
            found = _listed_by_git(self.root, self.git) if self.git is not None else sorted(_walk(self.root))
        return [
            path
            for path in found
            if path == PIPELINE_FILE or is_ignored(self.root, path.split("/"), folder=False) is None
        ]

    def read(self, path: str) -> bytes | None:
        """Gives the content of a file; raises `Refused` for a link, or a path that leads out of the project."""
        check_relative(path, "a pipeline file")
        above = self.root
        for part in path.split("/")[:-1]:
            above = above / part
            if above.is_symlink():
                check_relative(os.path.relpath(above.resolve(), self.root.resolve()), f"the link {above.name}")
        try:
            return read_own_file(self.root / path, MAX_BYTES, path)
        except (FileNotFoundError, NotADirectoryError):
            return None


def workspace_source(root: Path, git: GitLocation | None, known: tuple[str, ...] | None = None) -> PipelineSource:
    """Gives the working tree of the project at `root`; `known` are its pipeline files if they were listed already."""
    return WorkspaceSource(root, git, known=known)


@dataclass(frozen=True, slots=True)
class CommitSource:
    """A commit, below the folder `prefix` of its repository."""

    git: GitLocation
    commit: str
    prefix: str
    label: str

    def pipeline_files(self) -> list[str]:
        """Gives the paths of the pipeline files, without those of other projects in folders below."""
        cut = len(self.prefix) + 1 if self.prefix else 0
        files = list_tree(self.git, self.commit, self.prefix, also=_CONFIG_FILE)
        others = tuple(f.path.removesuffix(_CONFIG_FILE) for f in files if f.path[cut:].endswith(f"/{_CONFIG_FILE}"))
        return [
            f.path[cut:]
            for f in files
            if f.is_regular and f.path.rpartition("/")[2] == PIPELINE_FILE and not f.path.startswith(others)
        ]

    def read(self, path: str) -> bytes | None:
        """Gives the content of a file."""
        check_relative(path, "a pipeline file")
        with ObjectReader(self.git, MAX_BYTES) as reader:
            return reader.read(f"{self.commit}:{self.prefix}/{path}" if self.prefix else f"{self.commit}:{path}")


def commit_source(git: GitLocation, commit: str, prefix: str, label: str) -> PipelineSource:
    """Gives a commit (an id), below the folder `prefix` of the repository, from Git's objects."""
    return CommitSource(git, commit, prefix, label)


def _listed_by_git(root: Path, git: GitLocation) -> list[str]:
    prefix = os.path.relpath(root, git.worktree).replace(os.sep, "/")
    prefix = "" if prefix == "." else prefix
    cut = len(prefix) + 1 if prefix else 0
    paths = (path[cut:] for path in list_named_files(git, PIPELINE_FILE, prefix))
    return [path for path in paths if not _is_foreign(root, path)]


def _is_foreign(root: Path, path: str) -> bool:
    """Tells whether a file belongs to another project that begins in a folder above it."""
    folder = path.rpartition("/")[0]
    while folder:
        if os.path.exists(root / folder / _CONFIG_FILE):
            return True
        folder = folder.rpartition("/")[0]
    return False


def _walk(root: Path) -> Iterator[str]:
    """Finds pipeline files without Git, not entering tracked data and other projects."""
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        with os.scandir(root / folder) as listing:
            entries = list(listing)
        names = {entry.name for entry in entries}
        for entry in entries:
            inner = f"{folder}/{entry.name}" if folder else entry.name
            if entry.name == PIPELINE_FILE and not entry.is_dir(follow_symlinks=False):
                yield inner
            elif (
                entry.is_dir(follow_symlinks=False)
                and entry.name not in (".git", ".dvcx")
                and entry.name + SUFFIX not in names
                and not (root / inner / _CONFIG_FILE).exists()
            ):
                waiting.append(inner)
