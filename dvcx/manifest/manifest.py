"""The manifest: all pointers of one revision, and the outputs of stages, from the working tree or a commit."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from dvcx.base.errors import DamagedData, DvcxError, Refused
from dvcx.base.paths import check_relative
from dvcx.git.files import list_pointer_files, list_tree
from dvcx.git.location import GitLocation
from dvcx.manifest.files import is_lock_file, most_bytes, pointers_in, read_texts
from dvcx.model.pointer import SUFFIX, Pointer, pointer_path
from dvcx.model.stage import LOCK_FILE, PIPELINE_FILE

WORKSPACE = "the workspace"
"""The label of the working tree's manifest."""

_PROJECT_FOLDER = ".dvcx"
_CONFIG_FILE = f"{_PROJECT_FOLDER}/config.toml"


@dataclass(frozen=True, slots=True)
class Manifest:
    """The pointers of one revision by the path of their data, relative to the project root, sorted.

    The outputs that `dvcx.lock` files record are among them: they are tracked data like any other.
    `broken` holds the pointer files that cannot be used, by their own path, each with why. `label` names the revision.
    `files` are the pointer and lock files that were read, `pipelines` the `dvcx.yaml` files of the working tree.
    """

    label: str
    pointers: Mapping[str, Pointer] = field(default_factory=dict)
    broken: Mapping[str, DvcxError] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    pipelines: tuple[str, ...] = ()

    def owner_of(self, path: str) -> str | None:
        """Gives the tracked path that is `path` or a folder above it, or None."""
        while path:
            if path in self.pointers:
                return path
            path = path.rpartition("/")[0]
        return None

    def below(self, path: str) -> list[str]:
        """Gives the tracked paths strictly below the folder `path`; all of them for ""."""
        if not path:
            return list(self.pointers)
        return [tracked for tracked in self.pointers if tracked.startswith(path + "/")]

    def raise_broken(self) -> None:
        """Raises the error of the first pointer file that cannot be used, if there is one."""
        for error in self.broken.values():
            raise error


def workspace_manifest(root: Path, git: GitLocation | None) -> Manifest:
    """Reads every pointer and `dvcx.lock` in the working tree of the project at `root`."""
    found = _listed_by_git(root, git) if git is not None else sorted(_walk(root))
    pipelines = [path for path in found if path.rpartition("/")[2] == PIPELINE_FILE]
    files = [path for path in found if path not in pipelines]
    manifest = _build(WORKSPACE, ((path, read_pointer_file(root, path)) for path in files))
    return replace(manifest, pipelines=tuple(pipelines))


def commit_manifest(git: GitLocation, commit: str, prefix: str, label: str) -> Manifest:
    """Reads every pointer of a commit (an id) below the folder `prefix` of the repository, from Git's objects.

    Those of other projects in folders below do not belong to it.
    """
    cut = len(prefix) + 1 if prefix else 0
    files = list_tree(git, commit, prefix, also=_CONFIG_FILE)
    others = tuple(f.path.removesuffix(_CONFIG_FILE) for f in files if f.path[cut:].endswith(f"/{_CONFIG_FILE}"))
    entries = [f for f in files if (f.path.endswith(SUFFIX) or is_lock_file(f.path)) and not f.path.startswith(others)]
    texts = dict(read_texts(git, {entry.oid: entry.path for entry in entries if entry.is_regular}))
    return _build(label, ((entry.path[cut:], texts.get(entry.oid)) for entry in entries))


def _build(label: str, texts: Iterable[tuple[str, bytes | DvcxError | None]]) -> Manifest:
    pointers: dict[str, Pointer] = {}
    broken: dict[str, DvcxError] = {}
    files: list[str] = []
    for path, text in texts:
        files.append(path)
        try:
            check_relative(path, "the repository")
            if isinstance(text, DvcxError):
                raise text
            if text is None:
                raise Refused(f"{path} is not a regular file, so it is not used as a pointer", names=[path])
            for tracked, pointer in pointers_in(text, path).items():
                if tracked in pointers:
                    raise _twice(tracked, pointers[tracked], pointer)
                pointers[tracked] = pointer
        except DvcxError as error:
            broken[path] = error
    for path in sorted(pointers):
        above = path.rpartition("/")[0]
        while above:
            if above in pointers:
                broken[pointer_path(path)] = _inside(path, pointers[path], above, pointers[above])
                del pointers[path]
                break
            above = above.rpartition("/")[0]
    ordered = {path: pointers[path] for path in sorted(pointers)}
    return Manifest(label, MappingProxyType(ordered), MappingProxyType(broken), tuple(files))


