"""Looking at what lies in the workspace at a tracked path, whatever it is: for all but `add`, which may refuse it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

from dvcx.repo.record import Repo, scan_rules
from dvcx.storage.cache import Cache
from dvcx.workspace.scan import Scanned, scan
from dvcx.workspace.state import State


def look(
    repo: Repo,
    cache: Cache,
    state: State,
    path: str,
    output: str,
    *,
    advance: Callable[[int], None] | None = None,
    ignoring: bool = True,
) -> Scanned | None:
    """Gives what lies at `path`, which is or lies in the tracked path `output`; None when nothing does.

    Links are followed where the user had `add` follow them here. Raises `OSError` for files that cannot be read.
    """
    rules = scan_rules(repo, follow_links=state.follows_links(output))
    return scan(
        repo.root,
        path,
        state,
        replace(rules, looking=True, ignoring=ignoring),
        tracked=output,
        cache_prefix=cache_prefix(cache),
        advance=advance,
    )


def cache_prefix(cache: Cache) -> str:
    """Gives how the paths of large cached objects begin: a symbolic link to one stands for the object."""
    return str(cache.loose.root) + os.sep
