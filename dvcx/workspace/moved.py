"""What the state remembers of files, taken along when they are renamed, so that nothing is hashed again."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from dvcx.workspace.state import Seen, State


def move_rows(state: State, root: Path, path: str, new_path: str) -> None:
    """Notes that what was at `path` is at `new_path` now, both below `root`.

    A row holds only while its file looks the same, so rows that do not fit any more do no harm.
    """
    place = root / new_path
    if stat.S_ISDIR(os.lstat(place).st_mode):
        for folder, _, _ in os.walk(place):
            inner = os.path.relpath(folder, place)
            old, new = (at if inner == "." else f"{at}/{inner}" for at in (path, new_path))
            rows = state.folder(old)
            if rows:
                state.remember(new, dict(rows))
                state.remember(old, {})
        return
    (old, _, name), (new, _, new_name) = path.rpartition("/"), new_path.rpartition("/")
    rows = dict(state.folder(old))
    row = rows.pop(name, None)
    if row is None:
        return
    state.remember(old, rows)
    status = os.lstat(place)
    if (status.st_size, status.st_mtime_ns, status.st_ino) == (row.size, row.mtime, row.inode):
        # Renaming a file changes its change time on most file systems.
        fresh = Seen(row.size, row.mtime, status.st_ctime_ns, row.inode, row.digest)
        state.remember(new, {**state.folder(new), new_name: fresh})
