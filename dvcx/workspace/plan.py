"""Planning a checkout: the exact list of what will change in the workspace, and what would be lost."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from dvcx.base.errors import MissingData, Refused
from dvcx.base.links import link_problem
from dvcx.base.paths import check_depth
from dvcx.formats.tree_bytes import check_portable
from dvcx.model.tree import EMPTY_TREE, Tree, TreeEntry
from dvcx.workspace.scan import Scanned


class ActionKind(StrEnum):
    """What happens to one path."""

    CREATE = "create"
    REPLACE = "replace"
    DELETE = "delete"
    RELINK = "relink"


@dataclass(frozen=True, slots=True)
class Action:
    """One change of the workspace at `path` (relative to the project root): from `old` to `new`."""

    kind: ActionKind
    path: str
    old: TreeEntry | None
    new: TreeEntry | None


@dataclass(slots=True)
class CheckoutPlan:
    """What a checkout will do.

    `unsaved` are files in the way whose content is stored nowhere; `kept` are files that nobody tracks and that are in
    nobody's way; `missing` are entries whose content is not in the cache. `to_trash` are saved files of unknown origin,
    which leave through the trash.
    """

    actions: list[Action] = field(default_factory=list)
    unsaved: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    missing: list[tuple[str, TreeEntry]] = field(default_factory=list)
    to_trash: set[str] = field(default_factory=set)
    folders_to_empty: list[str] = field(default_factory=list)


def _sees_nothing(path: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a plan gets its facts: the trees of the target, those of the scan, and which contents are stored.

    `left_out` are paths that the scan passed over because an ignore file names them; `look` scans such a path after
    all, when something is to be put there.
    """

    load_tree: Callable[[bytes], Tree]
    scanned: dict[bytes, Tree]
    has: Callable[[bytes], bool]
    portable_names: bool = True
    left_out: Collection[str] = ()
    look: Callable[[str], Scanned | None] = _sees_nothing


def plan_checkout(
    path: str,
    current: TreeEntry | None,
    target: TreeEntry | None,
    baseline: TreeEntry | None,
    sources: Sources,
    *,
    tracked: str | None = None,
    force: bool = False,
) -> CheckoutPlan:
    """Gives how to make `path` from `current` into `target`; `tracked` is the tracked path that it is or lies in.

    `baseline` is what dvcx itself last put or recorded there, when that is known: what equals it is nobody's new
    work. With `force` unsaved files go to the trash instead of standing in the way. Raises `Refused` for a symbolic
    link that would lead out of the tracked folder, and for a tree that is too deep.
    """
    planner = _Planner(sources, path if tracked is None else tracked, knows=baseline is not None, force=force)
    planner.compare(path, current, target, baseline)
    return planner.plan


