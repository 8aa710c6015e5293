"""`dvcx checkout`: make the workspace equal to the pointers, losing nothing that nobody saved."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dvcx.base.errors import DamagedData, DvcxError, MissingData, shown
from dvcx.base.progress import SILENT, Progress, task
from dvcx.base.scratch import scratch_folder
from dvcx.base.text import counted
from dvcx.manifest.manifest import Manifest, workspace_manifest
from dvcx.manifest.trees import LoadTree, entry_at, entry_of
from dvcx.model.pointer import pointer_path
from dvcx.model.tree import EntryKind, TreeEntry
from dvcx.operations.git_setup import keep_drivers
from dvcx.operations.in_the_way import in_the_way
from dvcx.operations.looking import look
from dvcx.operations.meant_otherwise import explaining
from dvcx.operations.own_copies import links_into_cache, make_own_copies
from dvcx.operations.placing import record_placed, was_empty
from dvcx.operations.relink import relink, wanted_links
from dvcx.operations.selection import is_in_a_tip
from dvcx.operations.targets import Target, not_inside, resolve_targets
from dvcx.repo.record import (
    Repo,
    link_types,
    open_cache,
    open_state,
    open_trash,
    scratch_root,
    tree_loader,
    workspace_lock,
)
from dvcx.storage.cache import Cache
from dvcx.storage.copies import Copies
from dvcx.workspace.apply import Applied, Tools, apply_checkout
from dvcx.workspace.plan import ActionKind, CheckoutPlan, Sources, plan_checkout
from dvcx.workspace.scan import Scanned
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
    `damaged` are files whose cached content is damaged: they were left as they were. `relink`: links were asked for.
    """

    changes: tuple[FileChange, ...]
    missing: tuple[str, ...]
    kept: tuple[str, ...]
    damaged: tuple[str, ...]
    damaged_digests: tuple[bytes, ...]
    unsaved: tuple[str, ...]
    dry_run: bool
    relink: bool = False

    def problem(self, *, allow_missing: bool = False) -> DvcxError | None:
        """Gives the error for what could not be restored, or None when all was."""
        if self.damaged:
            return DamagedData(
                f"{counted(len(self.damaged), 'file is', 'files are')} damaged in the cache and not restored: "
                f"{shown(self.damaged)}",
                "run `dvcx pull` or `dvcx fsck --repair` to fetch good copies",
            )
        if self.missing and not allow_missing:
            return MissingData(
                f"{counted(len(self.missing), 'file or folder is', 'files or folders are')} not in the cache: "
                f"{shown(self.missing)}",
                "run `dvcx pull` to fetch them, or add --allow-missing",
                self.missing,
            )
        return None


@dataclass(frozen=True, slots=True)
class CheckoutOptions:
    """How to check out: see `dvcx checkout --help`.

    Files of more than `max_size` bytes that the cache does not have were left out on purpose and are not missing.
    """

    force: bool = False
    relink: bool = False
    dry_run: bool = False
    max_size: int | None = None

    def left_out(self, entry: TreeEntry) -> bool:
        """Tells whether a file that is not in the cache is so because it is too large."""
        return self.max_size is not None and entry.is_file and entry.size > self.max_size


def checkout(
    repo: Repo, paths: Sequence[str], options: CheckoutOptions | None = None, progress: Progress = SILENT
) -> CheckoutResult:
    """Makes the data at `paths` (all tracked data when there are none) what the pointers say.

    Raises `Refused`, having changed nothing, when files that nobody saved are in the way and `force` is not given.
    """
    with workspace_lock(repo).exclusive(repo.config.core.lock_timeout):
        manifest = workspace_manifest(repo.root, repo.git)
        with explaining(repo, "`git checkout {}` brings its pointers, then `dvcx checkout`"):
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
    copies: Copies | None = None,
) -> CheckoutResult:
    """Does what `checkout` does for targets found already; the caller holds the workspace lock.

    With `whole`, the manifest of all that is tracked now, data that dvcx put here and that is tracked no more leaves.
    `copies` may have large files ready.
    """
    if not options.dry_run:
        keep_drivers(repo)
    cache, state = open_cache(repo), open_state(repo)
    result = checkout_opened(repo, cache, state, targets, options, progress, whole=whole, copies=copies)
    state.close()
    cache.close()
    return result


