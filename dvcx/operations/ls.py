"""`dvcx ls`: what is tracked, at any revision, and what tracked folders hold."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dvcx.base.errors import MissingData, UsageError, shown
from dvcx.base.hashing import Algorithm
from dvcx.manifest.manifest import Manifest
from dvcx.manifest.trees import LoadTree, entry_at, entry_of, id_of
from dvcx.model.tree import EntryKind, TreeEntry
from dvcx.operations.listings import listing_loader, listing_missing
from dvcx.operations.revision import manifest_at
from dvcx.operations.targets import Target, resolve_targets
from dvcx.repo.record import Repo, open_cache


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of a listing.

    `type` is `file`, `folder` or `link` (then `target` is set). `size` is in bytes and `files` counts files; a folder's
    are those of all tracked data below. `id` is None for links and for folders that are not tracked themselves, only
    lead to tracked data. `output` says that the path has a pointer file of its own.
    """

    path: str
    type: str
    size: int
    files: int
    id: str | None
    executable: bool = False
    target: str | None = None
    output: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """What is at `path` ("" for the whole project) in `revision` (None: the workspace's pointers).

    `unread` are the folders of which it is not known here what they hold; `broken` the pointer files that cannot be
    used, each with why. `hint` says what to do about the unread ones of another project.
    """

    path: str
    revision: str | None
    entries: tuple[Listed, ...]
    unread: tuple[str, ...]
    broken: Mapping[str, str]
    hint: str | None = None

    def problem(self) -> MissingData | None:
        """Gives the error of a listing that is not complete, or None."""
        if not self.unread:
            return None
        return MissingData(
            f"what these folders hold is not known here: {shown(self.unread)}",
            self.hint
            or "`dvcx fetch` takes their listings in with the data; `-r NAME` reads just the listings from a remote",
            self.unread,
        )


@dataclass(frozen=True, slots=True)
class LsOptions:
    """How to list: see `dvcx ls --help`. `empty_is_fine`: a folder with nothing tracked in it is no error."""

    revision: str | None = None
    recursive: bool = False
    remote: str | None = None
    empty_is_fine: bool = False


def ls(repo: Repo, path: str, options: LsOptions | None = None) -> Listing:
    """Lists what is tracked at `path` (relative to the project root, "" for all of it).

    Raises `UsageError` where nothing is tracked, and `MissingData` when it is not known what the folder `path` holds.
    """
    options = options or LsOptions()
    manifest = manifest_at(repo, options.revision)
    targets = targets_at(manifest, path, empty_is_fine=options.empty_is_fine)
    cache = open_cache(repo)
    load = listing_loader(repo, cache, options.remote, targets if options.recursive else ())
    shown_by = f"dvcx ls --rev {shlex.quote(options.revision)}" if options.revision is not None else "dvcx ls"
    lister = Lister(repo.algorithm, manifest, load, shown_by)
    if options.recursive:
        entries = [each for target in targets for each in lister.all_below(target)]
    else:
        entries = lister.one_level(path, targets)
    cache.close()
    return Listing(path, options.revision, tuple(entries), tuple(lister.unread), broken_below(manifest, path))


def targets_at(manifest: Manifest, path: str, *, empty_is_fine: bool) -> list[Target]:
    """Gives the tracked data at and below `path`; raises `UsageError` where there is none."""
    if empty_is_fine and manifest.owner_of(path) is None and not manifest.below(path):
        return []
    return resolve_targets(manifest, [path], pass_over_broken=True)


def broken_below(manifest: Manifest, path: str) -> dict[str, str]:
    """Gives the pointer files below `path` that cannot be used, each with why."""
    within = f"{path}/" if path else ""
    return {name: error.message for name, error in manifest.broken.items() if name.startswith(within)}


