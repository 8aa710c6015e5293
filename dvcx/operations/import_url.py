"""`dvcx import-url`: download a file or folder, track it, and remember its URL and version."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from dvcx.base.errors import Refused, UsageError, shown
from dvcx.base.files import closing, sync_filesystem
from dvcx.base.moving import exists_at, move
from dvcx.base.paths import open_folder
from dvcx.base.progress import SILENT, Progress
from dvcx.base.scratch import scratch_folder
from dvcx.base.text import counted
from dvcx.manifest.manifest import workspace_manifest
from dvcx.operations.add import AddOptions, add_checked
from dvcx.operations.checkout import CheckoutOptions, checkout_targets
from dvcx.operations.import_ import Imported, ImportOptions, check_target
from dvcx.operations.outside import Place, check_can_be_tracked, download, look_again, name_of, source_of
from dvcx.operations.targets import Target
from dvcx.repo.record import Repo, open_trash, scratch_root, workspace_lock
from dvcx.storage.outside import Outside

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def import_url(
    repo: Repo, url: str, directory: Path, options: ImportOptions | None = None, progress: Progress = SILENT
) -> Imported:
    """Downloads what is at `url` (a path starts at `directory`) and tracks it at `options.out`.

    Raises `UsageError` when there is nothing, `Refused` for a URL with a secret in it and when something is in the way
    and `force` is not set, `RemoteError` when the store fails.
    """
    options = options or ImportOptions()
    check_can_be_tracked(url)
    if not options.download:
        raise UsageError("what is at a URL has no id before it was downloaded", "leave --no-download away")
    named = source_of(url, directory, repo)
    target = options.out if options.out is not None else name_of(url)
    check_target(repo, target, force=options.force)
    place, outside, source = look_again(named, repo)
    return take_url(repo, target, (place, outside), source, options, "import-url", progress)


def take_url(
    repo: Repo,
    target: str,
    found: tuple[Place, Outside],
    source: Mapping[str, object],
    options: ImportOptions,
    operation: str,
    progress: Progress = SILENT,
) -> Imported:
    """Downloads what was found at a place and tracks it at `target`; what was there goes to the trash.

    Raises `Refused`, with nothing changed, when that has changes that nobody saved and `force` is not set.
    """
    *parts, name = target.split("/")
    with scratch_folder(scratch_root(repo)) as scratch:
        download(*found, scratch / name, progress)
        if repo.durable:
            sync_filesystem(scratch)
        with (
            workspace_lock(repo).exclusive(repo.config.core.lock_timeout),
            closing(os.open(scratch, _FOLDER)) as work,
            closing(os.open(repo.root, _FOLDER)) as root,
            closing(open_folder(root, parts, create=True)) as folder,
            open_trash(repo).entry(operation, repo.root) as entry,
        ):
            manifest = workspace_manifest(repo.root, repo.git)
            old = manifest.pointers.get(target)
            if not options.force:
                if old is not None:
                    _check_saved(repo, Target(target, old))
                elif exists_at(folder, name):
                    raise Refused(f"{target} exists already", "replace it with --force", [target])
            if exists_at(folder, name):
                entry.move_all([(repo.root / target, target)])
            move(work, name, folder, name, durable=repo.durable)
            adding = AddOptions(force=options.force, desc=options.desc, source=source)
            result = add_checked(repo, manifest, [target], adding, progress, entry)
    (added,) = result.outputs
    return Imported(
        path=target,
        pointer=added.pointer,
        id=added.id,
        size=added.size,
        files=added.files,
        change=added.change,
        source=source,
        downloaded=True,
        changed_files=result.changed_files,
    )


def _check_saved(repo: Repo, target: Target) -> None:
    if target.pointer.frozen:
        raise Refused(
            f"{target.path} is frozen", f"run `dvcx unfreeze {target.path}` first, or add --force", [target.path]
        )
    plan = checkout_targets(repo, [target], CheckoutOptions(dry_run=True))
    if plan.unsaved:
        raise Refused(
            f"{counted(len(plan.unsaved), 'file has', 'files have')} changes that nobody saved and would be replaced: "
            f"{shown(plan.unsaved)}",
            "save them elsewhere, or replace them with --force; `dvcx undo` brings them back",
            plan.unsaved,
        )
