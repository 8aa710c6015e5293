"""`.dvcxignore`: files that dvcx leaves out, in the syntax of gitignore, from the project root down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dvcx.base.errors import DamagedData
from dvcx.base.files import read_own_file

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILE = ".dvcxignore"
_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Pattern:
    """The last pattern that decided on a path: the file it stands in, its line number and its text."""

    file: str
    line: int
    text: str
    ignores: bool


@dataclass(frozen=True, slots=True)
class IgnoreRules:
    """The rules in force in one folder: each `.dvcxignore` from the root down, the nearest last."""

    levels: tuple[tuple[str, GitIgnoreSpec, tuple[str, ...]], ...] = ()

    def ignores(self, path: str, *, folder: bool) -> bool:
        """Tells whether the file or folder at `path` (relative to the project root) is left out."""
        if not self.levels:
            return False
        pattern = self.deciding(path, folder=folder)
        return pattern is not None and pattern.ignores

    def deciding(self, path: str, *, folder: bool) -> Pattern | None:
        """Gives the pattern that decides on `path`, or None when none speaks of it."""
        for base, spec, lines in reversed(self.levels):
            inner = path[len(base) + 1 :] if base else path
            result = spec.check_file(inner + "/" if folder else inner)
            if result.include is not None and result.index is not None:
                name = f"{base}/{IGNORE_FILE}" if base else IGNORE_FILE
                return Pattern(name, result.index + 1, lines[result.index], result.include)
        return None

    def with_file(self, folder: str, text: str) -> IgnoreRules:
        """Gives the rules with those of the `.dvcxignore` in `folder` (relative path) on top."""
        lines = tuple(text.splitlines())
        if all(not line.strip() or line.startswith("#") for line in lines):
            return self
        from pathspec import GitIgnoreSpec  # 30 ms that projects without patterns do not pay

        try:
            spec = GitIgnoreSpec.from_lines(lines)
        except ValueError as error:
            name = f"{folder}/{IGNORE_FILE}" if folder else IGNORE_FILE
            raise DamagedData(f"{name} has a pattern that cannot be read: {error}", f"edit {name}") from error
        return IgnoreRules((*self.levels, (folder, spec, lines)))


NO_RULES = IgnoreRules()


def rules_for(root: Path, parts: Sequence[str]) -> IgnoreRules:
    """Gives the rules in force inside the folder `parts` below `root`, with that folder's own file."""
    rules = NO_RULES
    folder = root
    for index in range(len(parts) + 1):
        rules = extend_rules(rules, folder, "/".join(parts[:index]))
        if index < len(parts):
            folder = folder / parts[index]
    return rules


def extend_rules(rules: IgnoreRules, folder: Path, relative: str) -> IgnoreRules:
    """Gives `rules` with those of the `.dvcxignore` in `folder`, when there is one.

    Raises `Refused` when that is a link or no file, or is too large.
    """
    try:
        data = read_own_file(folder / IGNORE_FILE, _MAX_BYTES, f"{relative}/{IGNORE_FILE}" if relative else IGNORE_FILE)
    except (FileNotFoundError, NotADirectoryError):
        return rules
    return rules.with_file(relative, data.decode("utf-8", "replace"))


def is_ignored(root: Path, parts: Sequence[str], *, folder: bool) -> Pattern | None:
    """Gives the pattern that leaves out the path `parts`, or one of the folders above it, or None."""
    rules = NO_RULES
    where = root
    for index in range(len(parts)):
        rules = extend_rules(rules, where, "/".join(parts[:index]))
        path = "/".join(parts[: index + 1])
        pattern = rules.deciding(path, folder=folder or index + 1 < len(parts))
        if pattern is not None and pattern.ignores:
            return pattern
        where = where / parts[index]
    return None