class _Planner:
    def __init__(self, sources: Sources, tracked: str, *, knows: bool, force: bool) -> None:
        self._sources = sources
        self._knows_baseline = knows
        self._depth = tracked.count("/") + 1
        self._force = force
        self.plan = CheckoutPlan()

    def compare(
        self, path: str, current: TreeEntry | None, target: TreeEntry | None, baseline: TreeEntry | None
    ) -> None:
        """Adds what has to be done at `path` to the plan."""
        if current is None:
            if target is not None:
                self._create(path, target)
        elif target is None:
            self._remove(path, current, baseline)
        elif current.is_folder and target.is_folder:
            target_tree = self._target_tree(path, target) if current.digest != target.digest else None
            if target_tree is None:
                return
            now = self._sources.scanned[current.digest].by_name()
            then = self._baseline_tree(baseline).by_name()
            wanted = target_tree.by_name()
            # One call for each level, here and below: trees are up to MAX_DEPTH levels deep.
            for name in sorted(now.keys() | wanted.keys()):
                self.compare(f"{path}/{name}", now.get(name), wanted.get(name), then.get(name))
        elif not current.same_content(target):
            self._replace(path, current, target, baseline)

    def _create(self, path: str, target: TreeEntry) -> None:
        if path in self._sources.left_out:
            scanned = self._sources.look(path)
            if scanned is not None:
                self._sources.scanned.update(scanned.trees)
                self._create_beside(path, scanned.entry, target)
                return
        if self._is_there(path, target):
            self.plan.actions.append(Action(ActionKind.CREATE, path, None, target))

    def _create_beside(self, path: str, current: TreeEntry, target: TreeEntry) -> None:
        """Plans `target` where an ignored file or folder stands: what the target does not name is left alone."""
        if current.is_folder and target.is_folder:
            tree = self._target_tree(path, target)
            now = self._sources.scanned[current.digest].by_name()
            for entry in tree.entries if tree is not None else ():
                inner = f"{path}/{entry.name}"
                if entry.name in now:
                    self._create_beside(inner, now[entry.name], entry)
                else:
                    self._create(inner, entry)
        elif not current.same_content(target):
            self._replace(path, current, target, None)

    def _is_there(self, path: str, target: TreeEntry) -> bool:
        """Tells whether all of `target` can be had; when a part is missing, plans the rest piece by piece."""
        if target.is_link:
            self._check_link(path, target)
        if target.is_file and not self._sources.has(target.digest):
            self.plan.missing.append((path, target))
            return False
        if not target.is_folder:
            return True
        tree = self._target_tree(path, target)
        if tree is None:
            return False
        before = len(self.plan.missing), len(self.plan.actions)
        for entry in tree.entries:
            if self._is_there(f"{path}/{entry.name}", entry):
                self.plan.actions.append(Action(ActionKind.CREATE, f"{path}/{entry.name}", None, entry))
        if len(self.plan.missing) > before[0]:
            return False
        del self.plan.actions[before[1] :]
        return True

    def _check_link(self, path: str, target: TreeEntry) -> None:
        problem = link_problem(target.digest, path.count("/") - self._depth)
        if problem:
            raise Refused(
                f"{path} would be a symbolic link, which {problem}",
                "nothing was written; do not use this data unless you trust where it comes from",
                [path],
            )

    def _remove(self, path: str, current: TreeEntry, baseline: TreeEntry | None) -> None:
        if current.is_folder:
            then = self._baseline_tree(baseline).by_name()
            for entry in self._sources.scanned[current.digest].entries:
                self._remove(f"{path}/{entry.name}", entry, then.get(entry.name))
            self.plan.folders_to_empty.append(path)
        elif baseline is not None and current.same_content(baseline):
            self.plan.actions.append(Action(ActionKind.DELETE, path, current, None))
        elif self._force or (not self._knows_baseline and current.is_file and self._sources.has(current.digest)):
            # What dvcx put here is not known: its content is safe, but perhaps nothing remembers it under this name.
            self.plan.to_trash.add(path)
            self.plan.actions.append(Action(ActionKind.DELETE, path, current, None))
        else:
            self.plan.kept.append(path)

    def _replace(self, path: str, current: TreeEntry, target: TreeEntry, baseline: TreeEntry | None) -> None:
        before = len(self.plan.actions)
        is_whole = self._is_there(path, target)
        pieces = self.plan.actions[before:]
        del self.plan.actions[before:]
        if not is_whole and not pieces:
            return  # nothing of it can be had, so what is here stays
        unsaved = [inner for inner, entry, then in self._files(path, current, baseline) if not self._saved(entry, then)]
        if unsaved and not self._force:
            self.plan.unsaved.extend(unsaved)
            return
        if current.is_folder or target.is_folder:
            # A folder cannot be renamed over a file, nor a file over a folder: the old one leaves first, as a whole.
            self.plan.to_trash.add(path)
            self.plan.actions.append(Action(ActionKind.DELETE, path, current, None))
            self.plan.actions.extend([Action(ActionKind.CREATE, path, None, target)] if is_whole else pieces)
            return
        if unsaved or baseline is None or not current.same_content(baseline):
            # Its content may be in the cache (of an add that was refused or killed), but no pointer has to know it.
            self.plan.to_trash.add(path)
        self.plan.actions.append(Action(ActionKind.REPLACE, path, current, target))

    def _files(
        self, path: str, current: TreeEntry, baseline: TreeEntry | None
    ) -> Iterator[tuple[str, TreeEntry, TreeEntry | None]]:
        if not current.is_folder:
            yield path, current, baseline
            return
        then = self._baseline_tree(baseline).by_name()
        for entry in self._sources.scanned[current.digest].entries:
            yield from self._files(f"{path}/{entry.name}", entry, then.get(entry.name))

    def _saved(self, current: TreeEntry, baseline: TreeEntry | None) -> bool:
        if baseline is not None and current.same_content(baseline):
            return True
        return current.is_file and self._sources.has(current.digest)

    def _target_tree(self, path: str, target: TreeEntry) -> Tree | None:
        check_depth(path, "the data that was to be checked out")
        try:
            tree = self._sources.load_tree(target.digest)
        except MissingData:
            self.plan.missing.append((path, target))
            return None
        if self._sources.portable_names:
            check_portable(tree, path)
        return tree

    def _baseline_tree(self, baseline: TreeEntry | None) -> Tree:
        if baseline is None or not baseline.is_folder:
            return EMPTY_TREE
        try:
            return self._sources.load_tree(baseline.digest)
        except MissingData:
            return EMPTY_TREE
