"""Cached objects that a program changed through a hard or symbolic link in the workspace."""

from __future__ import annotations

import os
from collections.abc import Iterable

from dvcx.model.changes import Change, ChangeKind
from dvcx.repo.record import Repo
from dvcx.storage.cache import Cache
from dvcx.storage.cache_fsck import set_aside_object


def edited_in_place(repo: Repo, cache: Cache, changes: Iterable[Change]) -> list[tuple[str, bytes]]:
    """Gives the path and digest of each cached object that is the same file as a modified file of the workspace."""
    found: list[tuple[str, bytes]] = []
    for change in changes:
        if change.kind is not ChangeKind.MODIFIED or change.old is None or not change.old.is_file:
            continue
        try:
            same = os.path.samefile(repo.root / change.path, cache.loose.text_path_of(change.old.digest))
        except OSError:
            continue
        if same:
            found.append((change.path, change.old.digest))
    return found


def set_aside_edited(repo: Repo, cache: Cache, changes: Iterable[Change]) -> list[str]:
    """Moves such objects out of the cache, so that a good copy is fetched again; gives the paths they were found by."""
    edited = edited_in_place(repo, cache, changes)
    for _, digest in edited:
        set_aside_object(cache, digest)
    return [path for path, _ in edited]
