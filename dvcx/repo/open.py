"""Finding the project around a folder and wiring its parts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from dvcx.base.errors import DvcxError, Refused, UsageError
from dvcx.base.hashing import algorithm_named
from dvcx.base.paths import check_relative
from dvcx.config.load import load_config
from dvcx.git.location import GitLocation, find_git
from dvcx.model.pointer import SUFFIX
from dvcx.repo.record import Repo

PROJECT_FOLDER = ".dvcx"
CONFIG_FILE = "config.toml"


def open_repo(start: Path, environ: Mapping[str, str]) -> Repo:
    """Opens the project that contains the folder `start`.

    `environ` may override settings (`DVCX_...`). Raises `NoProject` when there is no project, and the errors of
    `load_config` when its configuration cannot be used.
    """
    repo = open_repo_if_any(start, environ)
    if repo is None:
        raise NoProject(
            f"{start} is not inside a dvcx project: no folder from here up has a {PROJECT_FOLDER} folder",
            "run `dvcx init` at the top of your Git repository, or `dvcx init --no-git` anywhere",
        )
    return repo


def open_repo_if_any(start: Path, environ: Mapping[str, str]) -> Repo | None:
    """Does what `open_repo` does, but gives None where there is no project."""
    git = find_git(start, environ)
    root = find_project(start, git)
    if root is None:
        return None
    # Inside the folder .git there is no work tree for Git, but the project around it has one: taken for a project
    # without Git it would be one from then on.
    return wire(root, git or find_git(root, environ), environ)


def find_project(start: Path, git: GitLocation | None) -> Path | None:
    """Gives the nearest folder from `start` up that is a project; the search ends at the top of the Git worktree."""
    folder = Path(os.path.realpath(start))
    while True:
        if (folder / PROJECT_FOLDER / CONFIG_FILE).is_file():
            return folder
        if folder.parent == folder or (git is not None and folder == git.worktree):
            return None
        folder = folder.parent


def wire(root: Path, git: GitLocation | None, environ: Mapping[str, str]) -> Repo:
    """Gives the record of the project at `root` (an absolute path without links).

    Raises `Refused` when one of its own folders is a link: what dvcx writes there stays there.
    """
    local = root / PROJECT_FOLDER / "local"
    for folder in (local.parent, local, local.with_name("tmp")):
        if folder.is_symlink():
            raise Refused(f"{folder} is a symbolic link, which dvcx does not follow", f"remove {folder}", [str(folder)])
    config = load_config(root / PROJECT_FOLDER, environ)
    prefix = ""
    if git is not None and not git.bare and not local.is_dir():
        prefix = "" if root == git.worktree else root.relative_to(git.worktree).as_posix()
        common, worktree = git.common_dir / "dvcx", git.git_dir / "dvcx"
        if prefix:
            worktree = worktree / "at" / prefix.replace("%", "%25").replace("/", "%2F")
    else:
        git = None
        common = worktree = local
    cache_dir = common / "cache"
    if config.cache.dir is not None:
        cache_dir = Path(os.path.normpath(root / Path(config.cache.dir).expanduser()))
    return Repo(root, git, prefix, config, algorithm_named(config.core.hash), common, worktree, cache_dir)


class NoProject(DvcxError):
    """There is no project where one is needed."""


class OutsideProject(UsageError):
    """A path leads out of the project."""


def project_path(repo: Repo, typed: str, directory: Path) -> str:
    """Gives what a user typed in the folder `directory` as a path relative to the project root.

    `data.dvcx` means `data`; "" is the root itself. Raises `OutsideProject` for paths that lead out and `Refused`
    for paths inside `.git` and `.dvcx`.
    """
    path = path_in_project(repo, typed, directory)
    return path.removesuffix(SUFFIX) if path.rsplit("/", 1)[-1] != SUFFIX else path


def path_in_project(repo: Repo, typed: str, directory: Path) -> str:
    """Gives the same as `project_path`, but a pointer file's path stays what it is."""
    absolute = os.path.normpath(os.path.join(os.path.realpath(directory), typed))
    root = str(repo.root)
    if absolute != root and not absolute.startswith(root + os.sep):
        # The way to the project may lead through links: then the real folder counts.
        parent, name = os.path.split(absolute)
        absolute = os.path.join(os.path.realpath(parent), name)
    if absolute == root:
        return ""
    if not absolute.startswith(root + os.sep):
        raise OutsideProject(
            f"{typed} is outside of the project {repo.root}, so it cannot be tracked here", "name a path inside it"
        )
    path = absolute[len(root) + 1 :].replace(os.sep, "/")
    if path.split("/")[0] in (".git", PROJECT_FOLDER):
        raise Refused(f"{typed} belongs to Git or dvcx itself", "name files and folders of your own", [typed])
    check_relative(path, "the command line")
    return path
