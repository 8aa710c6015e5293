"""What is known of the file system that a folder lies on."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")
_NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "lustre", "gpfs", "beegfs", "glusterfs", "9p"}
)


@dataclass(frozen=True, slots=True)
class FileSystem:
    """A file system: its kind as the system calls it ("unknown" where it does not say), where it is mounted, and its
    bytes in all and free for the user."""

    kind: str
    mount: str
    total: int
    free: int
    read_only: bool

    @property
    def is_network(self) -> bool:
        """Tells whether its files are on another machine."""
        return self.kind in _NETWORK or self.kind.startswith(("fuse.sshfs", "fuse.glusterfs"))


def filesystem_of(path: Path) -> FileSystem:
    """Gives the file system of `path`, which must exist; raises `OSError`."""
    status = os.statvfs(path)
    kind, mount = mounted_at(os.path.realpath(path), _mounts())
    return FileSystem(
        kind,
        mount,
        status.f_blocks * status.f_frsize,
        status.f_bavail * status.f_frsize,
        bool(status.f_flag & os.ST_RDONLY),
    )


def existing_folder(path: Path) -> Path:
    """Gives `path`, or the nearest folder above it that exists."""
    while not path.is_dir() and path.parent != path:
        path = path.parent
    return path


def mounted_at(path: str, mounts: str) -> tuple[str, str]:
    """Gives kind and mount point of the file system at an absolute path, by a table of mounts in the form of Linux's
    `/proc/self/mountinfo` (proc(5))."""
    best = ("unknown", "")
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split(" ")
        if len(fields) < 5 or not after:
            continue
        mount = re.sub(r"\\([0-7]{3})", lambda found: chr(int(found.group(1), 8)), fields[4])
        within = mount if mount.endswith("/") else mount + "/"
        # Of two mounts at one place the later one is on top.
        if f"{path}/".startswith(within) and len(mount) >= len(best[1]):
            best = after.split(" ", 1)[0], mount
    return best


def _mounts() -> str:
    try:
        return _MOUNTS.read_bytes().decode("utf-8", "surrogateescape")
    except OSError:
        return ""  # only Linux has it
