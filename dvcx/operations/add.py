"""`dvcx add`: take files and folders into the cache and write their pointers."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from dvcx.base.errors import UsageError
from dvcx.base.progress import SILENT, Progress, task
from dvcx.formats.table import Role
from dvcx.formats.tree_bytes import dump_tree
from dvcx.manifest.manifest import Manifest, workspace_manifest
from dvcx.manifest.trees import TreeEditor, compare, entry_at, entry_of, id_of, is_at_hand
from dvcx.model.pointer import Pointer
from dvcx.model.tree import EntryKind, TreeEntry
from dvcx.operations.add_checks import check_can_add
from dvcx.operations.edited_links import set_aside_edited
from dvcx.operations.pointers import PointerChange, refuse_frozen, write_pointers
from dvcx.operations.relink import relink
from dvcx.operations.unfetched import Presence, inner_presence, keep_unfetched, presence_at
from dvcx.repo.record import (
    Repo,
    open_cache,
    open_state,
    open_trash,
    scan_rules,
    tree_loader,
    workspace_lock,
)
from dvcx.storage.cache import Cache
from dvcx.storage.cache_writer import CacheWriter
from dvcx.workspace.intake import CacheIntake
from dvcx.workspace.scan import Scanned, ScanRules, scan
from dvcx.workspace.state import State


@dataclass(frozen=True, slots=True)
class Added:
    """One tracked path after `add`: its id, size in bytes and number of files (None for a file).

    `change` is `added`, `updated` or `unchanged`; `unfetched` counts files that are kept although they are not here.
    """

    path: str
    pointer: str
    id: str
    size: int
    files: int | None
    change: str
    unfetched: int = 0


@dataclass(frozen=True, slots=True)
class AddResult:
    """What `add` did. `saved` is False with `--no-commit`; `changed_files` are those of ours that Git should commit."""

    outputs: tuple[Added, ...]
    changed_files: tuple[str, ...]
    saved: bool


@dataclass(frozen=True, slots=True)
class AddOptions:
    """How to add: see `dvcx add --help`. `out` is a path to copy the one source to before it is tracked."""

    commit: bool = True
    force: bool = False
    desc: str | None = None
    follow_links: bool = False


def add(repo: Repo, paths: Sequence[str], options: AddOptions | None = None, progress: Progress = SILENT) -> AddResult:
    """Tracks `paths` (relative to the project root); a path inside a tracked folder updates that folder's pointer.

    Raises `Refused` for what cannot come back as it is, before any pointer is written; `UsageError` for paths that
    do not exist.
    """
    options = options or AddOptions()
    with workspace_lock(repo).exclusive(repo.config.core.lock_timeout):
        manifest = workspace_manifest(repo.root, repo.git)
        check_can_add(repo, manifest, paths, force=options.force)
        return add_checked(repo, manifest, paths, options, progress)


def add_checked(
    repo: Repo, manifest: Manifest, paths: Sequence[str], options: AddOptions, progress: Progress = SILENT
) -> AddResult:
    """Does what `add` does for paths that were checked; the caller holds the workspace lock.

    Raises `Refused`, before any pointer is written, when frozen data has changed and `options.force` is not set.
    """
    cache, state = open_cache(repo), open_state(repo)
    # The cache stays locked until the pointers are written: a garbage collection in between would see objects
    # that nothing names yet.
    with cache.lock.shared(repo.config.core.lock_timeout), task(progress, "adding", None, "files") as running:
        with cache.writer() as writer:
            job = _Adding(repo, manifest, options, cache, state, writer, running.advance)
            for path in paths:
                job.take(path)
            job.store_trees()
        return job.finish()


class _Adding:
    """One run of `add`: gathers the new entry of each tracked path, then writes all pointers at once."""

    def __init__(
        self,
        repo: Repo,
        manifest: Manifest,
        options: AddOptions,
        cache: Cache,
        state: State,
        writer: CacheWriter,
        advance: Callable[[int], None],
    ) -> None:
        self._repo = repo
        self._manifest = manifest
        self._options = options
        self._cache = cache
        self._state = state
        self._writer = writer
        self._advance = advance
        self._rules: ScanRules = scan_rules(repo, follow_links=options.follow_links)
        self._editor = TreeEditor(repo.algorithm, tree_loader(cache))
        self._new: dict[str, TreeEntry] = {}
        self._placed: dict[str, TreeEntry] = {}
        self._unfetched: dict[str, int] = {}

    def take(self, path: str) -> None:
        """Scans one path and notes what its tracked path now is."""
        scanned = self._scan(path)
        output = self._manifest.owner_of(path)
        if output is None or output == path:
            old = self._manifest.pointers.get(path)
            entry = scanned.entry
            self._placed[path] = entry
            if old is not None and old.is_folder and entry.is_folder and old.id.digest != entry.digest:
                entry = self._with_unfetched(path, (), entry_of(old), entry)
            self._new[path] = entry
            return
        root = self._new.get(output) or entry_of(self._manifest.pointers[output])
        parts = tuple(path[len(output) + 1 :].split("/"))
        entry = scanned.entry
        here = self._placed.get(output) or self._presence(output).baseline
        if here is not None:
            self._placed[output] = self._editor.replace(here, parts, entry)
        before = entry_at(root, parts, self._editor.load)
        if before is not None and before.is_folder and entry.is_folder and before.digest != entry.digest:
            entry = self._with_unfetched(output, parts, before, entry)
        self._new[output] = self._editor.replace(root, parts, entry)

    def _presence(self, output: str) -> Presence:
        return presence_at(self._state, output, is_folder=True, has=self._cache.has, load=self._editor.load)

    def _with_unfetched(self, output: str, parts: tuple[str, ...], old: TreeEntry, entry: TreeEntry) -> TreeEntry:
        presence = inner_presence(self._presence(output), parts, self._editor.load)
        merged, count = keep_unfetched(old, entry, self._editor, presence)
        if count:
            self._unfetched[output] = self._unfetched.get(output, 0) + count
        return merged

    def _scan(self, path: str) -> Scanned:
        scanned = scan(
            self._repo.root,
            path,
            self._state,
            self._rules,
            tracked=self._manifest.owner_of(path),
            intake=CacheIntake(self._writer) if self._options.commit else None,
            cache_prefix=str(self._cache.loose.root) + os.sep,
            advance=self._advance,
        )
        if scanned is None:
            raise UsageError(f"{path} does not exist", f"see what is there with `ls {os.path.dirname(path) or '.'}`")
        self._editor.know(scanned.trees)
        if not self._options.commit:
            # Without its trees nobody could tell later which files of the folder were never fetched here.
            for digest, tree in scanned.trees.items():
                self._writer.put(Role.TREE, digest, dump_tree(tree))
        return scanned

    def store_trees(self) -> None:
        """Stores the trees that were changed around the scanned ones."""
        for entry in (*self._new.values(), *self._placed.values()):
            for digest, data in self._editor.made_below(entry):
                self._writer.put(Role.TREE, digest, data)

    def finish(self) -> AddResult:
        """Writes the pointers, after everything they name is durable."""
        changes = [self._pointer_change(path, entry) for path, entry in sorted(self._new.items())]
        if not self._options.force:
            refuse_frozen(changes)
        files = write_pointers(self._repo, open_trash(self._repo), "add", changes)
        for path, entry in self._placed.items():
            self._state.set_baseline(path, entry.digest)
        if self._options.commit:
            self._mend_links()
        self._state.close()
        self._cache.close()
        return AddResult(tuple(self._result(change) for change in changes), files, self._options.commit)

    def _mend_links(self) -> None:
        """Sets aside objects that were edited through a link, and links new large files as `cache.type` says."""
        loader = tree_loader(self._cache)
        for path, entry in self._new.items():
            old = self._manifest.pointers.get(path)
            if old is not None and old.id.digest != entry.digest and is_at_hand(loader, old.id.digest, old.is_folder):
                set_aside_edited(
                    self._repo, self._cache, compare(path, entry_of(old), entry, loader, self._editor.load)
                )
        relink(self._repo, self._cache, self._state, self._new, self._editor.load)

    def _pointer_change(self, path: str, entry: TreeEntry) -> PointerChange:
        old = self._manifest.pointers.get(path)
        new = Pointer(
            name=path.rsplit("/", 1)[-1],
            id=id_of(entry, self._repo.algorithm),
            size=entry.size,
            files=entry.files if entry.is_folder else None,
            executable=entry.kind == EntryKind.EXECUTABLE,
        )
        if old is not None:
            # What people noted stays; where the old content came from is not said of other content.
            source = old.source if old.same_data(new) else None
            new = replace(
                new, desc=old.desc, labels=old.labels, meta=old.meta, source=source, frozen=old.frozen, extra=old.extra
            )
        if self._options.desc is not None:
            new = replace(new, desc=self._options.desc)
        return PointerChange(path, old, new)

    def _result(self, change: PointerChange) -> Added:
        new = change.new
        assert new is not None
        word = "added" if change.old is None else "unchanged" if change.old.same_data(new) else "updated"
        pointer = f"{change.path}.dvcx"
        return Added(change.path, pointer, str(new.id), new.size, new.files, word, self._unfetched.get(change.path, 0))
