"""`dvcx init`: make a folder a project."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dvcx.base.errors import DvcxError, UsageError
from dvcx.base.files import write_atomically
from dvcx.base.hashing import algorithm_named
from dvcx.base.scratch import clear_abandoned, scratch_folder
from dvcx.git.attributes import FILE as ATTRIBUTES
from dvcx.git.location import GitLocation, find_git
from dvcx.operations.git_setup import add_attributes, set_up_drivers
from dvcx.repo.open import CONFIG_FILE, PROJECT_FOLDER, wire
from dvcx.repo.record import scratch_root

_IGNORE = """\
# secrets, and what belongs to this machine only
/config.local.toml
/local
/tmp
"""
_IGNORE_FILE = """\
# Files inside tracked folders that dvcx leaves out, in the syntax of .gitignore.
"""


@dataclass(frozen=True, slots=True)
class InitResult:
    """Where the project is, whether it was made now, its hash algorithm, and the files that Git should commit.

    `drivers` tells whether Git was told now, in this clone, of the drivers that merge and compare pointers;
    `to_use_git` is what to type when there is a Git repository that the project, made without one, does not use.
    """

    root: str
    created: bool
    hash: str
    accident_only: bool
    git: bool
    changed_files: tuple[str, ...]
    drivers: bool = False
    to_use_git: str | None = None


def init(
    directory: Path, environ: Mapping[str, str], *, with_git: bool = True, subdir: bool = False, hash: str | None = None
) -> InitResult:
    """Makes the Git worktree around `directory` a project; with `subdir` or without Git, the folder itself.

    A project stays as it is, but for lines in `.gitattributes` that it lacks; in a clone of it Git is told of the
    drivers. Raises `DvcxError` where there is no Git repository, and `UsageError` for another hash algorithm than the
    project has.
    """
    if hash is not None:
        algorithm_named(hash)
    git = find_git(directory, environ) if with_git else None
    if with_git and (git is None or git.bare):
        raise DvcxError(
            f"{directory} is not in a Git repository" + (" with a working tree" if git else ""),
            "run `git init` first, or use dvcx without Git: `dvcx init --no-git`",
        )
    here = Path(os.path.realpath(directory))
    root = git.worktree if git is not None and not subdir else here
    folder = root / PROJECT_FOLDER
    if (folder / CONFIG_FILE).is_file():
        return _existing(root, environ, hash)
    chosen = algorithm_named(hash or "blake3")
    changed = []
    folder.mkdir(exist_ok=True)
    if git is None:
        (folder / "local").mkdir(exist_ok=True)
    files = {folder / ".gitignore": _IGNORE, root / ".dvcxignore": _IGNORE_FILE}
    # The configuration comes last: a folder is a project once it is there.
    files[folder / CONFIG_FILE] = f'[core]\nformat = 1\nhash = "{chosen.name}"\n'
    with scratch_folder(folder / "tmp") as scratch:
        for path, text in files.items():
            if not path.exists():
                write_atomically(path, text.encode(), scratch=scratch)
                changed.append(path.relative_to(root).as_posix())
        if git is not None and add_attributes(root, scratch):
            changed.append(ATTRIBUTES)
    drivers = set_up_drivers(git) if git is not None else False
    _remove_scratch(folder / "tmp")
    return InitResult(
        str(root), True, chosen.name, chosen.accident_only, git is not None, tuple(sorted(changed)), drivers
    )


def _existing(root: Path, environ: Mapping[str, str], hash: str | None) -> InitResult:
    git = find_git(root, environ)
    repo = wire(root, git, environ)
    if hash is not None and hash != repo.algorithm.name:
        raise UsageError(
            f"{root} is a project already, and its contents are named by {repo.algorithm.name}, not {hash}",
            "the algorithm of a project cannot change; a new project can choose another",
        )
    _remove_scratch(root / PROJECT_FOLDER / "tmp")
    changed: tuple[str, ...] = ()
    drivers = False
    if repo.git is not None:
        with scratch_folder(scratch_root(repo)) as scratch:
            changed = (ATTRIBUTES,) if add_attributes(root, scratch) else ()
        drivers = set_up_drivers(repo.git)
    algorithm = repo.algorithm
    in_git = repo.git is not None
    to_use_git = _moving_in(git) if git is not None and not git.bare and not in_git else None
    return InitResult(str(root), False, algorithm.name, algorithm.accident_only, in_git, changed, drivers, to_use_git)


def _moving_in(git: GitLocation) -> str:
    """Gives what makes a project that was made without Git one with Git, by hand: at the top of the project."""
    place = shlex.quote(str(git.common_dir / "dvcx"))
    if (git.common_dir / "dvcx").exists():
        return f"cp -rn .dvcx/local/cache {place}/; rm -r .dvcx/local: but look first that nothing else is in there"
    return f"mv .dvcx/local {place} && dvcx init && dvcx commit"


def _remove_scratch(folder: Path) -> None:
    """Removes the folder of unfinished work, with that of an `init` that was killed, unless someone works in it."""
    with suppress(OSError):
        clear_abandoned(folder)
        folder.rmdir()
