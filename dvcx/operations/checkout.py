"""`dvcx checkout`: make the workspace equal to the pointers, losing nothing that nobody saved."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from dvcx.base.errors import DamagedData, DvcxError, MissingData, Refused, shown
from dvcx.base.progress import SILENT, Progress, task
from dvcx.base.scratch import scratch_folder
from dvcx.manifest.manifest import Manifest, workspace_manifest
from dvcx.manifest.trees import LoadTree, entry_at, entry_of
from dvcx.model.pointer import pointer_path
from dvcx.model.tree import EntryKind, TreeEntry
from dvcx.operations.placing import record_placed, was_empty
from dvcx.operations.relink import relink
from dvcx.operations.targets import Target, resolve_targets
from dvcx.repo.record import (
    Repo,
    link_types,
    open_cache,
    open_state,
    open_trash,
    scan_rules,
    scratch_root,
    tree_loader,
    workspace_lock,
)
from dvcx.storage.cache import Cache
from dvcx.workspace.apply import Applied, Tools, apply_checkout
from dvcx.workspace.plan import ActionKind, CheckoutPlan, Sources, plan_checkout
from dvcx.workspace.scan import scan
from dvcx.workspace.state import State


@dataclass(frozen=True, slots=True)
class FileChange:
    """One path that a checkout changes: `create` (a file or a whole folder), `replace`, `delete` or `relink`."""

    action: str
    path: str
    size: int
    files: int


@dataclass(frozen=True, slots=True)
class CheckoutResult:
    """What a checkout did or, with `dry_run`, would do.

    `missing` are files whose content is not in the cache; `kept` are untracked files that nobody saved and that stay.
    `damaged` are files whose cached content is damaged: they were left as they were.
    """

    changes: tuple[FileChange, ...]
    missing: tuple[str, ...]
    kept: tuple[str, ...]
    damaged: tuple[str, ...]
    damaged_digests: tuple[bytes, ...]
    unsaved: tuple[str, ...]
    dry_run: bool

    def problem(self, *, allow_missing: bool = False) -> DvcxError | None:
        """Gives the error for what could not be restored, or None when all was."""
        if self.damaged:
            return DamagedData(
                f"{len(self.damaged)} files are damaged in the cache and were not restored: {shown(self.damaged)}",
                "run `dvcx pull` or `dvcx fsck --repair` to fetch good copies",
            )
        if self.missing and not allow_missing:
            return MissingData(
                f"{len(self.missing)} files are not in the cache: {shown(self.missing)}",
                "run `dvcx pull` to fetch them, or add --allow-missing",
                self.missing,
            )
        return None


@dataclass(frozen=True, slots=True)
class CheckoutOptions:
    """How to check out: see `dvcx checkout --help`."""

    force: bool = False
    relink: bool = False
    dry_run: bool = False


def checkout(
    repo: Repo, paths: Sequence[str], options: CheckoutOptions | None = None, progress: Progress = SILENT
) -> CheckoutResult:
    """Makes the data at `paths` (all tracked data when there are none) what the pointers say.

    Raises `Refused`, having changed nothing, when files that nobody saved are in the way and `force` is not given.
    """
    with workspace_lock(repo).exclusive(repo.config.core.lock_timeout):
        manifest = workspace_manifest(repo.root, repo.git)
        targets = resolve_targets(manifest, paths)
        return checkout_targets(
            repo, targets, options or CheckoutOptions(), progress, whole=None if paths else manifest
        )


def checkout_targets(
    repo: Repo,
    targets: Sequence[Target],
    options: CheckoutOptions,
    progress: Progress = SILENT,
    *,
    whole: Manifest | None = None,
) -> CheckoutResult:
    """Does what `checkout` does for targets found already; the caller holds the workspace lock.

    With `whole`, the manifest of all that is tracked now, data that dvcx put here and that is tracked no more leaves.
    """
    cache, state = open_cache(repo), open_state(repo)
    load = tree_loader(cache)
    plan = CheckoutPlan()
    for target in targets:
        _join(plan, _plan_target(repo, cache, state, target, load, force=options.force))
    former = _no_longer_tracked(state, whole) if whole is not None else []
    for path in former:
        _join(plan, _plan_leaving(repo, cache, state, path, load))
    if plan.unsaved and not options.dry_run:
        raise Refused(
            f"{len(plan.unsaved)} files have changes that nobody saved and would be replaced: {shown(plan.unsaved)}",
            "save them with `dvcx add` (or `dvcx commit`), or replace them with --force; `dvcx undo` brings them back",
            plan.unsaved,
        )
    applied = Applied()
    if not options.dry_run:
        empty = {target.output for target in targets if was_empty(repo, target)}
        for output in empty:
            state.set_baseline(output, None)  # nothing of it is here any more, whatever was
        applied = _apply(repo, cache, state, plan, load, progress)
        left_out = {path for path, _ in (*plan.missing, *applied.damaged)}
        for target in targets:
            record_placed(cache, state, target, load, left_out, from_nothing=target.output in empty)
        for path in former:
            state.set_baseline(path, None)
        if options.relink:
            _relink(repo, cache, state, targets, load)
    state.close()
    cache.close()
    return _result(plan, applied, options)


def _plan_target(
    repo: Repo, cache: Cache, state: State, target: Target, load: LoadTree, *, force: bool
) -> CheckoutPlan:
    whole = entry_of(target.pointer)
    try:
        wanted = entry_at(whole, target.inner, load)
    except MissingData:
        return CheckoutPlan(missing=[(target.path, whole)])
    if wanted is None:
        raise MissingData(f"{target.path} is not in the folder that {target.output}.dvcx tracks", None, [target.path])
    prefix = str(cache.loose.root) + os.sep
    scanned = scan(repo.root, target.path, state, scan_rules(repo), tracked=target.output, cache_prefix=prefix)
    baseline = _baseline(state, target, load)
    sources = Sources(load, scanned.trees if scanned else {}, cache.has, repo.config.core.portable_names)
    now = scanned.entry if scanned else None
    return plan_checkout(target.path, now, wanted, baseline, sources, tracked=target.output, force=force)


def _baseline(state: State, target: Target, load: LoadTree) -> TreeEntry | None:
    digest = state.baseline(target.output)
    if digest is None:
        return None
    kind = EntryKind.FOLDER if target.pointer.is_folder else EntryKind.FILE
    try:
        return entry_at(TreeEntry(target.pointer.name, kind, digest, 0, 0), target.inner, load)
    except MissingData:
        return None


def _no_longer_tracked(state: State, manifest: Manifest) -> list[str]:
    """Gives the paths at which dvcx put data that the pointers of now do not know, nor any folder around them."""
    return [
        path
        for path in sorted(state.baselines())
        if manifest.owner_of(path) is None and not manifest.below(path) and pointer_path(path) not in manifest.broken
    ]


def _plan_leaving(repo: Repo, cache: Cache, state: State, path: str, load: LoadTree) -> CheckoutPlan:
    """Plans to remove what is still as dvcx put it there; everything else stays."""
    prefix = str(cache.loose.root) + os.sep
    scanned = scan(repo.root, path, state, scan_rules(repo), cache_prefix=prefix)
    if scanned is None:
        return CheckoutPlan()
    kind = EntryKind.FOLDER if scanned.entry.is_folder else EntryKind(scanned.entry.kind)
    baseline = TreeEntry(scanned.entry.name, kind, state.baseline(path) or b"", 0, 0)
    sources = Sources(load, scanned.trees, lambda digest: False, portable_names=False)
    return plan_checkout(path, scanned.entry, None, baseline, sources)


def _join(plan: CheckoutPlan, more: CheckoutPlan) -> None:
    plan.actions += more.actions
    plan.unsaved += more.unsaved
    plan.kept += more.kept
    plan.missing += more.missing
    plan.to_trash |= more.to_trash
    plan.folders_to_empty += more.folders_to_empty


def _apply(repo: Repo, cache: Cache, state: State, plan: CheckoutPlan, load: LoadTree, progress: Progress) -> Applied:
    if not plan.actions and not plan.folders_to_empty:
        return Applied()
    total = sum(action.new.files for action in plan.actions if action.new is not None)
    with (
        scratch_folder(scratch_root(repo)) as scratch,
        open_trash(repo).entry("checkout", repo.root) as keeper,
        task(progress, "checking out", total, "files") as running,
    ):
        tools = Tools(repo.root, cache, state, link_types(repo), scratch, repo.durable, load, running.advance)
        return apply_checkout(plan, tools, keeper)


def _relink(repo: Repo, cache: Cache, state: State, targets: Sequence[Target], load: LoadTree) -> None:
    entries: dict[str, TreeEntry] = {}
    for target in targets:
        try:
            entry = entry_at(entry_of(target.pointer), target.inner, load)
        except MissingData:
            continue
        if entry is not None:
            entries[target.path] = entry
    relink(repo, cache, state, entries, load)


def _result(plan: CheckoutPlan, applied: Applied, options: CheckoutOptions) -> CheckoutResult:
    actions = plan.actions if options.dry_run else applied.done
    changes = []
    for action in actions:
        entry = action.new or action.old
        assert entry is not None
        if action.kind is ActionKind.DELETE and any(a.path == action.path and a.new is not None for a in actions):
            continue  # a file in a folder's place, or the other way round, shows as one change
        changes.append(FileChange(action.kind.value, action.path, entry.size, entry.files))
    return CheckoutResult(
        changes=tuple(changes),
        missing=tuple(path for path, _ in plan.missing),
        kept=tuple(plan.kept),
        damaged=tuple(path for path, _ in applied.damaged),
        damaged_digests=tuple(digest for _, digest in applied.damaged),
        unsaved=tuple(plan.unsaved),
        dry_run=options.dry_run,
    )
