"""`dvcx guard`: keep large files, binary files and tracked data out of Git."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dvcx.base.errors import DvcxError, Refused, shown
from dvcx.base.globs import path_pattern
from dvcx.base.text import counted, size_text
from dvcx.git.staged import StagedFile, is_binary, staged_files
from dvcx.manifest.manifest import workspace_manifest
from dvcx.operations.revision import git_of
from dvcx.repo.record import Repo


@dataclass(frozen=True, slots=True)
class Guarded:
    """A file that should not enter Git: `large`, `binary`, or `tracked` by dvcx already; its size in bytes."""

    path: str
    why: str
    size: int


@dataclass(frozen=True, slots=True)
class GuardResult:
    """The staged files that should not enter Git, and how many were looked at; limits in bytes, 0 for none."""

    files: tuple[Guarded, ...]
    looked_at: int
    limit: int
    binary_limit: int

    def problem(self) -> DvcxError | None:
        """Gives the error that there are such files, or None."""
        if not self.files:
            return None
        names = [each.path for each in self.files]
        listed = [f"{each.path} ({_reason(each)})" for each in self.files]
        first = next((each.path for each in self.files if each.why != "tracked"), None)
        hint = f"`git rm --cached {names[0]}`" + (f", then `dvcx add {first}`" if first is not None else "")
        return Refused(
            f"{counted(len(names), 'file')} should not enter Git: {shown(listed)}",
            f"{hint}; or let it in: git.guard_allow names patterns, `git commit --no-verify` does it once",
            names,
        )


def guard(
    repo: Repo, *, limit: int | None = None, binary_limit: int | None = None, index_file: Path | None = None
) -> GuardResult:
    """Looks at the files that the next commit takes in, in the whole project.

    Limits are in bytes, 0 for none; else `git.guard_limit` and `git.guard_binary_limit` count. `index_file` is another
    index than the worktree's own. Raises `UsageError` without Git.
    """
    git = git_of(repo, "guard")
    settings = repo.config.git
    limit = settings.guard_limit if limit is None else limit
    binary_limit = settings.guard_binary_limit if binary_limit is None else binary_limit
    cut = len(repo.prefix) + 1 if repo.prefix else 0
    below = f"{repo.prefix}/" if repo.prefix else ""
    staged = [file for file in staged_files(git, index_file) if file.path.startswith(below)]
    allowed = [path_pattern(pattern).fullmatch for pattern in settings.guard_allow]
    owner_of = workspace_manifest(repo.root, git).owner_of

    def found() -> Iterator[Guarded]:
        for file in staged:
            path = file.path[cut:]
            if any(matches(path) for matches in allowed):
                continue
            why = "tracked" if owner_of(path) is not None else _why(file)
            if why is not None:
                yield Guarded(path, why, file.size)

    def _why(file: StagedFile) -> str | None:
        if limit and file.size > limit:
            return "large"
        return "binary" if binary_limit and file.size > binary_limit and is_binary(git, file.oid) else None

    return GuardResult(tuple(found()), len(staged), limit, binary_limit)


def _reason(each: Guarded) -> str:
    what = {"tracked": "tracked by dvcx", "binary": "binary", "large": "large"}[each.why]
    return f"{what}, {size_text(each.size)}"
