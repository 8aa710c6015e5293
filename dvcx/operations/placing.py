"""Recording what a checkout put where, so that what was left out is never taken for deleted."""

from __future__ import annotations

import os
from collections.abc import Collection

from dvcx.base.errors import MissingData
from dvcx.formats.table import Role
from dvcx.manifest.trees import LoadTree, TreeEditor, entry_at, entry_of
from dvcx.model.tree import EMPTY_TREE, TreeEntry, make_tree
from dvcx.operations.targets import Target
from dvcx.operations.unfetched import presence_at
from dvcx.repo.record import Repo
from dvcx.storage.cache import Cache
from dvcx.workspace.state import State


def was_empty(repo: Repo, target: Target) -> bool:
    """Tells whether nothing of the tracked path around `target` is in the workspace."""
    return not os.path.lexists(repo.root / target.output)


def record_placed(
    cache: Cache, state: State, target: Target, load: LoadTree, left_out: Collection[str], *, from_nothing: bool
) -> None:
    """Records that `target` was checked out but for the paths `left_out`.

    With `from_nothing` there was nothing of the tracked path before, so a part of it is all that is there now.
    """
    editor = TreeEditor(cache.algorithm, load)
    try:
        placed = entry_at(entry_of(target.pointer), target.inner, editor.load)
        gone = {path for path in left_out if path == target.path or path.startswith(target.path + "/")}
        if placed is None or target.path in gone:
            return
        if gone:
            placed = _without(placed, target.path, gone, _folders_above(gone), editor)
        if target.inner:
            here = presence_at(state, target.output, is_folder=True, has=cache.has, load=load).baseline
            if here is None and not from_nothing:
                return  # nothing is known of the rest, so nothing is said of it
            placed = editor.replace(here or editor.keep(target.pointer.name, EMPTY_TREE), target.inner, placed)
    except MissingData:
        return
    made = list(editor.made_below(placed))
    if made:
        with cache.writer() as writer:
            for digest, data in made:
                writer.put(Role.TREE, digest, data)
    state.set_baseline(target.output, placed.digest)


def _folders_above(paths: Collection[str]) -> set[str]:
    above: set[str] = set()
    for path in paths:
        while "/" in path:
            path = path.rpartition("/")[0]
            above.add(path)
    return above


def _without(entry: TreeEntry, path: str, gone: set[str], above: set[str], editor: TreeEditor) -> TreeEntry:
    """Gives the folder `entry`, which stands at `path`, without what is at the paths `gone`."""
    if path not in above:
        return entry
    children = [
        _without(child, f"{path}/{child.name}", gone, above, editor)
        for child in editor.load(entry.digest).entries
        if f"{path}/{child.name}" not in gone
    ]
    return editor.keep(entry.name, make_tree(children))
