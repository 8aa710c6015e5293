"""`dvcx import`: track data of another project, remembering where it came from and at which commit."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from dvcx.base.errors import MissingData, Refused, UsageError, shown
from dvcx.base.hashing import Algorithm
from dvcx.base.progress import SILENT, Progress
from dvcx.base.text import counted
from dvcx.formats.table import Role
from dvcx.manifest.manifest import Manifest, workspace_manifest
from dvcx.manifest.trees import id_of
from dvcx.model.ids import Kind, ObjectId
from dvcx.model.pointer import Pointer
from dvcx.model.tree import EntryKind
from dvcx.operations.add_checks import check_new, check_not_left_out, check_way
from dvcx.operations.checkout import CheckoutOptions, checkout_targets
from dvcx.operations.git_file import read_git_file
from dvcx.operations.pointers import PointerChange, refuse_frozen, write_pointers
from dvcx.operations.take_in import take_in
from dvcx.operations.targets import Target
from dvcx.operations.view import View, ViewOptions
from dvcx.repo.foreign import Foreign, open_foreign
from dvcx.repo.record import Repo, open_cache, open_trash, workspace_lock
from dvcx.storage.cache import Cache


@dataclass(frozen=True, slots=True)
class Imported:
    """A tracked path after an import: its id, size in bytes, number of files (None for a file), and its source.

    `change` is `added`, `updated` or `unchanged`; `downloaded` says whether the data is here now.
    """

    path: str
    pointer: str
    id: str
    size: int
    files: int | None
    change: str
    source: Mapping[str, object]
    downloaded: bool
    changed_files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How to import: see `dvcx import --help`. `out` is relative to the project root."""

    revision: str | None = None
    out: str | None = None
    remote: str | None = None
    force: bool = False
    download: bool = True
    desc: str | None = None


def import_data(
    repo: Repo,
    source: str,
    path: str,
    directory: Path,
    environ: Mapping[str, str],
    options: ImportOptions | None = None,
    progress: Progress = SILENT,
) -> Imported:
    """Tracks `path` of the project `source`, a folder (relative to `directory`) or the address of a Git repository.

    Raises `UsageError` where nothing is tracked there, `Refused` when something is in the way here and `force` is not
    set or when the two projects name contents by different hashes, and as `take_in`.
    """
    options = options or ImportOptions()
    path = os.path.normpath(path).strip("/")
    foreign = open_foreign(source, options.revision, directory, environ, path)
    if foreign.commit is None:
        raise UsageError(f"{source} has no commits to remember", "`dvcx get` takes data from it without that")
    target = options.out if options.out is not None else path.rpartition("/")[2]
    check_target(repo, target, force=options.force)
    named = source if foreign.is_mirror else remembered(source, repo, directory)
    note: dict[str, object] = {"repo": named, "path": path}
    if options.revision is not None:
        note["rev"] = options.revision
    note["commit"] = foreign.commit
    cache = open_cache(repo)
    with cache.lock.shared(repo.config.core.lock_timeout):
        pointer = fetch_pointer(foreign, target, cache, repo.algorithm, options, progress)
        pointer = replace(pointer, source=note, desc=options.desc)
        result = place_pointer(repo, target, pointer, "import", options, progress)
    cache.close()
    return result


def remembered(source: str, repo: Repo, directory: Path) -> str:
    """Gives a folder as a pointer names it: relative to the project's root when it was typed as a relative one."""
    if os.path.isabs(source):
        return os.path.normpath(source)
    return os.path.relpath(os.path.realpath(directory / source), repo.root)


def check_target(repo: Repo, target: str, *, force: bool) -> Manifest:
    """Raises `UsageError` or `Refused` when data from elsewhere cannot be tracked at `target`."""
    if not target or target in (".", ".."):
        raise UsageError(
            "the whole of another project cannot be imported", "name a file or folder in it: `dvcx ls REPO` lists them"
        )
    manifest = workspace_manifest(repo.root, repo.git)
    owner = manifest.owner_of(target)
    if owner is not None and owner != target:
        raise Refused(
            f"{target} lies in the folder {owner}, which is tracked",
            "give it another name: `--out PATH`, or OUT of `dvcx import-url`",
            [target],
        )
    inside = manifest.below(target)
    if inside:
        raise Refused(
            f"{target} contains data that is tracked on its own: {shown(inside, 3)}",
            "give it another name: `--out PATH`, or OUT of `dvcx import-url`",
            inside,
        )
    if owner is None:
        if os.path.lexists(repo.root / target) and not force:
            raise Refused(
                f"{target} exists already",
                "give it another name (`--out PATH`, or OUT of `dvcx import-url`), or replace it with --force",
                [target],
            )
        check_way(repo, target)
        check_not_left_out(repo, target, folder=False)
        check_new(repo, [target])
    elif not force:
        raise Refused(
            f"{target} is tracked already",
            f"`dvcx update {target}` brings it up to date; or give it another name, or replace it with --force",
            [target],
        )
    (repo.root / target).parent.mkdir(parents=True, exist_ok=True)
    return manifest


