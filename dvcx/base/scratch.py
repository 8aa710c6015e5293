"""Private folders for unfinished work; those of processes that died are cleared by whoever comes next."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dvcx.base.files import naming_full_disk, temporary_name

_LOCK = "lock"


@contextmanager
def scratch_folder(root: Path) -> Iterator[Path]:
    """Gives an empty folder of this process's own below `root` and removes it, with what is in it, at the end.

    The folder holds a lock that the kernel drops with the process. So a folder whose lock can be taken belongs to
    nobody any more, whatever its process id says, and is cleared here.
    """
    root.mkdir(parents=True, exist_ok=True)
    clear_abandoned(root)
    while True:
        folder = root / temporary_name("work")
        folder.mkdir()
        try:
            fd = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except FileNotFoundError:
            continue  # another process cleared it before it was locked
        fcntl.flock(fd, fcntl.LOCK_EX)
        if folder.is_dir() and _is_linked(fd):
            break
        os.close(fd)
    try:
        with naming_full_disk(root):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(fd)


def clear_abandoned(root: Path) -> None:
    """Removes what processes that died left in the folder `root`."""
    for entry in list(os.scandir(root)):
        if not entry.name.startswith(".work-") or not entry.is_dir(follow_symlinks=False):
            continue
        try:
            fd = os.open(Path(entry.path) / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError:
            continue
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(entry.path, ignore_errors=True)
        except OSError:
            continue  # its owner is at work
        finally:
            os.close(fd)


def _is_linked(fd: int) -> bool:
    return os.fstat(fd).st_nlink > 0