def checkout_opened(
    repo: Repo,
    cache: Cache,
    state: State,
    targets: Sequence[Target],
    options: CheckoutOptions,
    progress: Progress = SILENT,
    *,
    whole: Manifest | None = None,
    copies: Copies | None = None,
) -> CheckoutResult:
    """Does what `checkout_targets` does with a cache and state that are open already, and stay so."""
    load = tree_loader(cache)
    plan = CheckoutPlan()
    former = _no_longer_tracked(repo, state, whole) if whole is not None else []
    with task(progress, "looking", None, "files") as running:
        planning = _Planning(repo, cache, state, load, cache.lookup(), running.advance)
        for target in targets:
            _join(plan, planning.target(target, force=options.force))
        for path in former:
            _join(plan, planning.leaving(path))
    if plan.unsaved and not options.dry_run:
        raise in_the_way(plan.unsaved, targets, state)
    applied = Applied()
    relinked: list[FileChange] = []
    if not options.dry_run:
        empty = {target.output for target in targets if was_empty(repo, target)}
        for output in empty:
            state.set_baseline(output, None)  # nothing of it is here any more, whatever was
        applied = _apply(repo, cache, state, plan, load, progress, copies)
        left_out = {path for path, _ in (*plan.missing, *applied.damaged)}
        record_placed(cache, state, targets, load, left_out, empty)
        for path in former:
            state.set_baseline(path, None)
    if options.relink:
        known = {change.path for change in plan.actions} if options.dry_run else set()
        found = _relink(repo, cache, state, targets, load, progress, dry_run=options.dry_run)
        relinked = [change for change in found if change.path not in known]
    return _result(plan, applied, relinked, options)


@dataclass(frozen=True, slots=True)
class _Planning:
    repo: Repo
    cache: Cache
    state: State
    load: LoadTree
    has: Callable[[bytes], bool]
    advance: Callable[[int], None]

    def target(self, target: Target, *, force: bool) -> CheckoutPlan:
        """Gives how to make the workspace what the pointer says."""
        whole = entry_of(target.pointer)
        try:
            wanted = entry_at(whole, target.inner, self.load)
        except MissingData:
            return CheckoutPlan(missing=[(target.path, whole)])
        if wanted is None:
            raise not_inside(target)
        scanned = self._look(target.path, target.output)
        sources = Sources(
            self.load,
            scanned.trees if scanned else {},
            self.has,
            self.repo.config.core.portable_names,
            scanned.left_out if scanned else (),
            lambda path: self._look(path, target.output, ignoring=False),
        )
        now = scanned.entry if scanned else None
        baseline = self._baseline(target)
        return plan_checkout(target.path, now, wanted, baseline, sources, tracked=target.output, force=force)

    def leaving(self, path: str) -> CheckoutPlan:
        """Gives how to remove what is still as dvcx put it there; everything else stays."""
        scanned = self._look(path, path)
        digest = self.state.baseline(path)
        if scanned is None or digest is None:
            return CheckoutPlan()
        baseline = TreeEntry(scanned.entry.name, scanned.entry.kind, digest, 0, 0)
        sources = Sources(self.load, scanned.trees, lambda digest: False, portable_names=False)
        plan = plan_checkout(path, scanned.entry, None, baseline, sources)
        if not is_in_a_tip(self.repo, path, digest):
            # No pointer that Git knows names it any more, so only the trash can bring it back.
            plan.to_trash.update(action.path for action in plan.actions)
        return plan

    def _look(self, path: str, output: str, *, ignoring: bool = True) -> Scanned | None:
        return look(self.repo, self.cache, self.state, path, output, advance=self.advance, ignoring=ignoring)

    def _baseline(self, target: Target) -> TreeEntry | None:
        digest = self.state.baseline(target.output)
        if digest is None:
            return None
        kind = EntryKind.FOLDER if target.pointer.is_folder else EntryKind.FILE
        try:
            return entry_at(TreeEntry(target.pointer.name, kind, digest, 0, 0), target.inner, self.load)
        except MissingData:
            return None


