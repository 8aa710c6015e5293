"""Files that Git itself tracks, beside the data that dvcx tracks: parameters, small tables, a README of a revision."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from dvcx.base.files import closing, read_exactly
from dvcx.base.paths import check_relative, open_folder
from dvcx.git.files import tree_file
from dvcx.git.mirrors import fetch_blobs, open_mirror
from dvcx.git.objects import ObjectReader
from dvcx.repo.foreign import Foreign

_MOST_BYTES = 1 << 30


def read_git_file(source: Foreign, path: str) -> bytes | None:
    """Gives the content of the file at `path` that Git has in the source's commit, or that lies in its workspace.

    None where there is no such file. Raises `Refused` for a path that leads out of the project, or into `.git`, and
    `RemoteError` when a repository elsewhere cannot be reached.
    """
    if not path:
        return None
    check_relative(path, "the path")
    if source.commit is None:
        return _in_workspace(source.repo.root, path)
    git, prefix = source.repo.git, source.repo.prefix
    assert git is not None
    file = tree_file(git, source.commit, f"{prefix}/{path}" if prefix else path)
    if file is None or not file.is_regular:
        return None
    if source.is_mirror:
        fetch_blobs(open_mirror(source.url, git.git_dir.parent.parent), [file.oid])
    with ObjectReader(git, _MOST_BYTES) as reader:
        return reader.read(file.oid)


def _in_workspace(root: Path, path: str) -> bytes | None:
    *parts, name = path.split("/")
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        with (
            closing(os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)) as top,
            closing(open_folder(top, parts)) as folder,
            closing(os.open(name, flags, dir_fd=folder)) as fd,
        ):
            status = os.fstat(fd)
            return read_exactly(fd, status.st_size, 0) if stat.S_ISREG(status.st_mode) else None
    except OSError:
        return None