def fetch_pointer(
    foreign: Foreign,
    target: str,
    cache: Cache,
    algorithm: Algorithm,
    options: ImportOptions,
    progress: Progress,
) -> Pointer:
    """Gives a pointer to what `foreign` was opened for; with `options.download` the cache then holds its data."""
    path = foreign.path
    view = View(foreign, ViewOptions(remote=options.remote))
    name = target.rpartition("/")[2]
    node = view.find(path)
    if node is not None and node.entry.is_link:
        node = view.followed(node)
    if node is None or not node.entry.digest:
        data = read_git_file(foreign, path)
        if data is None:
            raise view.not_tracked(path)
        digest = algorithm.of(data)
        with cache.writer() as writer:
            writer.put(Role.BLOB, digest, data)
        return Pointer(name, ObjectId(algorithm.name, digest, Kind.BLOB), len(data))
    if view.repo.algorithm.name != algorithm.name:
        raise Refused(
            f"{foreign.url} names contents by {view.repo.algorithm.name}, this project by {algorithm.name}",
            f"`dvcx get {foreign.url} {path}` writes them here, and `dvcx add` tracks them without their origin",
        )
    if options.download:
        take_in(view, [node], cache, progress)
    entry = node.entry
    return Pointer(
        name=name,
        id=id_of(entry, algorithm),
        size=entry.size,
        files=entry.files if entry.is_folder else None,
        executable=entry.kind == EntryKind.EXECUTABLE,
    )


def place_pointer(
    repo: Repo, target: str, pointer: Pointer, operation: str, options: ImportOptions, progress: Progress
) -> Imported:
    """Writes the pointer of imported data, keeping people's notes on it, and makes the workspace what it says.

    Raises `Refused`, with nothing changed, when files that nobody saved are in the way, or frozen data would change.
    """
    with workspace_lock(repo).exclusive(repo.config.core.lock_timeout):
        manifest = workspace_manifest(repo.root, repo.git)
        old = manifest.pointers.get(target)
        if old is not None:
            desc = pointer.desc if pointer.desc is not None else old.desc
            pointer = replace(pointer, desc=desc, labels=old.labels, meta=old.meta, frozen=old.frozen, extra=old.extra)
        change = PointerChange(target, old, pointer)
        if not options.force:
            refuse_frozen([change])
        targets = [Target(target, pointer)]
        if options.download:
            _check_saved(repo, targets, options, progress)
        files = write_pointers(repo, open_trash(repo), operation, [change])
        if options.download:
            done = checkout_targets(repo, targets, CheckoutOptions(force=options.force), progress)
            problem = done.problem()
            if problem is not None:
                raise problem
    word = "added" if old is None else "unchanged" if old.same_data(pointer) else "updated"
    return Imported(
        path=target,
        pointer=f"{target}.dvcx",
        id=str(pointer.id),
        size=pointer.size,
        files=pointer.files,
        change=word,
        source=pointer.source or {},
        downloaded=options.download,
        changed_files=files,
    )


def _check_saved(repo: Repo, targets: list[Target], options: ImportOptions, progress: Progress) -> None:
    plan = checkout_targets(repo, targets, CheckoutOptions(force=options.force, dry_run=True), progress)
    if plan.unsaved:
        raise Refused(
            f"{counted(len(plan.unsaved), 'file has', 'files have')} changes that nobody saved and would be replaced: "
            f"{shown(plan.unsaved)}",
            "save them elsewhere, or replace them with --force; `dvcx undo` brings them back",
            plan.unsaved,
        )
    if plan.missing:
        raise MissingData(f"not in the cache: {shown(plan.missing)}", "run the same command again", plan.missing)
