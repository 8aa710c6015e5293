"""What push, fetch and pull share: which objects are meant, as roots and a selection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from dvcx.base.errors import DvcxError, MissingData
from dvcx.manifest.files import pointers_in
from dvcx.manifest.manifest import Manifest, workspace_manifest
from dvcx.model.pointer import Pointer
from dvcx.operations.meant_otherwise import explaining
from dvcx.operations.selection import Revisions, below_any, history_pointers, manifests_of, wanted_of
from dvcx.operations.targets import Target, matching_targets, resolve_targets, searched_by
from dvcx.operations.trees import need_trees
from dvcx.repo.record import Repo, tree_loader
from dvcx.storage.cache import Cache
from dvcx.storage.reach import AtMost, Below, Selection, Wanted


@dataclass(frozen=True, slots=True)
class TransferOptions:
    """What is transferred and how: see `dvcx push --help`.

    `jobs` is the number of requests at a time, `rate` the most bytes a second, `max_size` the bytes above which a file
    is left out. With `run_cache` the runs of stages travel, too, with what they made.
    """

    remote: str | None = None
    jobs: int | None = None
    revisions: Revisions = field(default_factory=Revisions)
    glob: bool = False
    dry_run: bool = False
    rate: float | None = None
    max_size: int | None = None
    run_cache: bool = False


@dataclass(frozen=True, slots=True)
class Meant:
    """The tracked data that is meant, each once for each content, and the part of it, or None for all of it.

    `whole` is the workspace's manifest when all that it tracks is meant.
    """

    roots: tuple[Wanted, ...]
    selection: Selection | None
    targets: tuple[Target, ...]
    whole: Manifest | None = None


def meant_by(repo: Repo, paths: Sequence[str], options: TransferOptions, cache: Cache) -> Meant:
    """Finds what `paths` mean in the workspace's pointers, or in the revisions that `options` names.

    For patterns, trees that were never fetched are taken from the remote. Raises `UsageError` for paths that mean
    nothing, and the error of a pointer file that cannot be used.
    """
    manifest = workspace_manifest(repo.root, repo.git)
    if options.revisions.any:
        roots = tuple(dict.fromkeys(_of_revisions(repo, paths, options)))
        return _meant(roots, Below(tuple(paths)) if paths else None, (), options)
    with explaining(repo, "`--rev {}` means its data"):
        targets = _matching(repo, manifest, paths, options, cache) if options.glob else resolve_targets(manifest, paths)
    travelling = (target for target in targets if _travels(target.pointer, repo, options))
    roots = tuple(dict.fromkeys(wanted_of(target.pointer, target.output) for target in travelling))
    partial = [target for target in targets if target.inner]
    selection = Below(tuple(target.path for target in targets)) if partial else None
    return _meant(roots, selection, tuple(targets), options, None if paths else manifest)


def _travels(pointer: Pointer, repo: Repo, options: TransferOptions) -> bool:
    """Tells whether data belongs on the remote: an output of a stage may stay here, or go to another one only."""
    remote = options.remote or repo.config.core.remote
    return pointer.push and (pointer.remote is None or pointer.remote == remote)


def _meant(
    roots: tuple[Wanted, ...],
    selection: Selection | None,
    targets: tuple[Target, ...],
    options: TransferOptions,
    whole: Manifest | None = None,
) -> Meant:
    if options.max_size is not None:
        selection = AtMost(options.max_size, selection)
    return Meant(roots, selection, targets, whole)


def _matching(
    repo: Repo, manifest: Manifest, patterns: Sequence[str], options: TransferOptions, cache: Cache
) -> list[Target]:
    try:
        return matching_targets(manifest, patterns, tree_loader(cache))
    except MissingData:
        need_trees(repo, cache, searched_by(manifest, patterns), options.remote)
        return matching_targets(manifest, patterns, tree_loader(cache))


def _of_revisions(repo: Repo, paths: Sequence[str], options: TransferOptions) -> Iterator[Wanted]:
    for path, pointer in _pointers_of_revisions(repo, options.revisions):
        if _travels(pointer, repo, options) and (not paths or below_any(path, paths)):
            yield wanted_of(pointer, path)


def _pointers_of_revisions(repo: Repo, revisions: Revisions) -> Iterator[tuple[str, Pointer]]:
    if revisions.commits:
        for file, text in history_pointers(repo):
            yield from _usable(text, file).items()
        yield from workspace_manifest(repo.root, repo.git).pointers.items()
        return
    for manifest in manifests_of(repo, revisions):
        manifest.raise_broken()
        yield from manifest.pointers.items()


def _usable(text: bytes, path: str) -> Mapping[str, Pointer]:
    """Gives what an old commit's pointer or lock stands for; one that was committed broken stands for nothing."""
    try:
        return pointers_in(text, path)
    except DvcxError:
        return {}
