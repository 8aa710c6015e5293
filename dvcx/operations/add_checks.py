"""What `add` refuses before it does anything."""

from __future__ import annotations

import os
from collections.abc import Sequence

from dvcx.base.errors import Refused, UsageError, shown
from dvcx.base.text import counted
from dvcx.git.files import ignored, tracked_below
from dvcx.manifest.manifest import Manifest
from dvcx.model.pointer import SUFFIX, Pointer, pointer_path
from dvcx.repo.record import Repo
from dvcx.workspace.ignore import is_ignored


def check_can_add(repo: Repo, manifest: Manifest, paths: Sequence[str], *, force: bool) -> None:
    """Raises `UsageError` or `Refused` for the first of `paths` that cannot be tracked."""
    new: list[str] = []
    for path in paths:
        _check_place(repo, manifest, path)
        owner = manifest.owner_of(path)
        if owner is None:
            new.append(path)
        elif manifest.pointers[owner].stage is not None:
            raise made_by_stage(path, manifest.pointers[owner])
        elif owner != path:
            _check_inside(repo, manifest, owner, path)
        elif manifest.pointers[owner].frozen and not force:
            raise Refused(
                f"{path} is frozen, so that it does not change by accident",
                f"run `dvcx unfreeze {path}` first, or add --force",
                [path],
            )
    check_new(repo, new)


def made_by_stage(path: str, pointer: Pointer) -> Refused:
    """Gives the error for a command that would write a pointer of what a stage makes."""
    return Refused(
        f"{path} is made by the stage {pointer.stage}, whose dvcx.lock tracks it",
        f"make it anew with `dvcx repro {pointer.stage}`, or take it out of the stage's outs in dvcx.yaml first",
        [path],
    )


def _check_place(repo: Repo, manifest: Manifest, path: str) -> None:
    if not path:
        raise UsageError("the whole project cannot be tracked as data", "name the folders and files that are data")
    if not os.path.lexists(repo.root / path):
        if os.path.lexists(repo.root / (path + SUFFIX)):
            raise UsageError(
                f"{path} is tracked but not in the workspace",
                f"get it with `dvcx checkout {path}` or `dvcx pull {path}`",
            )
        raise UsageError(f"{path} does not exist", "check the spelling; paths are relative to the current folder")
    broken = manifest.broken.get(pointer_path(path))
    if broken is not None:
        raise broken
    check_way(repo, path)
    check_not_left_out(repo, path, folder=(repo.root / path).is_dir())
    inside = manifest.below(path)
    if inside and path not in manifest.pointers:
        raise Refused(
            f"{path} contains data that is tracked on its own: {shown(inside, 3)}",
            f"stop tracking that first: `dvcx remove {' '.join(inside[:3])}`",
            inside,
        )


def check_way(repo: Repo, path: str) -> None:
    """Raises `Refused` when a folder above `path` is a symbolic link."""
    parts = path.split("/")
    for count in range(1, len(parts)):
        above = "/".join(parts[:count])
        if os.path.islink(repo.root / above):
            raise Refused(
                f"{path} lies behind the symbolic link {above}; dvcx does not track through links",
                f"track it where it really is: {os.path.realpath(repo.root / path)}",
                [path],
            )


def check_not_left_out(repo: Repo, path: str, *, folder: bool) -> None:
    """Raises `Refused` when a `.dvcxignore` names the file or `folder` at `path`."""
    pattern = is_ignored(repo.root, path.split("/"), folder=folder)
    if pattern is not None:
        raise Refused(
            f"{path} is left out by line {pattern.line} of {pattern.file}: {pattern.text}",
            f"change {pattern.file}, or see `dvcx check-ignore -d {path}`",
            [path],
        )


def check_new(repo: Repo, paths: Sequence[str]) -> None:
    """Raises `Refused` when Git tracks one of `paths` itself, or would ignore its pointer. Asks Git once for all."""
    if repo.git is None or not paths:
        return
    prefix = f"{repo.prefix}/" if repo.prefix else ""
    tracked = tracked_below(repo.git, [prefix + path for path in paths])
    for path in paths:
        files = tracked.get(prefix + path)
        if files:
            raise Refused(
                f"{path} is tracked by Git itself ({counted(len(files), 'file')}, for example {files[0]})",
                f"take it out of Git and keep the files: `git rm -r --cached {path}`, then run this again",
                [path],
            )
    pointers = {prefix + pointer_path(path): path for path in paths}
    for pointer in sorted(ignored(repo.git, pointers)):
        raise Refused(
            f"{pointer} would be ignored by Git, so it could not be committed",
            f"see why with `git check-ignore -v {pointer}`",
            [pointers[pointer]],
        )


def _check_inside(repo: Repo, manifest: Manifest, owner: str, path: str) -> None:
    if not manifest.pointers[owner].is_folder:
        raise UsageError(
            f"{owner} is tracked as a file, so {path} cannot be inside it", f"re-add it: `dvcx add {owner}`"
        )
    if (repo.root / owner).is_symlink():
        raise Refused(f"{owner} is a symbolic link", "track what it leads to", [path])
