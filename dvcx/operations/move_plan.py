"""What a move means: which tracked data goes, where to, and why it may not."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from dvcx.base.errors import MissingData, Refused, UsageError
from dvcx.formats.tree_bytes import check_portable
from dvcx.manifest.manifest import Manifest
from dvcx.manifest.trees import LoadTree, TreeEditor, entry_at, entry_of, files_below, id_of
from dvcx.model.pointer import Pointer, pointer_path
from dvcx.model.tree import EntryKind, TreeEntry
from dvcx.operations.add_checks import check_new, check_not_left_out, check_way, made_by_stage
from dvcx.operations.pointers import PointerChange, refuse_frozen
from dvcx.operations.targets import not_tracked
from dvcx.repo.record import Repo
from dvcx.workspace.symlinks import link_stays_inside


@dataclass(frozen=True, slots=True)
class End:
    """One end of a move, at `path`: tracked data of its own, or with `inner` a path inside the tracked folder `output`.

    `entry` is what is tracked there now, None when nothing is.
    """

    path: str
    output: str
    inner: tuple[str, ...]
    entry: TreeEntry | None


def source_end(manifest: Manifest, path: str, load: LoadTree) -> End:
    """Gives what is tracked at `path`; raises `UsageError` when nothing is, and as loading trees does."""
    end = exact_end(manifest, path, load)
    if end.entry is None:
        if manifest.below(path):
            raise UsageError(
                f"{path} is not tracked itself; it is a folder of tracked data",
                f"move it with `git mv {path} DST` or `mv`: the pointers in it stay good",
            )
        raise not_tracked(manifest, path)
    return end


def target_end(repo: Repo, manifest: Manifest, source: End, path: str, load: LoadTree) -> End:
    """Gives where `source` goes for the typed target `path`: into it when it is a folder, as `mv` does."""
    name = source.path.rsplit("/", 1)[-1]
    if path != source.path and _is_folder(repo, manifest, path, load):
        path = f"{path}/{name}" if path else name
    return exact_end(manifest, path, load)


def _is_folder(repo: Repo, manifest: Manifest, path: str, load: LoadTree) -> bool:
    if not path or manifest.below(path):
        return True
    place = repo.root / path
    if os.path.lexists(place):
        return place.is_dir() and not place.is_symlink()
    entry = exact_end(manifest, path, load).entry
    return entry is not None and entry.is_folder


def exact_end(manifest: Manifest, path: str, load: LoadTree) -> End:
    """Gives what is at exactly this path; raises `UsageError` for a path below a tracked file."""
    broken = manifest.broken.get(pointer_path(path))
    if broken is not None:
        raise broken
    output = manifest.owner_of(path)
    if output is None:
        return End(path, path, (), None)
    if manifest.pointers[output].stage is not None:
        raise made_by_stage(path, manifest.pointers[output])
    whole = entry_of(manifest.pointers[output])
    if output == path:
        return End(path, output, (), whole)
    inner = tuple(path[len(output) + 1 :].split("/"))
    for count in range(len(inner)):
        above = entry_at(whole, inner[:count], load)
        if above is not None and not above.is_folder:
            raise UsageError(f"{'/'.join((output, *inner[:count]))} is a file, so {path} cannot be inside it")
    return End(path, output, inner, entry_at(whole, inner, load))


def check_move(repo: Repo, source: End, target: End, load: LoadTree) -> None:
    """Raises `UsageError` or `Refused` for a move that cannot be, whatever stands at the target now."""
    entry = source.entry
    assert entry is not None
    if source.path == target.path:
        raise UsageError(f"{source.path} is there already", "give another place to move it to")
    if target.path.startswith(source.path + "/"):
        raise UsageError(f"{source.path} cannot be moved into itself")
    if source.path.startswith(target.path + "/"):
        raise Refused(f"{target.path} contains {source.path}, so it cannot be replaced by it", names=[target.path])
    check_way(repo, source.path)
    check_way(repo, target.path)
    _check_folders(repo, target.path)
    check_not_left_out(repo, target.path, folder=entry.is_folder)
    if not target.inner:
        check_new(repo, [target.path])
        if entry.is_link:
            raise Refused(
                f"{source.path} is a symbolic link; only inside a tracked folder can one be kept",
                f"track what it leads to: {entry.target}",
                [source.path],
            )
    if source.inner or target.inner:
        _check_links(source, target, entry, load)


def _check_folders(repo: Repo, path: str) -> None:
    """Raises `UsageError` when something above `path` is no folder."""
    while path := path.rpartition("/")[0]:
        if (repo.root / path).exists() and not (repo.root / path).is_dir():
            raise UsageError(f"{path} is a file, so nothing can be moved into it", "give another place")


def _check_links(source: End, target: End, entry: TreeEntry, load: LoadTree) -> None:
    """Raises `Refused` for a link that would lead out of the folder it comes into, as far as the trees are at hand."""
    links = []
    try:
        links += [(path, link.target) for path, link in files_below(entry, "", load) if link.is_link]
    except MissingData:
        pass
    for path, text in links:
        if not link_stays_inside("/".join((*target.inner, *filter(None, [path]))), text):
            there = "/".join(filter(None, [source.path, path]))
            raise Refused(
                f"{there} is a symbolic link to {text!r}, which would lead out of {target.output}",
                "remove it, or replace it by what it leads to, before moving",
                [there],
            )


class MovePlan:
    """The new trees and pointers of a move, all computed before anything changes."""

    def __init__(self, repo: Repo, manifest: Manifest, editor: TreeEditor) -> None:
        self._repo = repo
        self._manifest = manifest
        self._editor = editor
        self.folders: dict[str, TreeEntry] = {}
        self.changes: list[PointerChange] = []

    def move(self, source: End, target: End, *, force: bool) -> None:
        """Plans to move `source` to `target`, the gaining side first. Raises `Refused` for frozen folders and twins."""
        entry = source.entry
        assert entry is not None
        new = TreeEntry(target.path.rsplit("/", 1)[-1], entry.kind, entry.digest, entry.size, entry.files)
        whole: list[PointerChange] = []
        if target.inner:
            self._edit(target, new)
        else:
            old = self._manifest.pointers.get(target.path)
            whole.append(PointerChange(target.path, old, self._pointer(source, new)))
        if source.inner:
            self._edit(source, None)
        else:
            whole.append(PointerChange(source.path, self._manifest.pointers[source.path], None))
        self.changes = [*whole, *map(self._folder_change, self.folders)]
        if not force:
            refuse_frozen([change for change in self.changes if change.path in self.folders])

    def drop(self, source: End) -> None:
        """Plans to forget `source`, whose content is tracked at the target already."""
        if source.inner:
            self._edit(source, None)
            self.changes = [self._folder_change(source.output)]
        else:
            self.changes = [PointerChange(source.path, self._manifest.pointers[source.path], None)]

    def _edit(self, end: End, new: TreeEntry | None) -> None:
        root = self.folders.get(end.output) or entry_of(self._manifest.pointers[end.output])
        root = self._editor.replace(root, end.inner, new)
        self.folders[end.output] = root
        if new is not None and self._repo.config.core.portable_names:
            self._check_names(root, end.output, end.inner)

    def _check_names(self, root: TreeEntry, output: str, inner: Sequence[str]) -> None:
        for count in range(len(inner)):
            folder = entry_at(root, inner[:count], self._editor.load)
            assert folder is not None
            check_portable(self._editor.load(folder.digest), "/".join((output, *inner[:count])))

    def _folder_change(self, output: str) -> PointerChange:
        old, entry = self._manifest.pointers[output], self.folders[output]
        return PointerChange(
            output,
            old,
            replace(old, id=id_of(entry, self._repo.algorithm), size=entry.size, files=entry.files),
        )

    def _pointer(self, source: End, entry: TreeEntry) -> Pointer:
        if not source.inner:
            return replace(self._manifest.pointers[source.path], name=entry.name)
        return Pointer(
            name=entry.name,
            id=id_of(entry, self._repo.algorithm),
            size=entry.size,
            files=entry.files if entry.is_folder else None,
            executable=entry.kind == EntryKind.EXECUTABLE,
        )
