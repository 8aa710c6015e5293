"""`dvcx diff`: what differs between two revisions, or between a revision and the files that are here now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dvcx.base.errors import DamagedData, DvcxError, UsageError, shown
from dvcx.base.hashing import Algorithm
from dvcx.base.progress import SILENT, Progress, task
from dvcx.git.revisions import resolve_or_none
from dvcx.manifest.manifest import Manifest
from dvcx.manifest.trees import compare, id_of
from dvcx.model.changes import Change, ChangeKind, pair_renames
from dvcx.model.pointer import pointer_path
from dvcx.model.tree import EntryKind, TreeEntry
from dvcx.operations.diff_sides import CommitSide, Side, WorkspaceSide, targets_of
from dvcx.operations.listings import listing_loader
from dvcx.operations.revision import git_of, manifest_at
from dvcx.operations.table_diff import TableDiff
from dvcx.operations.targets import not_tracked
from dvcx.repo.record import Repo, open_cache, open_state

_TYPES = {
    EntryKind.FILE: "file",
    EntryKind.EXECUTABLE: "executable",
    EntryKind.FOLDER: "folder",
    EntryKind.LINK: "link",
    EntryKind.FOREIGN: "other",
}


@dataclass(frozen=True, slots=True)
class FileDiff:
    """One path that differs: `added`, `deleted`, `modified` or `renamed` (then `old_path` is set).

    Types are `file`, `executable`, `link` or `folder`; sizes are in bytes; what is not there is None, and so are the
    ids of links. A folder stands for the `files` in it: it is empty, or it is not known here what it holds.
    """

    change: str
    path: str
    old_path: str | None
    old_type: str | None
    new_type: str | None
    old_size: int | None
    new_size: int | None
    old_id: str | None
    new_id: str | None
    files: int


@dataclass(frozen=True, slots=True)
class Total:
    """The files with one kind of change, and their bytes before and after."""

    files: int
    old_size: int
    new_size: int


@dataclass(frozen=True, slots=True)
class Absent:
    """A file that the pointers have and that never was in the workspace; or a folder of `files` such files."""

    path: str
    size: int
    files: int


@dataclass(frozen=True, slots=True)
class DiffResult:
    """What differs between `old` and `new`, which name the revisions as people type them; commits as ids.

    `totals` are by kind of change. `absent` never was in the workspace, so it was compared as its pointers say.
    `unread` are the folders of which it is not known here what they hold. `broken` are pointer files that cannot be
    used, each with why; what they stand for is left out. `tables` tells what changed inside tables, if that was asked.
    """

    old: str
    new: str
    old_commit: str | None
    new_commit: str | None
    changes: tuple[FileDiff, ...]
    totals: Mapping[str, Total]
    absent: tuple[Absent, ...]
    unread: tuple[str, ...]
    broken: Mapping[str, str]
    tables: tuple[TableDiff, ...] | None = None

    def problem(self) -> DvcxError | None:
        """Gives the error of a comparison that is not complete, or None."""
        if not self.broken:
            return None
        return DamagedData(
            f"pointer files that cannot be used were left out: {shown(list(self.broken))}",
            "put them right, or `git checkout -- FILE` to restore them",
        )


@dataclass(frozen=True, slots=True)
class DiffOptions:
    """What to compare: see `dvcx diff --help`. `old` None is HEAD, `new` None the workspace."""

    old: str | None = None
    new: str | None = None
    hide_missing: bool = False
    remote: str | None = None


def diff(
    repo: Repo, paths: Sequence[str] = (), options: DiffOptions | None = None, progress: Progress = SILENT
) -> DiffResult:
    """Compares two revisions at `paths` (relative to the project root; everything when there are none).

    Only Git's objects, the cache and, for the workspace, the files themselves are read. Raises `NoSuchRevision`,
    `UsageError` for paths tracked in neither and for projects without Git, `MissingData` when it is not known what the
    folder that a path leads through holds.
    """
    options = options or DiffOptions()
    git = git_of(repo, "compare with")
    first = _old_manifest(repo, options.old)
    second = manifest_at(repo, options.new)
    cache, state = open_cache(repo), open_state(repo)
    chosen = _outermost(paths)
    _check_paths(chosen, first, second)
    load = listing_loader(repo, cache, options.remote, [*targets_of(first, chosen), *targets_of(second, chosen)])
    with task(progress, "comparing", None, "files") as running:
        old = CommitSide(first, load)
        new: Side = (
            CommitSide(second, load)
            if options.new is not None
            else WorkspaceSide(repo, second, cache, state, load, running.advance)
        )
        changes = list(_changes(old, new, chosen))
    state.close()
    cache.close()
    listed = tuple(_file_diff(change, repo.algorithm) for change in pair_renames(list(_merged(changes))))
    return DiffResult(
        old=first.label,
        new=second.label,
        old_commit=resolve_or_none(git, options.old or "HEAD"),
        new_commit=resolve_or_none(git, options.new) if options.new is not None else None,
        changes=listed,
        totals=_totals(listed),
        absent=() if options.hide_missing else tuple(Absent(*each) for each in new.absent),
        unread=tuple(dict.fromkeys([*new.unread, *(each.path for each in listed if _is_unread(each))])),
        broken=_broken(chosen, first, second),
    )


def _old_manifest(repo: Repo, revision: str | None) -> Manifest:
    """Gives the manifest to compare with: of HEAD, which before the first commit has nothing."""
    if revision is None and resolve_or_none(git_of(repo, "compare with"), "HEAD") is None:
        return Manifest("HEAD")
    return manifest_at(repo, revision or "HEAD")


def _outermost(paths: Iterable[str]) -> list[str]:
    """Gives `paths` without those that lie in another; no path at all for "", which is everything."""
    chosen = sorted(set(paths))
    if "" in chosen:
        return []
    return [path for path in chosen if not any(path.startswith(f"{other}/") for other in chosen)]


def _check_paths(paths: Sequence[str], *manifests: Manifest) -> None:
    for path in paths:
        known = (m for m in manifests if m.owner_of(path) or m.below(path) or pointer_path(path) in m.broken)
        if next(known, None) is None:
            raise not_tracked(manifests[-1], path)


def _changes(old: Side, new: Side, paths: Sequence[str]) -> Iterator[Change]:
    broken = {path.removesuffix(".dvcx") for side in (old, new) for path in side.manifest.broken}
    olds, news = old.roots(paths), new.roots(paths)
    for path in sorted((olds.keys() | news.keys()) - broken):
        before, after = olds.get(path), news.get(path)
        if before is None and after is None:
            if path in paths:
                raise UsageError(
                    f"{path} is neither in {old.manifest.label} nor in {new.manifest.label}",
                    "see what there is with `dvcx ls -R`",
                )
            continue
        yield from compare(path, before, after, old.load, new.load)


def _merged(changes: Iterable[Change]) -> Iterator[Change]:
    """Joins what is deleted and added at one path, where a folder's pointer became several or the other way round."""
    by_path: dict[str, Change] = {}
    for change in changes:
        other = by_path.get(change.path)
        if other is None:
            by_path[change.path] = change
            continue
        before, after = other.old or change.old, other.new or change.new
        if before is None or after is None or before.same_content(after):
            del by_path[change.path]
        else:
            by_path[change.path] = Change(ChangeKind.MODIFIED, change.path, before, after)
    yield from by_path.values()


