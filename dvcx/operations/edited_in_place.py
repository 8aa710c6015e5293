"""Finding cached objects that a program changed through a hard or symbolic link in the workspace."""

from __future__ import annotations

import os
from collections.abc import Iterable

from dvcx.model.changes import Change, ChangeKind
from dvcx.repo.record import Repo
from dvcx.storage.cache import Cache


def edited_in_place(repo: Repo, cache: Cache, changes: Iterable[Change]) -> list[Change]:
    """Gives those of `changes` where a modified file of the workspace is the cached object of its old content."""
    found: list[Change] = []
    for change in changes:
        if change.kind is not ChangeKind.MODIFIED or change.old is None or not change.old.is_file:
            continue
        try:
            same = os.path.samefile(repo.root / change.path, cache.loose.text_path_of(change.old.digest))
        except OSError:
            continue
        if same:
            found.append(change)
    return found
