"""`dvcx commit`: store what the workspace has for data that is tracked already."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from dvcx.base.errors import MissingData, UsageError
from dvcx.base.progress import SILENT, Progress
from dvcx.manifest.manifest import workspace_manifest
from dvcx.manifest.trees import LoadTree, entry_at, entry_of, files_below, is_at_hand
from dvcx.operations.add import Added, AddOptions, add_checked
from dvcx.operations.add_checks import check_can_add
from dvcx.operations.targets import Target, resolve_targets
from dvcx.repo.record import Repo, open_cache, open_state, tree_loader, workspace_lock
from dvcx.storage.cache import Cache


@dataclass(frozen=True, slots=True)
class Committed:
    """One tracked path after a commit: its id, size in bytes and number of files (None for a file).

    `change` is `updated` (the pointer names new content), `stored` (the content was not in the cache before) or
    `unchanged`; `unfetched` counts files of a folder that are kept although they are not here.
    """

    path: str
    pointer: str
    id: str
    size: int
    files: int | None
    change: str
    unfetched: int


@dataclass(frozen=True, slots=True)
class CommitResult:
    """What a commit did; `absent` are tracked paths of which the workspace has nothing to store.

    `unsaved` is other tracked data that the stages whose outputs were stored ran with, and that was edited and not
    added.
    """

    outputs: tuple[Committed, ...]
    changed_files: tuple[str, ...]
    absent: tuple[str, ...]
    unsaved: tuple[str, ...] = ()


def commit(repo: Repo, paths: Sequence[str] = (), *, force: bool = False, progress: Progress = SILENT) -> CommitResult:
    """Stores what the workspace has at `paths` (all tracked data when there are none), and writes pointers to it.

    Raises `UsageError` for a named path that is not tracked or not here, and `Refused`, with no pointer changed, for
    frozen data that has changed (unless `force`) and for what `add` refuses.
    """
    with workspace_lock(repo).exclusive(repo.config.core.lock_timeout):
        manifest = workspace_manifest(repo.root, repo.git)
        targets = resolve_targets(manifest, paths)
        here = [target for target in targets if os.path.lexists(repo.root / target.path)]
        absent = [target.path for target in targets if target not in here]
        _refuse_absent([path for path in absent if path in paths])
        data = [target.path for target in here if target.pointer.stage is None]
        check_can_add(repo, manifest, data, force=True)
        cache = open_cache(repo)
        before = {target.output: _missing(cache, target) for target in here}
        made = _of_stages(repo, [target for target in here if target.pointer.stage is not None])
        done = add_checked(repo, manifest, data, AddOptions(force=force), progress)
        cache.packs.look_again()
        unsaved = _unsaved(repo, cache, here)
        filled = {target.output for target in here if _missing(cache, target) < before[target.output]}
        cache.close()
        stored = [
            replace(each, change="stored") if each.path in filled and each.change == "unchanged" else each
            for each in made
        ]
        files = {*done.changed_files, *(each.pointer for each in made if each.change == "updated")}
        outputs = (*(_committed(each, filled) for each in done.outputs), *stored)
        return CommitResult(outputs, tuple(sorted(files)), tuple(absent), unsaved)


def _of_stages(repo: Repo, targets: Sequence[Target]) -> list[Committed]:
    if not targets:
        return []
    from dvcx.operations.commit_stages import commit_outputs  # only projects with stages pay for it

    return [
        Committed(
            path=each.path,
            pointer=each.lock_file,
            id=str(each.recorded.id),
            size=each.recorded.size or 0,
            files=each.recorded.files,
            change="updated" if each.is_new else "unchanged",
            unfetched=0,
        )
        for each in commit_outputs(repo, targets)
    ]


def _unsaved(repo: Repo, cache: Cache, targets: Sequence[Target]) -> tuple[str, ...]:
    """Gives the tracked data that the runs behind the outputs at `targets` saw and that is stored nowhere."""
    addresses = dict.fromkeys(target.pointer.stage for target in targets if target.pointer.stage is not None)
    if not addresses:
        return ()
    from dvcx.operations.commit_stages import runs_of
    from dvcx.operations.unsaved import Looker, unsaved_inputs

    manifest, state = workspace_manifest(repo.root, repo.git), open_state(repo)
    found = unsaved_inputs(Looker(repo, manifest, cache, state, tree_loader(cache)), runs_of(repo, addresses))
    state.close()
    return found


def _refuse_absent(paths: Sequence[str]) -> None:
    for path in paths:
        raise UsageError(
            f"{path} is tracked but not in the workspace, so there is nothing to store",
            f"get it with `dvcx checkout {path}`, or stop tracking it with `dvcx remove {path}`",
        )


def _missing(cache: Cache, target: Target) -> int:
    """Gives how many files of what the pointer names are not in the cache; all of them when its trees are not."""
    load: LoadTree = tree_loader(cache)
    try:
        entry = entry_at(entry_of(target.pointer), target.inner, load)
        if entry is None or not is_at_hand(load, entry.digest, entry.is_folder):
            return target.pointer.files or 1
        return len(cache.missing(file.digest for _, file in files_below(entry, "", load) if file.is_file))
    except MissingData:
        return target.pointer.files or 1


def _committed(each: Added, filled: set[str]) -> Committed:
    change = "stored" if each.change == "unchanged" and each.path in filled else each.change
    return Committed(each.path, each.pointer, each.id, each.size, each.files, change, each.unfetched)
