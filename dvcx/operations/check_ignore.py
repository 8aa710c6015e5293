"""`dvcx check-ignore`: which paths `.dvcxignore` files leave out, and by which line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dvcx.repo.record import Repo
from dvcx.workspace.ignore import is_ignored


@dataclass(frozen=True, slots=True)
class IgnoreCheck:
    """Whether `path` (as it was typed) is left out, and by which line of which file (relative to the project root)."""

    path: str
    ignored: bool
    file: str | None
    line: int | None
    pattern: str | None


def check_ignore(repo: Repo, paths: Sequence[tuple[str, str]]) -> list[IgnoreCheck]:
    """Checks paths, each given as it was typed and relative to the project root. They need not exist.

    What is a folder on the disk, or was typed with a slash at its end, is taken for one. Raises `DamagedData` for a
    `.dvcxignore` that cannot be read.
    """
    return [_check(repo, typed, path) for typed, path in paths]


def _check(repo: Repo, typed: str, path: str) -> IgnoreCheck:
    found = None
    if path:
        folder = typed.endswith("/") or ((repo.root / path).is_dir() and not (repo.root / path).is_symlink())
        found = is_ignored(repo.root, path.split("/"), folder=folder)
    if found is None:
        return IgnoreCheck(typed, False, None, None, None)
    return IgnoreCheck(typed, True, found.file, found.line, found.text)
