"""`dvcx add --out`: bring a file or folder into the project and track it there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from dvcx.base.errors import Refused, UsageError
from dvcx.base.files import closing, sync_filesystem
from dvcx.base.moving import copy, exists_at, move
from dvcx.base.paths import open_folder
from dvcx.base.progress import SILENT, Progress
from dvcx.base.scratch import scratch_folder
from dvcx.manifest.manifest import workspace_manifest
from dvcx.operations.add import AddOptions, AddResult, add_checked
from dvcx.operations.add_checks import check_can_add
from dvcx.repo.record import Repo, open_trash, scratch_root, workspace_lock

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


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
    than one path, `Refused` when something is there already, when a folder on the way is a symbolic link, and for what
    cannot be copied; and as `add`.
    """
    source = _source(repo, paths, target, directory)
    *parts, name = target.split("/")
    with (
        workspace_lock(repo).exclusive(repo.config.core.lock_timeout),
        scratch_folder(scratch_root(repo)) as scratch,
        closing(os.open(scratch, _FOLDER)) as work,
        closing(os.open(repo.root, _FOLDER)) as root,
        closing(open_folder(root, parts, create=True)) as folder,
    ):
        if exists_at(folder, name) and not options.force:
            raise Refused(f"{target} exists already", "choose another --out, or replace it with --force", [target])
        with closing(os.open(source.parent, _FOLDER)) as origin:
            copy(origin, source.name, work, name)
        if repo.durable:
            sync_filesystem(scratch)
        with open_trash(repo).entry("add", repo.root) as entry:
            entry.move_all([(repo.root / target, target)])
            move(work, name, folder, name, durable=repo.durable)
            manifest = workspace_manifest(repo.root, repo.git)
            check_can_add(repo, manifest, [target], force=options.force)
            return add_checked(repo, manifest, [target], options, progress, entry)


def _source(repo: Repo, paths: Sequence[str], target: str, directory: Path) -> Path:
    """Gives what to copy. A link that is named stands for what it leads to; links below it are copied as links."""
    if len(paths) != 1:
        raise UsageError(f"--out takes one path to copy, not {len(paths)}", "add them one by one")
    source = Path(os.path.realpath(directory / paths[0]))
    if not source.exists():
        raise UsageError(f"{paths[0]} does not exist", "check the spelling")
    if not target or str(source) == os.path.realpath(repo.root / target):
        raise UsageError(f"{paths[0]} cannot be copied to itself", "leave --out away to track it where it is")
    return source
