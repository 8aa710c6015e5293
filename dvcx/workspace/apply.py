"""Applying a checkout plan: everything new is written and flushed first, then put into its place."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from dvcx.base.errors import DamagedData, MissingData
from dvcx.base.files import sync_filesystem
from dvcx.base.hashing import hash_file
from dvcx.base.links import LinkType
from dvcx.model.tree import Tree, TreeEntry
from dvcx.storage.cache import Cache
from dvcx.storage.copies import Copies
from dvcx.workspace.placing import Keeper, Placing
from dvcx.workspace.plan import Action, ActionKind, CheckoutPlan
from dvcx.workspace.staging import Staged, Stager
from dvcx.workspace.state import FolderRows, Seen, State


@dataclass(frozen=True, slots=True)
class Tools:
    """What applying needs: the project root, the cache, the state, the link types to try, and where to stage.

    `copies`, on the file system of `scratch`, may have files ready that need not be copied from the cache.
    """

    root: Path
    cache: Cache
    state: State
    links: Sequence[LinkType]
    scratch: Path
    durable: bool
    load_tree: Callable[[bytes], Tree]
    advance: Callable[[int], None]
    copies: Copies | None = None


@dataclass(slots=True)
class Applied:
    """What was done: the actions that took place, and the paths and digests of contents that were found damaged."""

    done: list[Action] = field(default_factory=list)
    damaged: list[tuple[str, bytes]] = field(default_factory=list)


def apply_checkout(plan: CheckoutPlan, tools: Tools, keeper: Keeper) -> Applied:
    """Does what `plan` says. Killed anywhere, the same checkout again finishes it.

    Raises `Refused` when a folder on the way is a symbolic link, and `OSError` such as a full disk; until the first
    file gets its place nothing in the workspace has changed.
    """
    placing = Placing(tools.root, tools.scratch, tools.cache.algorithm, keeper, durable=tools.durable)
    with placing:
        placing.check_ways(plan.actions)
        stager = Stager(tools.cache, tools.scratch, tools.links, tools.copies)
        staged: dict[str, Staged] = {}
        for action in plan.actions:
            if action.new is not None:
                staged[action.path] = stager.add(action.path, action.new, tools.load_tree)
        stager.write(tools.advance)
        if tools.durable and staged:
            sync_filesystem(tools.scratch)
        failed = {path for path, each in staged.items() if stager.has_failed(each)}
        ready = [action for action in plan.actions if action.path not in failed]
        _keep_what_would_be_lost(ready, plan, tools, keeper)
        placing.put(ready, staged)
        placing.remove_empty(plan.folders_to_empty)
        placing.flush()
    _remember(ready, staged, tools.state, tools.root)
    return Applied(ready, list(stager.damaged))


def _keep_what_would_be_lost(actions: list[Action], plan: CheckoutPlan, tools: Tools, keeper: Keeper) -> None:
    leaving = [a for a in actions if a.old is not None and a.kind is not ActionKind.RELINK]
    changed = {a.path for a in leaving if not _is_as_scanned(a, tools)}
    unsafe = _not_safe_in_cache(
        [a.old for a in leaving if a.old is not None and a.path not in plan.to_trash], tools.cache
    )
    to_trash = [
        (tools.root / a.path, a.path)
        for a in leaving
        if a.path in plan.to_trash
        or a.path in changed
        or (a.old is not None and a.old.is_file and a.old.digest in unsafe)
    ]
    if to_trash:
        keeper.move_all(to_trash)


def _is_as_scanned(action: Action, tools: Tools) -> bool:
    """Tells whether the file that is about to leave still is the one that was scanned: someone may be editing it."""
    if action.old is None or not (action.old.is_file or action.old.is_link):
        return True
    folder, _, name = action.path.rpartition("/")
    path = tools.root / action.path
    row = tools.state.folder(folder).get(name)
    try:
        if action.old.is_link:
            return path.is_symlink() and os.readlink(path) == action.old.target
        if row is not None and row.digest == action.old.digest and row.fits(path.stat()):
            return True
        return hash_file(tools.cache.algorithm, path) == action.old.digest
    except FileNotFoundError:
        return True


def _not_safe_in_cache(entries: list[TreeEntry], cache: Cache) -> set[bytes]:
    """Gives the digests of files whose stored copy is missing or damaged: the workspace's is then the last one."""
    digests = {entry.digest for entry in entries if entry.is_file}
    unsafe = cache.missing(digests)
    left = digests - unsafe
    try:
        for digest in _verify(cache, left):
            left.discard(digest)
    except (DamagedData, MissingData):
        for digest in list(left):
            try:
                list(_verify(cache, {digest}))
            except (DamagedData, MissingData):
                unsafe.add(digest)
    return unsafe


def _verify(cache: Cache, digests: set[bytes]) -> Iterator[bytes]:
    packed, loose = cache.locate(set(digests))
    for digest, _ in cache.read_many([place.record.digest for place in packed]):
        yield digest
    for digest in loose:
        cache.verify_loose(digest)
        yield digest


def _remember(actions: list[Action], staged: dict[str, Staged], state: State, root: Path) -> None:
    changed: dict[str, FolderRows] = {}

    def rows_of(folder: str) -> FolderRows:
        if folder not in changed:
            changed[folder] = dict(state.folder(folder))
        return changed[folder]

    for action in actions:
        folder, _, name = action.path.rpartition("/")
        if action.new is None:
            rows_of(folder).pop(name, None)
            continue
        for inner, rows in staged[action.path].rows.items():
            if inner == folder:
                rows_of(folder).pop(name, None)
                row = _after_rename(root / action.path, rows[name]) if name in rows else None
                if row is not None:
                    rows_of(folder)[name] = row
            else:
                changed[inner] = dict(rows)
    for folder, rows in changed.items():
        state.remember(folder, rows)


def _after_rename(path: Path, row: Seen) -> Seen | None:
    """Gives the row with the change time that renaming gave the file, when nothing else has changed."""
    status = path.lstat()
    if (status.st_size, status.st_mtime_ns, status.st_ino) != (row.size, row.mtime, row.inode):
        return None
    return Seen(row.size, row.mtime, status.st_ctime_ns, row.inode, row.digest)


@contextmanager
def no_keeper() -> Iterator[Keeper]:
    """Gives a keeper for plans that lose nothing; it raises when it is asked to keep something after all."""
    yield _NoKeeper()


class _NoKeeper:
    def move_all(self, items: Sequence[tuple[Path, str]]) -> None:
        """Raises: there was to be nothing to keep."""
        raise AssertionError(f"nothing was to be kept, but {items[0][1]} was")
