"""`dvcx add --out`: bring a file or folder into the project before it is tracked."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from dvcx.base.errors import Refused, UsageError
from dvcx.base.files import sync_filesystem
from dvcx.base.moving import exists_at
from dvcx.base.paths import open_folder
from dvcx.base.scratch import scratch_folder
from dvcx.repo.record import Repo, open_trash, scratch_root, workspace_lock


def copy_in(repo: Repo, paths: Sequence[str], target: str, directory: Path, *, force: bool) -> str:
    """Copies the one file or folder in `paths` to `target` (relative to the project root) and gives `target`.

    With `force` what is there goes to the trash. Raises `UsageError` for more than one path, `Refused` when something
    is there already, or a folder on the way is a symbolic link.
    """
    if len(paths) != 1:
        raise UsageError(f"--out takes one path to copy, not {len(paths)}", "add them one by one")
    source = directory / paths[0]
    if not os.path.lexists(source):
        raise UsageError(f"{paths[0]} does not exist", "check the spelling")
    place = repo.root / target
    if not target or os.path.realpath(source) == os.path.realpath(place):
        raise UsageError(f"{paths[0]} cannot be copied to itself", "leave --out away to track it where it is")
    with workspace_lock(repo).exclusive(repo.config.core.lock_timeout), scratch_folder(scratch_root(repo)) as scratch:
        copy = scratch / "copy"
        if source.is_dir():
            shutil.copytree(source, copy, symlinks=True)
        else:
            shutil.copy2(source, copy)
        if repo.durable:
            sync_filesystem(scratch)
        _put(repo, copy, target, force=force)
    return target


def _put(repo: Repo, copy: Path, target: str, *, force: bool) -> None:
    *parts, name = target.split("/")
    root = os.open(repo.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        folder = open_folder(root, parts, create=True)
        try:
            if exists_at(folder, name):
                if not force:
                    raise Refused(
                        f"{target} exists already", "choose another --out, or replace it with --force", [target]
                    )
                with open_trash(repo).entry("add", repo.root) as entry:
                    entry.move_all([(repo.root / target, target)])
            os.rename(copy, name, dst_dir_fd=folder)
        finally:
            os.close(folder)
    finally:
        os.close(root)