class Lister:
    """Lists the tracked data of one manifest; `unread` collects the folders whose trees are not at hand.

    `ls_command` is what lists all of it.
    """

    def __init__(self, algorithm: Algorithm, manifest: Manifest, load: LoadTree, ls_command: str = "dvcx ls") -> None:
        self._algorithm = algorithm
        self._manifest = manifest
        self._load = load
        self._ls_command = ls_command
        self.unread: list[str] = []

    def one_level(self, path: str, targets: Sequence[Target]) -> list[Listed]:
        """Gives what is directly in the folder `path`, or the file there, of the `targets` found for it."""
        if len(targets) == 1 and targets[0].path == path:
            return self._in_target(targets[0])
        start = len(path) + 1 if path else 0
        found: dict[str, Listed] = {}
        for target in targets:
            name, *deeper = target.output[start:].split("/", 1)
            here = target.output[:start] + name
            if not deeper:
                found[here] = self._listed(here, entry_of(target.pointer), output=True)
                continue
            before = found.get(here) or Listed(here, "folder", 0, 0, None)
            size, files = before.size + target.pointer.size, before.files + (target.pointer.files or 1)
            found[here] = Listed(here, "folder", size, files, None)
        return [found[here] for here in sorted(found)]

    def all_below(self, target: Target) -> Iterator[Listed]:
        """Gives every file, link and empty folder at and below a target; a folder as itself when it is unread."""
        # Not a call for each level: the tree of somebody else may have more levels than Python has calls.
        waiting = [(target.path, self.entry(target), not target.inner)]
        while waiting:
            path, entry, output = waiting.pop()
            children = self._children(path, entry)
            if not children:
                yield self._listed(path, entry, output=output)
            waiting.extend((f"{path}/{child.name}", child, False) for child in reversed(children))

    def entry(self, target: Target) -> TreeEntry:
        """Gives the entry of a target. Raises `UsageError` when its folder has no such path, and `MissingData`."""
        whole = entry_of(target.pointer)
        try:
            entry = entry_at(whole, target.inner, self._load)
        except MissingData:
            raise listing_missing(target.output, target.output, self._manifest) from None
        if entry is None:
            raise self._not_there(target, whole)
        return entry

    def _in_target(self, target: Target) -> list[Listed]:
        entry = self.entry(target)
        if not entry.is_folder:
            return [self._listed(target.path, entry, output=not target.inner)]
        try:
            children = self._load(entry.digest).entries
        except MissingData:
            raise listing_missing(target.path, target.output, self._manifest) from None
        return [self._listed(f"{target.path}/{child.name}", child) for child in children]

    def _children(self, path: str, entry: TreeEntry) -> Sequence[TreeEntry]:
        if not entry.is_folder:
            return ()
        try:
            return self._load(entry.digest).entries
        except MissingData:
            self.unread.append(path)
            return ()

    def _listed(self, path: str, entry: TreeEntry, *, output: bool = False) -> Listed:
        if entry.is_link:
            return Listed(path, "link", 0, 1, None, target=entry.target, output=output)
        kind = "folder" if entry.is_folder else "file"
        executable = entry.kind == EntryKind.EXECUTABLE
        name = str(id_of(entry, self._algorithm))
        return Listed(path, kind, entry.size, entry.files, name, executable=executable, output=output)

    def _not_there(self, target: Target, whole: TreeEntry) -> UsageError:
        """Gives the error for a path inside a folder that does not have it, with the name that may be meant."""
        folder, inner = whole, list(target.inner)
        above = target.output
        while (below := entry_at(folder, inner[:1], self._load)) is not None and len(inner) > 1:
            folder, above = below, f"{above}/{inner.pop(0)}"
        names = [child.name for child in self._load(folder.digest).entries] if folder.is_folder else []
        close = difflib.get_close_matches(inner[0], names, 1)
        return UsageError(
            f"{target.path} is not in the tracked folder {target.output} in {self._manifest.label}",
            f"did you mean {above}/{close[0]}?" if close else f"see what is there with `{self._ls_command} {above}`",
        )