def tracked_by(path: str, pointer: Pointer) -> str:
    """Gives what tracks the data at `path`, in words that people know: its pointer file, or the stage that makes it."""
    return pointer_path(path) if pointer.stage is None else f"stage {pointer.stage}"


def _twice(path: str, one: Pointer, other: Pointer) -> DamagedData:
    return DamagedData(
        f"{path} is tracked by {tracked_by(path, one)} and by {tracked_by(path, other)}",
        f"keep one of the two: `dvcx remove {path}`, or take it out of the stage and run `dvcx repro`",
    )


def _inside(path: str, pointer: Pointer, above: str, outer: Pointer) -> DamagedData:
    what = "inside the folder" if outer.is_folder else "below the file"
    who = pointer_path(path) if pointer.stage is None else f"{path} of stage {pointer.stage}"
    if pointer.stage is None and outer.stage is None:
        hint = f"keep one of the two: `dvcx remove {path}` or `dvcx remove {above}`"
    else:
        hint = "keep one of the two: `dvcx remove` takes a pointer away, an edit of dvcx.yaml an output"
    return DamagedData(f"{who} lies {what} that {tracked_by(above, outer)} tracks", hint)


def _listed_by_git(root: Path, git: GitLocation) -> list[str]:
    prefix = os.path.relpath(root, git.worktree).replace(os.sep, "/")
    prefix = "" if prefix == "." else prefix
    cut = len(prefix) + 1 if prefix else 0
    known: dict[str, bool] = {"": False}

    def is_foreign(folder: str) -> bool:
        """Tells whether a folder belongs to another project, one that begins in it or above it."""
        asked = []
        while folder not in known:
            asked.append(folder)
            folder = folder.rpartition("/")[0]
        foreign = known[folder]
        for each in reversed(asked):
            foreign = known[each] = foreign or os.path.exists(root / each / _CONFIG_FILE)
        return foreign

    paths = (path[cut:] for path in list_pointer_files(git, prefix, also=(PIPELINE_FILE,)))
    return [path for path in paths if not is_foreign(path.rpartition("/")[0])]


def _walk(root: Path) -> Iterator[str]:
    """Finds pointer files without Git, not entering what they track."""
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        with os.scandir(root / folder) as listing:
            entries = list(listing)
        pointers = {e.name for e in entries if e.name.endswith(SUFFIX) and e.name != SUFFIX and not e.is_dir()}
        for name in (*pointers, *(e.name for e in entries if e.name in _PIPELINE and not e.is_dir())):
            yield f"{folder}/{name}" if folder else name
        for entry in entries:
            if not entry.is_dir(follow_symlinks=False) or entry.name in (".git", _PROJECT_FOLDER):
                continue
            inner = f"{folder}/{entry.name}" if folder else entry.name
            if entry.name + SUFFIX not in pointers and not (root / inner / _CONFIG_FILE).exists():
                waiting.append(inner)


def read_pointer_file(root: Path, path: str) -> bytes | DvcxError:
    """Gives the bytes of the pointer or lock file at `path` below `root`, or the error for one that cannot be used."""
    try:
        fd = os.open(root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            return os.read(fd, most_bytes(path) + 1)
        finally:
            os.close(fd)
    except OSError as error:
        message = f"{path} cannot be read as a pointer: {(error.strerror or str(error)).lower()}"
        if error.errno in _NO_FILE:
            return Refused(message, f"remove it, or restore it with `git checkout -- {path}`", [path])
        return DvcxError(message, "put the cause right and run the same command again")


_PIPELINE = (PIPELINE_FILE, LOCK_FILE)
_NO_FILE = (errno.ELOOP, errno.ENXIO, errno.EISDIR, errno.EAGAIN)
"""What a symbolic link, a socket, a folder and an empty pipe answer."""
