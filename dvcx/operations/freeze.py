"""`dvcx freeze` and `dvcx unfreeze`: guard tracked data against changes by accident, or stop guarding it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dvcx.base.errors import UsageError
from dvcx.manifest.manifest import workspace_manifest
from dvcx.operations.pointers import PointerChange, write_pointers
from dvcx.operations.targets import Target, resolve_targets
from dvcx.repo.record import Repo, open_trash, workspace_lock


@dataclass(frozen=True, slots=True)
class FreezeResult:
    """The tracked paths that are frozen (or not, any more) now: those that changed, and those that were so before.

    `frozen` is what they are; `changed_files` are those of ours that Git should take in.
    """

    frozen: bool
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    changed_files: tuple[str, ...]


def freeze(repo: Repo, paths: Sequence[str]) -> FreezeResult:
    """Freezes the data tracked at and below `paths`: from then on nothing changes its pointer without `--force`.

    Raises `UsageError` for paths that are not tracked, or lie inside a tracked folder.
    """
    return _set(repo, paths, frozen=True)


def unfreeze(repo: Repo, paths: Sequence[str]) -> FreezeResult:
    """Does the opposite of `freeze`."""
    return _set(repo, paths, frozen=False)


def _set(repo: Repo, paths: Sequence[str], *, frozen: bool) -> FreezeResult:
    verb = "freeze" if frozen else "unfreeze"
    with workspace_lock(repo).exclusive(repo.config.core.lock_timeout):
        targets = resolve_targets(workspace_manifest(repo.root, repo.git), paths)
        _refuse_inner(targets, verb)
        pointers = {target.output: target.pointer for target in targets}
        changes = [
            PointerChange(path, pointer, replace(pointer, frozen=frozen))
            for path, pointer in pointers.items()
            if pointer.frozen != frozen
        ]
        files = write_pointers(repo, open_trash(repo), verb, changes)
    changed = tuple(change.path for change in changes)
    return FreezeResult(frozen, changed, tuple(path for path in pointers if path not in changed), files)


def _refuse_inner(targets: Sequence[Target], verb: str) -> None:
    for target in targets:
        if target.inner:
            raise UsageError(
                f"{target.path} lies inside the tracked folder {target.output}, which can be frozen only as a whole",
                f"run `dvcx {verb} {target.output}`, or move the file out first: "
                f"`dvcx move {target.path} {target.path.rpartition('/')[2]}`",
            )
