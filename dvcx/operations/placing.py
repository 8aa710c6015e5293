"""Recording what a checkout put where, so that what was left out is never taken for deleted."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from dvcx.base.errors import MissingData
from dvcx.manifest.trees import LoadTree, TreeEditor, entry_at, entry_of
from dvcx.model.tree import EMPTY_TREE, TreeEntry, make_tree
from dvcx.operations.inner_edits import store_trees
from dvcx.operations.targets import Target
from dvcx.operations.unfetched import presence_at
from dvcx.repo.record import Repo
from dvcx.storage.cache import Cache
from dvcx.workspace.state import State


def was_empty(repo: Repo, target: Target) -> bool:
    """Tells whether nothing of the tracked path around `target` is in the workspace."""
    return not os.path.lexists(repo.root / target.output)


def record_placed(
    cache: Cache, state: State, targets: Iterable[Target], load: LoadTree, left_out: Collection[str], empty: set[str]
) -> None:
    """Records that `targets` were checked out but for the paths `left_out`.

    `empty` are the tracked paths of which there was nothing before, so that a part of one is all that is there now.
    """
    editor = TreeEditor(cache.algorithm, load)
    lacking = _Lacking(set(left_out), _folders_above(left_out), editor)
    by_output: dict[str, list[Target]] = {}
    for target in targets:
        by_output.setdefault(target.output, []).append(target)
    placed: dict[str, TreeEntry] = {}
    tracked: dict[str, TreeEntry] = {}
    for output, group in by_output.items():
        found: dict[tuple[str, ...], TreeEntry] = {}
        for target in group:
            entry = lacking.placed(target)
            if entry is not None:
                found[target.inner] = entry
        whole = entry_of(group[0].pointer)
        if () in found:
            placed[output], tracked[output] = found[()], whole
        elif found:
            known = presence_at(state, output, is_folder=True, has=cache.has, load=load)
            if known.baseline is None and output not in empty:
                continue  # nothing is known of the rest, so nothing is said of it
            try:
                nothing = editor.keep(whole.name, EMPTY_TREE)
                placed[output] = editor.replace_all(known.baseline or nothing, found)
                tracked[output] = _tracked_now(whole, known.tracked, found, editor)
            except MissingData:
                continue
    store_trees(cache, editor, [*placed.values(), *tracked.values()])
    for output, entry in placed.items():
        state.set_baseline(output, entry.digest, tracked[output].digest)


def _tracked_now(
    whole: TreeEntry, before: TreeEntry | None, found: Collection[tuple[str, ...]], editor: TreeEditor
) -> TreeEntry:
    """Gives what is tracked at a folder `whole` as far as it was looked at: the rest may be older."""
    if before is None or before.digest == whole.digest:
        return whole
    return editor.replace_all(before, {parts: entry_at(whole, parts, editor.load) for parts in found})


@dataclass(frozen=True, slots=True)
class _Lacking:
    """What targets amount to without the paths `gone`; `above` are all folders above those."""

    gone: set[str]
    above: set[str]
    editor: TreeEditor

    def placed(self, target: Target) -> TreeEntry | None:
        """Gives what was put at a target, or None when it is not known or nothing."""
        try:
            entry = entry_at(entry_of(target.pointer), target.inner, self.editor.load)
            if entry is None or target.path in self.gone:
                return None
            return self._without(entry, target.path)
        except MissingData:
            return None

    def _without(self, entry: TreeEntry, path: str) -> TreeEntry:
        if path not in self.above:
            return entry
        children: list[TreeEntry] = []
        for child in self.editor.load(entry.digest).entries:
            if f"{path}/{child.name}" not in self.gone:
                children.append(self._without(child, f"{path}/{child.name}"))
        return self.editor.keep(entry.name, make_tree(children))


def _folders_above(paths: Collection[str]) -> set[str]:
    above: set[str] = set()
    for path in paths:
        while "/" in path:
            path = path.rpartition("/")[0]
            above.add(path)
    return above
