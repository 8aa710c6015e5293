"""Telling Git of dvcx's merge and diff drivers: at `dvcx init`, and in a clone at the first command that writes."""

from __future__ import annotations

from pathlib import Path

from dvcx import __version__
from dvcx.base.errors import DvcxError
from dvcx.base.files import read_own_file, write_atomically
from dvcx.git.attributes import FILE, names_drivers, with_drivers
from dvcx.git.launcher import has_drivers, write_drivers
from dvcx.git.location import GitLocation
from dvcx.repo.record import Repo

_MOST_BYTES = 16 << 20


def set_up_drivers(git: GitLocation) -> bool:
    """Makes Git use the drivers in this repository; tells whether it did not before."""
    return write_drivers(git, __version__)


def keep_drivers(repo: Repo) -> None:
    """Sets the drivers up where the project's `.gitattributes` names them and Git was never told of them: in a clone.

    Nothing of the repository is used but that line. Where Git's settings cannot be written it is left out: a merge by
    lines then leaves conflicts that `dvcx resolve` merges.
    """
    if repo.git is None or has_drivers(repo.git):
        return
    try:
        if names_drivers(_attributes(repo.root)):
            set_up_drivers(repo.git)
    except (DvcxError, OSError):
        pass


def add_attributes(root: Path, scratch: Path) -> bool:
    """Writes the lines for the drivers into the `.gitattributes` of a project; tells whether it changed."""
    before = _attributes(root)
    after = with_drivers(before)
    if after == before:
        return False
    write_atomically(root / FILE, after.encode("utf-8", "surrogateescape"), scratch=scratch)
    return True


def _attributes(root: Path) -> str:
    try:
        return read_own_file(root / FILE, _MOST_BYTES, FILE).decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return ""
