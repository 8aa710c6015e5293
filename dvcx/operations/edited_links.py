"""Mending cached objects that a program changed through a hard or symbolic link in the workspace."""

from __future__ import annotations

from collections.abc import Iterable

from dvcx.base.scratch import scratch_folder
from dvcx.model.changes import Change
from dvcx.operations.edited_in_place import edited_in_place
from dvcx.repo.record import Repo, link_types, scratch_root, tree_loader
from dvcx.storage.cache import Cache
from dvcx.storage.cache_fsck import set_aside_object
from dvcx.workspace.apply import Tools, apply_checkout, no_keeper
from dvcx.workspace.plan import Action, ActionKind, CheckoutPlan
from dvcx.workspace.state import State


def set_aside_edited(repo: Repo, cache: Cache, state: State, changes: Iterable[Change]) -> list[str]:
    """Moves such objects out of the cache, so that good copies are fetched again; gives the paths they were found by.

    The new content is in the cache by then: the files of the workspace get that in the place of their links, because
    a symbolic link would lead nowhere afterwards.
    """
    edited = [change for change in edited_in_place(repo, cache, changes) if change.new is not None]
    if not edited:
        return []
    plan = CheckoutPlan([Action(ActionKind.RELINK, change.path, change.new, change.new) for change in edited])
    with scratch_folder(scratch_root(repo)) as scratch, no_keeper() as keeper:
        load = tree_loader(cache)
        tools = Tools(repo.root, cache, state, link_types(repo), scratch, repo.durable, load, lambda count: None)
        apply_checkout(plan, tools, keeper)
    for digest in {change.old.digest for change in edited if change.old is not None}:
        set_aside_object(cache, digest)
    return [change.path for change in edited]