def _file_diff(change: Change, algorithm: Algorithm) -> FileDiff:
    def name(entry: TreeEntry | None) -> str | None:
        return str(id_of(entry, algorithm)) if entry is not None and (entry.is_file or entry.is_folder) else None

    old, new = change.old, change.new
    return FileDiff(
        change=change.kind.value,
        path=change.path,
        old_path=change.old_path,
        old_type=_TYPES[EntryKind(old.kind)] if old else None,
        new_type=_TYPES[EntryKind(new.kind)] if new else None,
        old_size=old.size if old else None,
        new_size=new.size if new else None,
        old_id=name(old),
        new_id=name(new),
        files=max(entry.files for entry in (old, new) if entry is not None),
    )


def _is_unread(change: FileDiff) -> bool:
    return "folder" in (change.old_type, change.new_type) and change.files > 0


def _totals(changes: Iterable[FileDiff]) -> dict[str, Total]:
    totals = {kind.value: Total(0, 0, 0) for kind in ChangeKind}
    for change in changes:
        before = totals[change.change]
        totals[change.change] = Total(
            before.files + change.files,
            before.old_size + (change.old_size or 0),
            before.new_size + (change.new_size or 0),
        )
    return totals


def _broken(paths: Sequence[str], *manifests: Manifest) -> dict[str, str]:
    return {
        name: f"{error.message} (in {manifest.label})"
        for manifest in manifests
        for name, error in manifest.broken.items()
        if not paths or any(f"{name.removesuffix('.dvcx')}/".startswith(f"{path}/") for path in paths)
    }
