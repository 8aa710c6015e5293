"""`dvcx status`: what in the workspace differs from the pointers, and what is not where it should be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dvcx.base.errors import MissingData
from dvcx.base.progress import SILENT, Progress, task
from dvcx.git.files import deleted_on_one_side
from dvcx.manifest.manifest import workspace_manifest
from dvcx.manifest.trees import LoadTree, compare, entry_at, entry_of, files_below, is_at_hand
from dvcx.model.changes import Change, ChangeKind, PathChange, pair_renames, path_change
from dvcx.model.pointer import SUFFIX, data_path
from dvcx.model.tree import EntryKind, Tree, TreeEntry
from dvcx.operations.edited_in_place import edited_in_place
from dvcx.operations.looking import look
from dvcx.operations.meant_otherwise import explaining
from dvcx.operations.targets import Target, not_inside, resolve_targets
from dvcx.operations.unfetched import Presence, inside, presence_at, with_evidence
from dvcx.repo.record import Repo, open_cache, open_state, tree_loader
from dvcx.storage.cache import Cache
from dvcx.workspace.scan import Scanned, problem_text
from dvcx.workspace.state import State

if TYPE_CHECKING:
    from dvcx.operations.stage_status import StageStatus
    from dvcx.storage.remote import Remote


@dataclass(frozen=True, slots=True)
class OutputStatus:
    """The state of one tracked path, or of the path inside it that was asked for.

    `state` is `clean`, `changed`, `outdated` (the pointer changed, by `git checkout` say, and the workspace did not),
    `absent` (nothing of it is in the workspace) or `unknown` (its trees are not at hand).
    `changes` are those made in the workspace, `outdated` those that a checkout would make, with nothing lost.
    `not_fetched` counts files that were never fetched here, `not_cached` those in the workspace whose content no cache
    holds, `not_on_remote` files the remote lacks (None: not asked). `damaged` are files that were edited through a
    link, so that the cached object is damaged. `untrackable` tells what `add` would refuse, a sentence each.
    """

    path: str
    state: str
    changes: tuple[PathChange, ...]
    not_fetched: int
    not_cached: tuple[str, ...]
    not_on_remote: tuple[str, ...] | None
    damaged: tuple[str, ...]
    untrackable: tuple[str, ...] = ()
    outdated: tuple[PathChange, ...] = ()

    @property
    def is_dirty(self) -> bool:
        """Tells whether something is to be done about it; data that was never fetched is not dirty."""
        lists = (self.changes, self.outdated, self.not_cached, self.damaged, self.not_on_remote, self.untrackable)
        return any(lists) or self.state in ("absent", "outdated")


@dataclass(frozen=True, slots=True)
class StatusResult:
    """The state of everything asked for; `broken` are pointer files that cannot be used, each with why.

    `hints` say what to do about them. `stages` are those that are not up to date, `fresh_stages` counts the others; of
    a pipeline that cannot be used `broken` tells.
    """

    outputs: tuple[OutputStatus, ...]
    broken: dict[str, str]
    remote: str | None
    hints: tuple[str, ...] = ()
    stages: tuple[StageStatus, ...] = ()
    fresh_stages: int = 0

    @property
    def is_dirty(self) -> bool:
        """Tells whether anything differs or cannot be used."""
        return bool(self.broken or self.stages) or any(output.is_dirty for output in self.outputs)


def status(
    repo: Repo,
    paths: Sequence[str] = (),
    *,
    remote: str | None = None,
    environment: Mapping[str, str] | None = None,
    progress: Progress = SILENT,
) -> StatusResult:
    """Compares the workspace at `paths` (everything when there are none) with the pointers, and stages with their runs.

    With `remote` also asks that remote what it lacks; raises `RemoteError` when it cannot be asked. Takes no lock, and
    runs nothing. `environment` is where `env:` dependencies of stages are looked up.
    """
    manifest = workspace_manifest(repo.root, repo.git)
    with explaining(repo, "`dvcx diff {}` compares the workspace with it"):
        targets = resolve_targets(manifest, paths, pass_over_broken=True)
    cache, state = open_cache(repo), open_state(repo)
    far = _open_remote(repo, remote) if remote is not None else None
    looker = _Looker(repo, cache, state, tree_loader(cache), far)
    with task(progress, "checking", None, "files") as running:
        outputs = tuple(looker.look(target, running.advance) for target in targets)
    broken = {path: error.message for path, error in manifest.broken.items()}
    fresh = 0
    hints = [error.hint for error in manifest.broken.values() if error.hint]
    for pointer in _deleted_on_one_side(repo):
        data = data_path(pointer)
        broken.setdefault(pointer, f"one side of a merge deleted {data}, the other changed it")
        hints.append(f"decide with `dvcx resolve --ours {data}` (or --theirs), then git add what it names")
    stages: tuple[StageStatus, ...] = ()
    if manifest.pipelines:
        # Loads the YAML reader, which projects without stages do not pay.
        from dvcx.operations.stage_status import stage_states

        found = stage_states(repo, environment or {}, manifest, cache, state, paths)
        stages, fresh = found.stale, found.fresh
        broken.update(found.broken)
        hints += found.hints
    state.close()
    cache.close()
    return StatusResult(outputs, broken, far.name if far else None, tuple(dict.fromkeys(hints)), stages, fresh)


def _deleted_on_one_side(repo: Repo) -> list[str]:
    if repo.git is None:
        return []
    cut = len(repo.prefix) + 1 if repo.prefix else 0
    return [path[cut:] for path in deleted_on_one_side(repo.git, repo.prefix) if path.endswith(SUFFIX)]


def state_of(repo: Repo, target: Target, cache: Cache, state: State, load: LoadTree) -> OutputStatus:
    """Gives the state of one target, with what is open already; no remote is asked."""
    return _Looker(repo, cache, state, load, None).look(target, lambda count: None)


def _open_remote(repo: Repo, name: str) -> Remote:
    from dvcx.operations.remotes import open_remote  # 10 ms that a status of the workspace alone does not pay

    return open_remote(repo, name)


@dataclass(frozen=True, slots=True)
class _Looker:
    repo: Repo
    cache: Cache
    state: State
    load: LoadTree
    remote: Remote | None

    def look(self, target: Target, advance: Callable[[int], None]) -> OutputStatus:
        """Gives the state of one target."""
        whole = entry_of(target.pointer)
        scanned = look(self.repo, self.cache, self.state, target.path, target.output, advance=advance)
        return replace(
            self._compare(target, whole, scanned),
            not_on_remote=self._not_on_remote(target),
            untrackable=tuple(problem_text(*each) for each in scanned.foreign) if scanned is not None else (),
        )

    def _compare(self, target: Target, whole: TreeEntry, scanned: Scanned | None) -> OutputStatus:
        try:
            wanted = entry_at(whole, target.inner, self.load)
        except MissingData:
            return self._without_tree(target, whole, scanned)
        if wanted is not None and not is_at_hand(self.load, wanted.digest, wanted.is_folder):
            return self._without_tree(target, wanted, scanned)
        if wanted is None and scanned is None:
            raise not_inside(target)
        if scanned is None:
            assert wanted is not None
            return self._absent(target.path, wanted)
        if wanted is not None and scanned.entry.same_content(wanted):
            return OutputStatus(target.path, "clean", (), 0, self._not_cached(target.path, wanted, scanned), None, ())
        return self._changed(target, wanted, scanned)

    def _without_tree(self, target: Target, whole: TreeEntry, scanned: Scanned | None) -> OutputStatus:
        if scanned is not None and scanned.entry.same_content(whole):
            # The files are all there; only the cache has lost them, or never had them (`add --no-commit`).
            load = scanned.trees.__getitem__
            files = tuple(path for path, _ in files_below(scanned.entry, target.path, load))
            return OutputStatus(target.path, "clean", (), 0, files, None, ())
        if scanned is None or (scanned.entry.is_folder and not scanned.entry.files):
            return OutputStatus(target.path, "unfetched", (), whole.files, (), None, ())
        known = inside(self._presence(target), target.output, target.path, self.load)
        state = "outdated" if known.is_outdated(whole, scanned.entry) else "unknown"
        return OutputStatus(target.path, state, (), whole.files, (), None, ())

    def _absent(self, path: str, wanted: TreeEntry) -> OutputStatus:
        unread: list[tuple[str, TreeEntry]] = []
        files = [entry for _, entry in files_below(wanted, path, self.load, unread=unread)]
        lacking = self.cache.missing({entry.digest for entry in files if entry.is_file})
        count = sum(1 for entry in files if entry.digest in lacking) + sum(folder.files for _, folder in unread)
        state = "unfetched" if count and count == wanted.files else "absent"
        return OutputStatus(path, state, (), count, (), None, ())

    def _changed(self, target: Target, wanted: TreeEntry | None, scanned: Scanned) -> OutputStatus:
        not_fetched = 0
        changes: list[Change] = []
        outdated: list[Change] = []
        presence = self._presence(target)
        presence = with_evidence(presence, wanted, scanned.entry, lambda digest: self._tree(digest, scanned))
        for change in compare(target.path, wanted, scanned.entry, self.load, scanned.trees.__getitem__):
            old = change.old
            known = inside(presence, target.output, change.path, self.load)
            if known.is_outdated(old, change.new):
                outdated.append(_other_way(change))
            elif change.kind is ChangeKind.DELETED and old is not None and self._was_never_here(old, known):
                not_fetched += old.files
            else:
                changes.append(change)
        damaged = tuple(change.path for change in edited_in_place(self.repo, self.cache, changes))
        listed, coming = (tuple(map(path_change, pair_renames(some))) for some in (changes, outdated))
        state = "changed" if listed else "outdated" if coming else "clean"
        return OutputStatus(target.path, state, listed, not_fetched, (), None, damaged, outdated=coming)

    def _presence(self, target: Target) -> Presence:
        is_folder = target.pointer.is_folder
        return presence_at(self.state, target.output, is_folder=is_folder, has=self.cache.has, load=self.load)

    def _was_never_here(self, old: TreeEntry, presence: Presence) -> bool:
        return (old.is_folder and old.files > 0 and not is_at_hand(self.load, old.digest)) or presence.was_never_here(
            old
        )

    def _tree(self, digest: bytes, scanned: Scanned) -> Tree:
        return scanned.trees.get(digest) or self.load(digest)

    def _not_cached(self, path: str, wanted: TreeEntry, scanned: Scanned) -> tuple[str, ...]:
        inside = {e.digest for tree in scanned.trees.values() for e in tree.entries if e.kind <= EntryKind.FOLDER}
        if not self.cache.missing(inside | ({wanted.digest} if wanted.is_file else set())):
            return ()
        unread: list[tuple[str, TreeEntry]] = []
        has = self.cache.has
        files = files_below(wanted, path, self.load, unread=unread)
        lacking = [name for name, entry in files if entry.is_file and not has(entry.digest)]
        return (*lacking, *(name for name, _ in unread))

    def _not_on_remote(self, target: Target) -> tuple[str, ...] | None:
        if self.remote is None:
            return None
        # What was never fetched is known from the remote's own trees.
        from dvcx.operations.listings import far_loader  # only for a remote, as above

        load = far_loader(self.cache, self.remote, [target])
        unread: list[tuple[str, TreeEntry]] = []
        try:
            wanted = entry_at(entry_of(target.pointer), target.inner, load)
        except MissingData:
            return (target.path,)
        if wanted is None:
            return ()
        files = [each for each in files_below(wanted, target.path, load, unread=unread) if each[1].is_file]
        lacking = self.remote.missing({entry.digest for _, entry in files})
        self.remote.require_whole_index(len(lacking))
        return (*(name for name, entry in files if entry.digest in lacking), *(name for name, _ in unread))


def _other_way(change: Change) -> Change:
    """Gives what a checkout would do about a change."""
    kind = {ChangeKind.ADDED: ChangeKind.DELETED, ChangeKind.DELETED: ChangeKind.ADDED}.get(change.kind, change.kind)
    return Change(kind, change.path, change.new, change.old)
