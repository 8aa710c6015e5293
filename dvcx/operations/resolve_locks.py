"""Deciding conflicts in `dvcx.lock`: whose results count, of every stage that both sides ran."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dvcx.base.errors import UsageError
from dvcx.base.files import read_own_file
from dvcx.formats.conflict_text import has_conflict_markers
from dvcx.formats.lock_merging import merge_locks, take_side
from dvcx.git.merging import Versions
from dvcx.operations.resolve_choice import Choice
from dvcx.repo.record import Repo

_NAME = "dvcx.lock"
_MOST_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class ResolvedLock:
    """The new text of a lock file, and the stages that are still in conflict."""

    text: str
    left: tuple[str, ...]


def resolve_locks(
    repo: Repo, paths: Sequence[str], versions: Mapping[str, Versions], choice: Choice | None
) -> dict[str, ResolvedLock]:
    """Gives the lock files in conflict that `paths` name (all when there are none), by their path, decided by `choice`.

    `versions` are the files that Git has in conflict, by their path in the work tree. Raises `UsageError` for `BOTH`
    when a lock file is named.
    """
    cut = len(repo.prefix) + 1 if repo.prefix else 0
    found: dict[str, ResolvedLock] = {}
    for path, each in versions.items():
        path = path[cut:]
        if path.rsplit("/", 1)[-1] != _NAME or (paths and path not in paths):
            continue
        if choice is Choice.BOTH:
            if not paths:
                continue
            raise UsageError(
                f"{path} cannot have both results of a stage", f"`dvcx resolve --ours {path}`, or --theirs"
            )
        found[path] = _resolved(repo, path, each, choice)
    return found


def _resolved(repo: Repo, path: str, versions: Versions, choice: Choice | None) -> ResolvedLock:
    if choice is None:
        base, ours, theirs = (text.decode("utf-8", "replace") for text in versions.texts)
        merged = merge_locks(base, ours, theirs)
        if merged is not None:
            return ResolvedLock(merged.text, merged.conflicts)
    try:
        text = read_own_file(repo.root / path, _MOST_BYTES, path).decode("utf-8", "replace")
    except FileNotFoundError:
        text = ""
    if choice is None:
        return ResolvedLock(text, (path,) if has_conflict_markers(text) else ())
    if not has_conflict_markers(text):  # deleted on one side
        text = (versions.ours if choice is Choice.OURS else versions.theirs).decode("utf-8", "replace")
    return ResolvedLock(take_side(text, ours=choice is Choice.OURS), ())
