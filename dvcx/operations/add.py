"""`dvcx add`: take files and folders into the cache and write their pointers."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from dvcx.base.errors import MissingData, UsageError
from dvcx.base.progress import SILENT, Progress, task
from dvcx.formats.table import Role
from dvcx.formats.tree_bytes import dump_tree
from dvcx.manifest.manifest import Manifest, workspace_manifest
from dvcx.manifest.trees import TreeEditor, compare, entry_at, entry_of, files_below, id_of, is_at_hand
from dvcx.model.pointer import Pointer
from dvcx.model.tree import EntryKind, TreeEntry
from dvcx.operations.add_checks import check_can_add
from dvcx.operations.edited_links import set_aside_edited
from dvcx.operations.git_setup import keep_drivers
from dvcx.operations.looking import cache_prefix
from dvcx.operations.pointers import PointerChange, refuse_frozen, write_pointers
from dvcx.operations.relink import relink
from dvcx.operations.targets import Target, outermost
from dvcx.operations.trees import need_trees
from dvcx.operations.unfetched import Presence, inside, keep_unfetched, presence_at, with_evidence
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
from dvcx.storage.trash_entry import TrashEntry
from dvcx.workspace.intake import CacheIntake
from dvcx.workspace.scan import Scanned, ScanRules, scan
from dvcx.workspace.state import State


@dataclass(frozen=True, slots=True)
class Added:
    """One tracked path after `add`: its id, size in bytes and number of files (None for a file).

    `change` is `added`, `updated`, `described` (the same data, a new note) or `unchanged`; `unfetched` counts
    files that are kept although they are not here, `outdated` those of another revision's pointer (after
    `git checkout`, say) whose place older ones took: no checkout had brought them.
    """

    path: str
    pointer: str
    id: str
    size: int
    files: int | None
    change: str
    unfetched: int = 0
    outdated: int = 0


@dataclass(frozen=True, slots=True)
class AddResult:
    """What `add` did. `changed_files` are those of ours that Git should commit.

    `saved` is False when the cache lacks bytes that are here: after `--no-commit`.
    """

    outputs: tuple[Added, ...]
    changed_files: tuple[str, ...]
    saved: bool


@dataclass(frozen=True, slots=True)
class AddOptions:
    """How to add: see `dvcx add --help`. `source` is where data that was downloaded comes from, for its pointer."""

    commit: bool = True
    force: bool = False
    desc: str | None = None
    follow_links: bool = False
    source: Mapping[str, object] | None = None


Answer = TypeVar("Answer")


def add(repo: Repo, paths: Sequence[str], options: AddOptions | None = None, progress: Progress = SILENT) -> AddResult:
    """Tracks `paths` (relative to the project root); a path inside a tracked folder updates that folder's pointer.

    What lies in another one of `paths` comes with that. Of a folder whose trees were never fetched, those that are
    needed are taken from the default remote.

    Raises `Refused` for what cannot come back as it is, before any pointer is written; `UsageError` for paths that
    do not exist; `MissingData` when it is not known what a tracked folder holds.
    """
    options = options or AddOptions()
    _check_text(options.desc or "")
    paths = outermost(paths)
    with workspace_lock(repo).exclusive(repo.config.core.lock_timeout):
        keep_drivers(repo)
        manifest = workspace_manifest(repo.root, repo.git)
        check_can_add(repo, manifest, paths, force=options.force)
        return add_checked(repo, manifest, paths, options, progress)


def _check_text(desc: str) -> None:
    try:
        desc.encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError("the text of --desc is not UTF-8", "type it in a terminal that is set to UTF-8") from None


def add_checked(
    repo: Repo,
    manifest: Manifest,
    paths: Sequence[str],
    options: AddOptions,
    progress: Progress = SILENT,
    entry: TrashEntry | None = None,
) -> AddResult:
    """Does what `add` does for paths that were checked; the caller holds the workspace lock.

    `entry` is one of the trash that is open already, for what the caller and this do to be taken back together.
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
        return job.finish(entry)


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
        self._tracked: dict[str, TreeEntry] = {}
        """What counts as tracked where only a part was added: the pointer may have changed elsewhere since."""
        self._inner: dict[str, dict[tuple[str, ...], tuple[TreeEntry, TreeEntry]]] = {}
        """Inside each tracked folder: what was found at a path, and that with what was never fetched of it."""
        self._unfetched: dict[str, int] = {}
        self._outdated: dict[str, int] = {}

    def take(self, path: str) -> None:
        """Scans one path and notes what its tracked path now is."""
        output = self._manifest.owner_of(path)
        scanned = self._scan(path, output or path)
        pointer = self._manifest.pointers.get(output) if output is not None else None
        if output is None or pointer is None:
            self._new[path] = self._placed[path] = scanned.entry
            return
        target = Target(output, pointer, tuple(path[len(output) + 1 :].split("/")) if output != path else ())
        old = self._with_trees(target, lambda: entry_at(entry_of(pointer), target.inner, self._editor.load))
        entry = scanned.entry
        if old is not None and old.is_folder and entry.is_folder and old.digest != entry.digest:
            entry = self._merged(target, old, entry)
        self._count_outdated(target, old, entry)
        if target.inner:
            self._inner.setdefault(output, {})[target.inner] = scanned.entry, entry
        else:
            self._new[path], self._placed[path] = entry, scanned.entry

    def _merged(self, target: Target, old: TreeEntry, entry: TreeEntry) -> TreeEntry:
        """Gives `entry` with what of the folder was never fetched here."""
        if self._state.baseline(target.output) == target.pointer.id.digest:
            return entry  # all of it was here, so what is absent was deleted
        try:
            return self._with_trees(target, lambda: self._with_unfetched(target, old, entry))
        except MissingData as error:
            if self._options.force:
                return entry
            hint = f"{error.hint}; or say with --force that what is here is all of {target.path}"
            raise MissingData(error.message, hint, error.names) from error

    def _with_trees(self, target: Target, work: Callable[[], Answer]) -> Answer:
        """Does `work`; when it needs trees that were never fetched here, fetches them and does it again."""
        try:
            return work()
        except MissingData:
            need_trees(self._repo, self._cache, [target])
            return work()

    def _with_unfetched(self, target: Target, old: TreeEntry, entry: TreeEntry) -> TreeEntry:
        load = self._editor.load
        presence = self._presence(target.output).inside(target.inner, load)
        merged, count = keep_unfetched(old, entry, self._editor, with_evidence(presence, old, entry, load))
        if count:
            self._unfetched[target.output] = self._unfetched.get(target.output, 0) + count
        return merged

    def _count_outdated(self, target: Target, old: TreeEntry | None, new: TreeEntry) -> None:
        """Counts what takes the place of other data only because nobody has checked that out."""
        load = self._editor.load
        presence = self._presence(target.output, is_folder=target.pointer.is_folder)
        if presence.tracked is None or presence.tracked.digest == target.pointer.id.digest:
            return
        for change in compare(target.path, old, new, load, load):
            if inside(presence, target.output, change.path, load).is_outdated(change.old, change.new):
                self._outdated[target.output] = self._outdated.get(target.output, 0) + 1

    def _presence(self, output: str, *, is_folder: bool = True) -> Presence:
        return presence_at(self._state, output, is_folder=is_folder, has=self._cache.has, load=self._editor.load)

    def _edit_folders(self) -> None:
        """Puts what was found inside tracked folders into their trees, all of a folder at once."""
        for output, edits in self._inner.items():
            root = entry_of(self._manifest.pointers[output])
            self._new[output] = self._editor.replace_all(root, {parts: new for parts, (_, new) in edits.items()})
            known = self._presence(output)
            if known.baseline is not None:
                found = {parts: entry for parts, (entry, _) in edits.items()}
                tracked = {parts: entry for parts, (_, entry) in edits.items()}
                try:
                    self._placed[output] = self._editor.replace_all(known.baseline, found)
                    self._tracked[output] = self._editor.replace_all(known.tracked or known.baseline, tracked)
                except MissingData:
                    continue  # what is known of the folder stays as it is

    def _scan(self, path: str, output: str) -> Scanned:
        scanned = scan(
            self._repo.root,
            path,
            self._state,
            self._rules,
            tracked=output,
            intake=CacheIntake(self._writer) if self._options.commit else None,
            cache_prefix=cache_prefix(self._cache),
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
        self._edit_folders()
        for entry in (*self._new.values(), *self._placed.values(), *self._tracked.values()):
            for digest, data in self._editor.made_below(entry):
                self._writer.put(Role.TREE, digest, data)

    def finish(self, undoable: TrashEntry | None = None) -> AddResult:
        """Writes the pointers, after everything they name is durable."""
        changes = [self._pointer_change(path, entry) for path, entry in sorted(self._new.items())]
        if not self._options.force:
            refuse_frozen(changes)
        files = write_pointers(self._repo, open_trash(self._repo), "add", changes, undoable)
        for path, entry in self._placed.items():
            self._state.set_baseline(path, entry.digest, self._tracked.get(path, self._new[path]).digest)
            if self._options.follow_links or path not in self._inner:
                self._state.set_follows_links(path, self._options.follow_links)
        if self._options.commit:
            self._mend_links()
        saved = self._options.commit or self._has_all()
        self._state.close()
        self._cache.close()
        return AddResult(tuple(self._result(change) for change in changes), files, saved)

    def _has_all(self) -> bool:
        """Tells whether the cache holds every file that was found: it may have been stored before."""
        found = [entry for path, entry in self._placed.items() if path not in self._inner]
        found += [entry for edits in self._inner.values() for entry, _ in edits.values()]
        below = (each for entry in found for _, each in files_below(entry, "", self._editor.load))
        return not self._cache.missing({each.digest for each in below if not each.is_link})

    def _mend_links(self) -> None:
        """Sets aside objects that were edited through a link, and links new large files as `cache.type` says."""
        loader = tree_loader(self._cache)
        for path, entry in self._new.items():
            old = self._manifest.pointers.get(path)
            if old is not None and old.id.digest != entry.digest and is_at_hand(loader, old.id.digest, old.is_folder):
                changes = compare(path, entry_of(old), entry, loader, self._editor.load)
                set_aside_edited(self._repo, self._cache, self._state, changes)
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
        if self._options.source is not None:
            new = replace(new, source=self._options.source)
        return PointerChange(path, old, new)

    def _result(self, change: PointerChange) -> Added:
        new = change.new
        assert new is not None
        word = "added" if change.old is None else "updated"
        if change.old is not None and change.old.same_data(new):
            word = "unchanged" if change.old.desc == new.desc else "described"
        pointer = f"{change.path}.dvcx"
        return Added(
            change.path,
            pointer,
            str(new.id),
            new.size,
            new.files,
            word,
            self._unfetched.get(change.path, 0),
            self._outdated.get(change.path, 0),
        )
