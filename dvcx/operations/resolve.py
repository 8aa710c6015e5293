"""`dvcx resolve`: decide what a merge left in conflict in pointers, as a whole or file by file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from dvcx.base.errors import DamagedData, DvcxError, MissingData, Refused, UsageError
from dvcx.base.progress import SILENT, Progress
from dvcx.formats.conflict_text import has_conflict_markers, parse_conflict
from dvcx.formats.pointer_text import parse_pointer
from dvcx.git.merging import Versions, unmerged_versions
from dvcx.manifest.manifest import read_pointer_file, workspace_manifest
from dvcx.manifest.merging import conflicts_between
from dvcx.manifest.pointer_merging import MergedPointer, entry_if_any
from dvcx.manifest.trees import TreeEditor
from dvcx.model.pointer import SUFFIX, Pointer, data_path, pointer_path
from dvcx.operations.checkout import CheckoutOptions, checkout_targets
from dvcx.operations.merging import conflict_text, merge_stored, store_halves
from dvcx.operations.pointers import PointerChange, apply_texts, plan_texts
from dvcx.operations.resolve_choice import Choice, Decided, decide
from dvcx.operations.resolve_locks import ResolvedLock, resolve_locks
from dvcx.operations.revision import git_of
from dvcx.operations.targets import Target
from dvcx.repo.record import Repo, open_cache, open_trash, tree_loader, workspace_lock

_FETCH = "`dvcx pull` fetches what is not here; `dvcx checkout` tries again"


class State(StrEnum):
    """What became of a pointer in conflict."""

    RESOLVED = "resolved"
    REMOVED = "removed"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Resolved:
    """One pointer: `resolved`, `removed` (the side taken has deleted the data) or `open`, then with what is left."""

    path: str
    state: str
    open: tuple[str, ...]
    kept_beside: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ResolveResult:
    """What was decided. `changed_files` are those to `git add`; `not_restored` says why data is not here yet.

    With `hint`, of what to do about that.
    """

    outputs: tuple[Resolved, ...]
    changed_files: tuple[str, ...]
    not_restored: str | None
    hint: str | None = None

    def problem(self) -> DvcxError | None:
        """Gives the error that something is still to be decided, or None."""
        left = [each for each in self.outputs if each.state == State.OPEN]
        if not left:
            return None
        names = [name for each in left for name in each.open]
        return MissingData(
            f"still in conflict: {', '.join(each.path for each in left)}",
            f"decide with `dvcx resolve --ours {left[0].path}`, or --theirs"
            + ("" if left[0].path.endswith("dvcx.lock") else ", or --both; or file by file"),
            names,
        )


def resolve(
    repo: Repo, paths: Sequence[str] = (), choice: Choice | None = None, progress: Progress = SILENT
) -> ResolveResult:
    """Decides the conflicts at `paths` (relative to the project root; all there are when there are none) by `choice`.

    Without a choice the versions are merged again, for when Git did that without dvcx. A path inside a tracked folder
    decides only what lies there. Resolved data is checked out, and nothing is staged. Raises `UsageError` for a path
    that is not in conflict, and as merging does when listings are nowhere to be had.
    """
    git = git_of(repo, "resolve conflicts in")
    with workspace_lock(repo).exclusive(repo.config.core.lock_timeout):
        versions = unmerged_versions(git, repo.prefix)
        locks = resolve_locks(repo, paths, versions, choice)
        paths = [path for path in paths if path not in locks]
        unmerged = _unmerged(repo, versions)
        outputs = _in_conflict(repo, unmerged)
        wanted = {} if locks and not (paths or outputs) else _wanted(paths, outputs)
        cache = open_cache(repo)
        editor = TreeEditor(repo.algorithm, tree_loader(cache))
        decided: dict[str, Decided] = {}
        for output, inner in wanted.items():
            halves = _halves(repo, output, unmerged.get(output), editor)
            decided[output] = decide(output, halves, inner, choice, editor)
            store_halves(cache, editor, decided[output].pointers)
        cache.close()
        changed = _write(repo, decided, locks)
        problem = _restore(repo, decided, progress)
    done = [Resolved(path, "open" if text.left else "resolved", text.left, ()) for path, text in locks.items()]
    told = (*(_resolved(*each) for each in decided.items()), *done)
    if problem is None:
        return ResolveResult(told, changed, None)
    hint = _FETCH if isinstance(problem, MissingData) else problem.hint
    return ResolveResult(told, changed, problem.message, hint)


def _unmerged(repo: Repo, versions: Mapping[str, Versions]) -> dict[str, Versions]:
    cut = len(repo.prefix) + 1 if repo.prefix else 0
    return {data_path(path[cut:]): each for path, each in versions.items() if path.endswith(SUFFIX)}


def _in_conflict(repo: Repo, unmerged: Mapping[str, Versions]) -> list[str]:
    """Gives the data whose pointers are in conflict, for Git or by their text (as when `git add` came too early)."""
    broken = workspace_manifest(repo.root, repo.git).broken
    marked = (path for path in broken if path.endswith(SUFFIX) and has_conflict_markers(_text(repo, path) or ""))
    return sorted({*unmerged, *(data_path(path) for path in marked)})


def _wanted(paths: Sequence[str], outputs: Sequence[str]) -> dict[str, list[tuple[str, ...]]]:
    """Gives what is meant of each pointer in conflict: paths inside its data, or () for all of it."""
    if not outputs:
        raise UsageError("no pointer is in conflict", "`git status` shows what else is")
    wanted: dict[str, list[tuple[str, ...]]] = {}
    for path in paths:
        below = [output for output in outputs if not path or output == path or output.startswith(f"{path}/")]
        around = next((output for output in outputs if path.startswith(f"{output}/")), None)
        for output in below:
            wanted[output] = [()]
        if around is not None:
            wanted.setdefault(around, []).append(tuple(path[len(around) + 1 :].split("/")))
        elif not below:
            raise UsageError(f"{path} is not in conflict", f"these are: {', '.join(outputs)}")
    return wanted if paths else {output: [()] for output in outputs}


def _halves(repo: Repo, output: str, versions: Versions | None, editor: TreeEditor) -> MergedPointer:
    """Gives the halves as the file has them, so that earlier decisions count, or else as a merge makes them now."""
    where = pointer_path(output)
    found = parse_conflict(_text(repo, where) or "")
    if found is not None and found.is_merged:
        ours, theirs = (parse_pointer(text.encode(), where) if text else None for text in (found.ours, found.theirs))
        conflicts = conflicts_between(output, entry_if_any(ours), entry_if_any(theirs), editor.load)
        return MergedPointer(ours, theirs, tuple(conflicts), _differing_notes(ours, theirs))
    if versions is None:
        raise DamagedData(
            f"{where} has conflict markers, but Git does not know of a conflict there any more",
            f"bring it back with `git checkout --merge -- {where}`, or take `git checkout HEAD -- {where}`",
        )
    pointers = (parse_pointer(text, where) if text else None for text in versions.texts)
    return merge_stored(repo, output, *pointers)


def _differing_notes(ours: Pointer | None, theirs: Pointer | None) -> tuple[str, ...]:
    if ours is None or theirs is None:
        return ()
    names = ("desc", "labels", "meta", "source", "frozen", "extra")
    return tuple(name for name in names if getattr(ours, name) != getattr(theirs, name))


def _write(repo: Repo, decided: Mapping[str, Decided], locks: Mapping[str, ResolvedLock]) -> tuple[str, ...]:
    changes = []
    texts = {repo.root / path: lock.text for path, lock in locks.items()}
    for output, each in decided.items():
        if each.merged.is_clean:
            changes.append(PointerChange(output, None, each.merged.ours))
        else:
            texts[repo.root / pointer_path(output)] = conflict_text(output, each.merged)[0].decode()
        changes += [PointerChange(path, None, pointer) for path, pointer in each.beside.items()]
    planned: dict[Path, str | None] = {**plan_texts(repo, changes), **texts}
    if not planned:
        return ()
    with open_trash(repo).entry("resolve", repo.root) as entry:
        changed = apply_texts(repo, entry, planned)
    still_open = {pointer_path(output) for output, each in decided.items() if not each.merged.is_clean}
    still_open |= {path for path, lock in locks.items() if lock.left}
    return tuple(path for path in changed if path not in still_open)


def _restore(repo: Repo, decided: Mapping[str, Decided], progress: Progress) -> DvcxError | None:
    """Checks out what is decided; gives the error that some of it could not be."""
    targets = []
    for output, each in decided.items():
        if each.merged.is_clean and each.merged.ours is not None:
            targets.append(Target(output, each.merged.ours))
        targets += [Target(path, pointer) for path, pointer in each.beside.items()]
    if not targets:
        return None
    try:
        return checkout_targets(repo, targets, CheckoutOptions(), progress).problem()
    except (Refused, MissingData) as error:
        return error


def _resolved(output: str, decided: Decided) -> Resolved:
    merged = decided.merged
    state = State.OPEN if not merged.is_clean else State.RESOLVED if merged.ours is not None else State.REMOVED
    left = (*(conflict.path for conflict in merged.conflicts), *merged.fields)
    return Resolved(output, state.value, left, (*decided.beside, *decided.renamed))


def _text(repo: Repo, path: str) -> str | None:
    data = read_pointer_file(repo.root, path)
    return data.decode("utf-8", "replace") if isinstance(data, bytes) else None
