"""The worktrees of a repository, read from `<common dir>/worktrees`, so that those whose folder is gone count too."""

from __future__ import annotations

import os
from pathlib import Path

from dvcx.git.location import GitLocation
from dvcx.git.process import ask_git


def worktrees(location: GitLocation) -> list[GitLocation]:
    """Gives every worktree of the repository, the main one first, then the linked ones by name.

    The folder of a linked worktree may be gone (a disk that is not mounted, or `git worktree prune` is due): its HEAD
    and index still count, its `worktree` path is where it was. The main worktree of a repository made with `git init
    --separate-git-dir` cannot be found from a linked one: it then comes as bare.
    """
    found = [location if location.git_dir == location.common_dir else _main(location)]
    for git_dir in linked_git_dirs(location):
        if git_dir == location.git_dir:
            found.append(location)
        else:
            found.append(GitLocation(_folder_of(git_dir), git_dir, location.common_dir))
    return found


def linked_git_dirs(location: GitLocation) -> list[Path]:
    """Gives the folders below `<common dir>/worktrees`, one for each linked worktree, sorted by name."""
    folder = location.common_dir / "worktrees"
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        return []
    return [folder / name for name in names if (folder / name).is_dir()]


def _folder_of(git_dir: Path) -> Path:
    try:
        text = (git_dir / "gitdir").read_bytes()
    except FileNotFoundError:
        return git_dir / "gone"  # a folder that is not there, like the worktree itself
    dot_git = os.path.join(git_dir, os.fsdecode(text.rstrip(b"\r\n")))  # relative since git 2.48, if configured so
    return Path(os.path.realpath(os.path.dirname(dot_git)))


def _main(location: GitLocation) -> GitLocation:
    common = location.common_dir
    moved = _setting(location, "core.worktree")
    if moved is not None:
        return GitLocation(Path(os.path.realpath(common / moved)), common, common)
    if _setting(location, "core.bare") == "true" or common.name != ".git":
        return GitLocation(common, common, common, bare=True)
    return GitLocation(common.parent, common, common)


def _setting(location: GitLocation, name: str) -> str | None:
    file = str(location.common_dir / "config")
    kind = ["--type=bool"] if name == "core.bare" else []
    answer = ask_git(location, ["config", "--file", file, "--includes", *kind, "--get", name])
    return os.fsdecode(answer.out.removesuffix(b"\n")) if answer.code == 0 else None
