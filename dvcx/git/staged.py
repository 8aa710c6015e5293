"""What the next commit takes in: files that are new or changed in the index, with the sizes of their contents."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from dvcx.git.files import MODE_EXECUTABLE, MODE_FILE
from dvcx.git.location import GitLocation
from dvcx.git.process import run_git, stream_git
from dvcx.git.revisions import resolve_or_none

_TEXT_BYTES = 8000
"""Git calls a file binary that has a NUL among so many of its first bytes."""


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A file that is about to enter Git: its path from the top of the work tree, its blob, and its size in bytes."""

    path: str
    oid: str
    size: int


def staged_files(git: GitLocation, index_file: Path | None = None, since: str = "HEAD") -> list[StagedFile]:
    """Gives the files of the index whose content is not that of the commit `since`, sorted by path.

    `index_file` is another index than the worktree's own, as Git hands one to hooks. Links and submodules are left
    out. Raises `GitFailed`.
    """
    extra = {} if index_file is None else {"GIT_INDEX_FILE": os.path.abspath(index_file)}
    commit = resolve_or_none(git, since) or run_git(git, ["hash-object", "-t", "tree", "--stdin"], stdin=b"").decode()
    args = ["diff-index", "--cached", "--raw", "-r", "-z", "--no-abbrev", "--no-renames", commit.strip(), "--"]
    fields = run_git(git, args, extra=extra).split(b"\0")
    found = []
    for meta, path in zip(fields[::2], fields[1::2], strict=False):
        _, mode, _, oid, status = meta.split(b" ")
        if status != b"D" and int(mode, 8) in (MODE_FILE, MODE_EXECUTABLE):
            found.append((os.fsdecode(path), oid.decode()))
    sizes = _sizes(git, [oid for _, oid in found])
    return [StagedFile(path, oid, sizes.get(oid, 0)) for path, oid in sorted(found)]


def is_binary(git: GitLocation, oid: str) -> bool:
    """Tells whether Git takes the blob for something else than text."""
    with stream_git(git, ["cat-file", "blob", oid]) as content:
        return b"\0" in content.read(_TEXT_BYTES)


def _sizes(git: GitLocation, oids: list[str]) -> dict[str, int]:
    if not oids:
        return {}
    asked = "".join(f"{oid}\n" for oid in dict.fromkeys(oids)).encode()
    answer = run_git(git, ["cat-file", "--batch-check=%(objectname) %(objectsize)"], stdin=asked)
    lines = (line.split() for line in answer.decode().splitlines())
    return {oid: int(size) for oid, size in (line for line in lines if len(line) == 2) if size.isdigit()}
