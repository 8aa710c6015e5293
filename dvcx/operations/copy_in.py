"""`dvcx add --out`: bring a file or folder into the project and track it there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from dvcx.base.errors import Refused, UsageError, shown
from dvcx.base.files import sync_filesystem
from dvcx.base.moving import exists_at, move
from dvcx.base.paths import open_folder
from dvcx.base.progress import SILENT, Progress
from dvcx.base.scratch import scratch_folder
from dvcx.manifest.manifest import workspace_manifest
from dvcx.operations.add import AddOptions, AddResult, add_checked
from dvcx.operations.add_checks import check_can_add
from dvcx.repo.record import Repo, open_trash, scratch_root, workspace_lock
from dvcx.storage.trash_entry import TrashEntry


def add_copy(
    repo: Repo,
    paths: Sequence[str],
    target: str,
    directory: Path,
    options: AddOptions,
    progress: Progress = SILENT,
) -> AddResult:
    """Copies the one file or folder in `paths` to `target` (relative to the project root) and tracks that.

    With `options.force` what is there goes to the trash; one `undo` takes it all back. Raises `UsageError` for more
    than one path, `Refused` when something is there already, or a folder on the way is a symbolic link; and as `add`.
    """
    if len(paths) != 1:
        raise UsageError(f"--out takes one path to copy, not {len(paths)}", "add them one by one")
    source = directory / paths[0]
    if not os.path.lexists(source):
        raise UsageError(f"{paths[0]} does not exist", "check the spelling")
    if not target or os.path.realpath(source) == os.path.realpath(repo.root / target):
        raise UsageError(f"{paths[0]} cannot be copied to itself", "leave --out away to track it where it is")
    with workspace_lock(repo).exclusive(repo.config.core.lock_timeout), scratch_folder(scratch_root(repo)) as scratch:
        _copy(source, scratch / "copy", paths[0])
        if repo.durable:
            sync_filesystem(scratch)
        with open_trash(repo).entry("add", repo.root) as entry:
            _put(repo, scratch, target, entry, force=options.force)
            manifest = workspace_manifest(repo.root, repo.git)
            check_can_add(repo, manifest, [target], force=options.force)
            return add_checked(repo, manifest, [target], options, progress, entry)


def _copy(source: Path, copy: Path, name: str) -> None:
    try:
        if source.is_dir():
            shutil.copytree(source, copy, symlinks=True)
        else:
            shutil.copy2(source, copy)
    except (shutil.Error, shutil.SpecialFileError) as error:
        failed = [str(each[0]) for each in error.args[0]] if isinstance(error, shutil.Error) else [name]
        raise Refused(
            f"cannot copy everything there: {shown(failed)}",
            "sockets, pipes and what cannot be read cannot be tracked; remove them, or copy the rest by hand",
            failed,
        ) from error


def _put(repo: Repo, scratch: Path, target: str, entry: TrashEntry, *, force: bool) -> None:
    *parts, name = target.split("/")
    root, work = (os.open(each, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC) for each in (repo.root, scratch))
    try:
        folder = open_folder(root, parts, create=True)
        try:
            if exists_at(folder, name):
                if not force:
                    raise Refused(
                        f"{target} exists already", "choose another --out, or replace it with --force", [target]
                    )
                entry.move_all([(repo.root / target, target)])
            move(work, "copy", folder, name, durable=repo.durable)
        finally:
            os.close(folder)
    finally:
        os.close(root)
        os.close(work)
