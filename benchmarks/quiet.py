"""Brings the machine into the same state before every timed step.

Three things of the system, none of the tools, changed the seconds of a step up to twentyfold where this was written:

- What the step before wrote is still on its way to the disk. So: `sync`.
- A virtual machine whose balloon reports free pages gives free memory back to its host within seconds, and getting it
  again costs 2 s a GiB, paid by whoever writes a file first. So: free memory is touched just before the step.
- ext4 does not give an inode away again for up to six minutes after its file was deleted, and looks at all of these,
  one after the other, for each new file: after the deletion of 20,000 files `cp -r` of as many took 14 s, not 0.7. So:
  large folders are moved aside during the run and deleted at its end, and the next run waits.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from data import MIB

# RECENTCY_MIN + RECENTCY_DIRTY in fs/ext4/ialloc.c.
DELETED_RECENTLY_SECONDS = 360
MANY_FILES = 1_000

# 23 is MADV_POPULATE_WRITE (Linux 5.14), which Python does not name.
_TOUCH = """
import mmap, sys
memory = mmap.mmap(-1, int(sys.argv[1]), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
memory.madvise(mmap.MADV_HUGEPAGE)
memory.madvise(23)
"""


def settle(folder: Path) -> float:
    """Wait until what was written is on the disk; gives seconds."""
    program = shutil.which("sync") or "sync"
    begin = time.perf_counter()
    # `-f` is GNU only; elsewhere a plain sync does the same for every disk.
    if subprocess.run([program, "-f", str(folder)], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        subprocess.run([program], check=True)
    return time.perf_counter() - begin


def touch_free_memory(size: int) -> None:
    """Make the machine own `size` bytes of its free memory, without driving files out of the page cache (Linux)."""
    size = min(size, _free_memory() - 256 * MIB)
    if size > 0:
        # A failure (an old kernel) only means that the memory stays as it is.
        subprocess.run([sys.executable, "-I", "-S", "-c", _TOUCH, str(size)], stderr=subprocess.DEVNULL, check=False)


class Aside:
    """A folder of things to delete later, when nobody's time is taken."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stamp = folder.with_name("deleted-files.stamp")

    def discard(self, path: Path) -> None:
        """Take a file or folder out of the way: many files are moved, few are deleted at once. Absent is fine."""
        if path.is_dir() and _has_many_files(path):
            self._folder.mkdir(parents=True, exist_ok=True)
            path.rename(self._folder / f"{len(os.listdir(self._folder))}")
        elif path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    def delete(self) -> None:
        """Delete everything that was moved here."""
        if self._folder.exists():
            shutil.rmtree(self._folder)
            self._stamp.touch()

    def wait(self, say: Callable[[str], None]) -> None:
        """Wait until the file system has forgotten the last `delete`."""
        if not self._stamp.exists():
            return
        left = DELETED_RECENTLY_SECONDS - (time.time() - self._stamp.stat().st_mtime)
        if left > 0:
            say(f"waiting {left:.0f} s: many files were deleted a moment ago, and ext4 is slow until then")
            time.sleep(left)


def _has_many_files(folder: Path) -> bool:
    count = 0
    for _, _, names in os.walk(folder):
        count += len(names)
        if count > MANY_FILES:
            return True
    return False


def _free_memory() -> int:
    """Bytes of memory that hold nothing at all; 0 where that is not told."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemFree:")), 0)
