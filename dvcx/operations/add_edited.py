"""Taking in what was edited of the tracked data that stages depend on, before they run with it."""

from __future__ import annotations

from collections.abc import Sequence

from dvcx.base.errors import MissingData, Refused
from dvcx.base.progress import SILENT, Progress
from dvcx.operations.add import add
from dvcx.repo.record import Repo


def add_edited(repo: Repo, paths: Sequence[str], progress: Progress = SILENT) -> tuple[str, ...]:
    """Does what `dvcx add` does for tracked `paths`, and gives those whose pointers name new data now.

    What `add` refuses (frozen data, a socket in a folder) stays as it is: the stages can run with it all the same.
    `dvcx undo` takes the pointers back. Raises `Busy` while another command holds the workspace.
    """
    if not paths:
        return ()
    try:
        done = add(repo, paths, progress=progress).outputs
    except (Refused, MissingData):
        if len(paths) == 1:
            return ()
        return tuple(path for each in paths for path in add_edited(repo, [each], progress))
    updated = [each.path for each in done if each.change == "updated"]
    return tuple(path for path in paths if any(path == each or path.startswith(f"{each}/") for each in updated))
