"""Finding the Git repository around a folder, without starting a process in the usual case.

Every command needs the answer, so the usual layouts (a `.git` folder, the `.git` file of a linked worktree or a
submodule) are read by hand in about 60 microseconds. What is unusual (a `.git/config` that moves the work tree or
includes other files, a folder inside a bare repository, an owner who is someone else, `GIT_DIR` in the environment)
is asked of `git rev-parse`, which knows all the rules.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dvcx.base.errors import DvcxError
from dvcx.git.process import ask_git_about

_MOST_GITFILE_BYTES = 32 * 1024
_MOST_CONFIG_BYTES = 1024 * 1024
_MOVED = re.compile(rb"^\s*worktree\s*=|\[\s*include", re.IGNORECASE | re.MULTILINE)
_BARE = re.compile(rb"^[^#;\n]*\bbare\b", re.IGNORECASE | re.MULTILINE)
_NOT_BARE = re.compile(rb"^[^#;\n]*\bbare\s*=\s*false\b", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class GitLocation:
    """Where the parts of one opened Git repository lie; all paths are absolute and free of symbolic links.

    `git_dir` is the folder of this worktree (its HEAD and index), `common_dir` the one that all worktrees share
    (objects and refs). A bare repository has no work tree: `worktree` is then its `git_dir`. The work tree of a
    linked worktree may be gone from the disk (`worktrees` lists those too).
    """

    worktree: Path
    git_dir: Path
    common_dir: Path
    bare: bool = False

    @property
    def index_file(self) -> Path:
        """Where this worktree's index is."""
        return self.git_dir / "index"


def find_git(start: Path, environ: Mapping[str, str] | None = None) -> GitLocation | None:
    """Gives the repository whose work tree contains `start`, or None when there is none.

    The variables `GIT_DIR`, `GIT_WORK_TREE` and `GIT_CEILING_DIRECTORIES` count only when `environ` holds them; other
    than `git`, the search goes on across file system boundaries. Raises `DvcxError` for a broken `.git` file, and
    with Git's own reason for a repository that belongs to another user.
    """
    environ = environ or {}
    if environ.get("GIT_DIR"):
        return _as_git_says(start, environ)
    here = os.path.realpath(start)
    ceilings = _ceilings(environ)
    while True:
        found = _look_in(here)
        if found == "ask":
            return _as_git_says(Path(here), environ)
        if isinstance(found, GitLocation):
            return found
        parent = os.path.dirname(here)
        if parent == here or parent in ceilings:
            return None
        here = parent


def _ceilings(environ: Mapping[str, str]) -> frozenset[str]:
    listed = environ.get("GIT_CEILING_DIRECTORIES", "").split(os.pathsep)
    return frozenset(os.path.realpath(each) for each in listed if os.path.isabs(each))


def _look_in(folder: str) -> GitLocation | str | None:
    """Gives the location when `folder` is the top of a plain work tree, "ask" for the unusual, or None."""
    dot_git = folder + "/.git"
    try:
        info = os.stat(dot_git)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return "ask" if _is_git_dir(folder, folder) else None
    if stat.S_ISDIR(info.st_mode):
        git_dir = os.path.realpath(dot_git)
    elif stat.S_ISREG(info.st_mode):
        git_dir = _read_git_file(dot_git)
    else:
        return None
    common_dir = read_common_dir(git_dir)
    if not _is_git_dir(git_dir, common_dir):
        if stat.S_ISDIR(info.st_mode):
            return None  # as git does: an empty folder named .git is passed over
        raise DvcxError(
            f"{dot_git} points to {git_dir}, which is not a Git repository",
            "a moved worktree is mended by `git worktree repair`, a submodule by `git submodule update --init`",
        )
    if not _is_mine(folder, dot_git, git_dir) or _is_configured_unusually(git_dir, common_dir):
        return "ask"
    return GitLocation(worktree=Path(folder), git_dir=Path(git_dir), common_dir=Path(common_dir))


def _read_git_file(path: str) -> str:
    text = _read_small(path, _MOST_GITFILE_BYTES)
    if not text.startswith(b"gitdir: "):
        raise DvcxError(
            f"{path} is not a Git file: it does not begin with `gitdir: `",
            "look at it, and remove it if it is a leftover",
        )
    target = os.fsdecode(text[len(b"gitdir: ") :].rstrip(b"\r\n"))
    return os.path.realpath(os.path.join(os.path.dirname(path), target))


def read_common_dir(git_dir: str) -> str:
    """Gives the folder that the worktree with the folder `git_dir` shares with all others (gitrepository-layout(5))."""
    try:
        text = _read_small(git_dir + "/commondir", _MOST_GITFILE_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return git_dir
    return os.path.realpath(os.path.join(git_dir, os.fsdecode(text.rstrip(b"\r\n"))))


def _read_small(path: str, most: int) -> bytes:
    # O_NONBLOCK: a FIFO of that name must not make us wait for ever.
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise DvcxError(f"{path} is not a regular file", "Git keeps a small text file there")
        data = os.read(fd, most + 1)
    finally:
        os.close(fd)
    if len(data) > most:
        raise DvcxError(f"{path} is longer than {most} bytes", "Git keeps a small text file there")
    return data


def _is_git_dir(git_dir: str, common_dir: str) -> bool:
    # The test that git itself makes; HEAD may be a dangling symbolic link in very old repositories.
    return (
        os.path.lexists(git_dir + "/HEAD")
        and os.path.isdir(common_dir + "/objects")
        and os.path.isdir(common_dir + "/refs")
    )


def _is_mine(*paths: str) -> bool:
    # Git opens a repository of another user only when safe.directory allows it, because its config can run programs.
    # We always name the repository to git, which would switch that check off, so the first check is ours.
    me = os.geteuid()
    return all(os.lstat(path).st_uid == me for path in paths)


def _is_configured_unusually(git_dir: str, common_dir: str) -> bool:
    if git_dir != common_dir:
        # core.bare and core.worktree of the shared config do not hold for linked worktrees; only their own config
        # counts.
        return _moves_the_work_tree(git_dir + "/config.worktree")
    config = _config_text(common_dir + "/config")
    if config is None or _says_unusual(config):
        return True
    return b"worktreeconfig" in config.lower() and _moves_the_work_tree(git_dir + "/config.worktree")


def _moves_the_work_tree(path: str) -> bool:
    text = _config_text(path)
    return text is not None and _says_unusual(text)


def _says_unusual(config: bytes) -> bool:
    return bool(_MOVED.search(config)) or len(_BARE.findall(config)) != len(_NOT_BARE.findall(config))


def _config_text(path: str) -> bytes | None:
    try:
        return _read_small(path, _MOST_CONFIG_BYTES)
    except FileNotFoundError:
        return None


def _as_git_says(start: Path, environ: Mapping[str, str]) -> GitLocation | None:
    git_dir = ask_git_about(start, "--absolute-git-dir", environ)
    if git_dir is None:
        return None
    git_dir = os.path.realpath(git_dir)
    common_dir = read_common_dir(git_dir)
    if ask_git_about(start, "--is-bare-repository", environ) == "true":
        return GitLocation(worktree=Path(git_dir), git_dir=Path(git_dir), common_dir=Path(common_dir), bare=True)
    top = ask_git_about(start, "--show-toplevel", environ)
    if top is None:
        return None  # inside the .git folder itself: that is no work tree
    return GitLocation(worktree=Path(os.path.realpath(top)), git_dir=Path(git_dir), common_dir=Path(common_dir))