def _no_longer_tracked(repo: Repo, state: State, manifest: Manifest) -> list[str]:
    """Gives the paths at which dvcx put data that the pointers of now do not know, nor any folder around them.

    A pointer file that is there and not in the manifest is one that Git was told to ignore: it still counts.
    """
    return [
        path
        for path in sorted(state.baselines())
        if manifest.owner_of(path) is None
        and not manifest.below(path)
        and not os.path.lexists(repo.root / pointer_path(path))
    ]


def _join(plan: CheckoutPlan, more: CheckoutPlan) -> None:
    plan.actions += more.actions
    plan.unsaved += more.unsaved
    plan.kept += more.kept
    plan.missing += more.missing
    plan.to_trash |= more.to_trash
    plan.folders_to_empty += more.folders_to_empty


def _apply(
    repo: Repo,
    cache: Cache,
    state: State,
    plan: CheckoutPlan,
    load: LoadTree,
    progress: Progress,
    copies: Copies | None,
) -> Applied:
    if not plan.actions and not plan.folders_to_empty:
        return Applied()
    total = sum(action.new.files for action in plan.actions if action.new is not None)
    with (
        scratch_folder(scratch_root(repo)) as scratch,
        open_trash(repo).entry("checkout", repo.root) as keeper,
        task(progress, "checking out", total, "files") as running,
    ):
        tools = Tools(repo.root, cache, state, link_types(repo), scratch, repo.durable, load, running.advance, copies)
        return apply_checkout(plan, tools, keeper)


def _relink(
    repo: Repo,
    cache: Cache,
    state: State,
    targets: Sequence[Target],
    load: LoadTree,
    progress: Progress,
    *,
    dry_run: bool,
) -> list[FileChange]:
    """Makes files links, or own copies, as `cache.type` says; with `dry_run` only tells which."""
    entries: dict[str, TreeEntry] = {}
    for target in targets:
        try:
            entry = entry_at(entry_of(target.pointer), target.inner, load)
        except MissingData:
            continue
        if entry is not None:
            entries[target.path] = entry
    if wanted_links(repo):
        paths = relink(repo, cache, state, entries, load, dry_run=dry_run)
    elif dry_run:
        paths = sorted(path for path, _ in links_into_cache(repo, cache, entries))
    else:
        paths = make_own_copies(repo, cache, state, entries, progress).done
    return [FileChange(ActionKind.RELINK.value, path, os.stat(repo.root / path).st_size, 1) for path in paths]


def _result(
    plan: CheckoutPlan, applied: Applied, relinked: Sequence[FileChange], options: CheckoutOptions
) -> CheckoutResult:
    actions = plan.actions if options.dry_run else applied.done
    changes = []
    for action in actions:
        entry = action.new or action.old
        assert entry is not None
        if action.kind is ActionKind.DELETE and any(a.path == action.path and a.new is not None for a in actions):
            continue  # a file in a folder's place, or the other way round, shows as one change
        changes.append(FileChange(action.kind.value, action.path, entry.size, entry.files))
    return CheckoutResult(
        changes=(*changes, *relinked),
        missing=tuple(path for path, entry in plan.missing if not options.left_out(entry)),
        kept=tuple(plan.kept),
        damaged=tuple(path for path, _ in applied.damaged),
        damaged_digests=tuple(digest for _, digest in applied.damaged),
        unsaved=tuple(plan.unsaved),
        dry_run=options.dry_run,
        relink=options.relink,
    )
