"""`dvcx add --out`: bring a file or folder into the project before it is tracked."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from dvcx.base.errors import Refused, UsageError
from dvcx.base.files import sync_filesystem
from dvcx.base.scratch import scratch_folder
from dvcx.repo.record import Repo, open_trash, scratch_root, workspace_lock


def copy_in(repo: Repo, paths: Sequence[str], target: str, directory: Path, *, force: bool) -> str:
    """Copies the one file or folder in `paths` to `target` (relative to the project root) and gives `target`.

    With `force` what is there goes to the trash. Raises `UsageError` for more than one path, `Refused` when something
    is there already.
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
        if os.path.lexists(place):
            if not force:
                raise Refused(f"{target} exists already", "choose another --out, or replace it with --force", [target])
            with open_trash(repo).entry("add", repo.root) as entry:
                entry.move_all([(place, target)])
        place.parent.mkdir(parents=True, exist_ok=True)
        copy.rename(place)
    return target
