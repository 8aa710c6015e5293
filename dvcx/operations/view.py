"""A view: the tracked data of one revision as a tree of names, whose files can be read wherever their bytes are.

For the workspace (no revision) a file that is here is read as it is here, edited or not. Everything else comes from the
cache, or from a remote: of large files only the chunks that are touched. Any number of threads may use one view.
"""

from __future__ import annotations

import os
import shlex
import stat
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from dvcx.base.errors import DvcxError, MissingData, Refused, UsageError
from dvcx.formats.table import Role
from dvcx.formats.tree_bytes import TreeReader
from dvcx.manifest.manifest import Manifest, commit_manifest, workspace_manifest
from dvcx.manifest.trees import entry_of, files_below, id_of
from dvcx.model.tree import EntryKind, Tree, TreeEntry
from dvcx.operations.remotes import open_remote
from dvcx.operations.targets import not_tracked
from dvcx.repo.foreign import Foreign, check_remote
from dvcx.repo.record import open_cache
from dvcx.storage.cache import Cache
from dvcx.storage.ranges import Bytes, ChunkedBytes, ChunkShelf, FileBytes, HeldBytes
from dvcx.storage.reach import Wanted, reachable
from dvcx.storage.remote import Remote
from dvcx.storage.remote_catalog import Found


class Node(NamedTuple):
    """One name of a view: its path, what it is, and whether it has a pointer of its own.

    A folder that only leads to tracked data has no digest.
    """

    path: str
    entry: TreeEntry
    is_output: bool = False


@dataclass(frozen=True, slots=True)
class ViewOptions:
    """How a view reads: `remote` names the one to read from (else the default one), `keep` what was fetched."""

    remote: str | None = None
    keep: bool = False


class View:
    """All that a project tracks at one revision. Making one reads the pointers and nothing else."""

    def __init__(self, source: Foreign, options: ViewOptions | None = None) -> None:
        self.source = source
        self.repo = source.repo
        self._options = options or ViewOptions()
        if self._options.remote is not None:
            check_remote(source, self._options.remote)
        self.manifest: Manifest = _manifest(source)
        self.is_live = source.commit is None and not source.is_mirror
        self._cache = open_cache(self.repo)
        self._lock = threading.RLock()
        self._far: Remote | None = None
        self._trees: dict[bytes, Tree] = {}
        self._reader = TreeReader()
        self._shelf = ChunkShelf()
        self._folders = _folders_of(self.manifest)

    # --- names ------------------------------------------------------------------------------------------------------

    def node(self, path: str) -> Node:
        """Gives what is at `path` ("" is the top); raises `UsageError` where nothing is tracked, or as `tree`."""
        node = self.find(path)
        if node is None:
            raise self.not_tracked(path)
        return node

    @property
    def ls_command(self) -> str:
        """What to type to list all that the view shows."""
        project = "" if self.source.is_own else f" {shlex.quote(self.source.url)}"
        revision = self.source.revision
        return f"dvcx ls{project}" + (f" --rev {shlex.quote(revision)}" if revision is not None else "")

    def not_tracked(self, path: str) -> UsageError:
        """Gives the error for a path that means nothing here."""
        error = not_tracked(self.manifest, path)
        if self.source.is_own:
            return error
        hint = error.hint or ""
        if not hint.startswith("did you mean"):
            hint = f"see what is there: `{self.ls_command}`"
        return UsageError(f"{error.message} of {self.source.url}", hint)

    def find(self, path: str) -> Node | None:
        """Gives what is at `path`, or None; raises the error of a pointer file that cannot be used, or as `tree`."""
        owner = self.manifest.owner_of(path)
        if owner is None:
            broken = self.manifest.broken.get(f"{path}.dvcx")
            if broken is not None:
                raise broken
            return self._leading(path) if path in self._folders else None
        entry = entry_of(self.manifest.pointers[owner])
        for part in path[len(owner) + 1 :].split("/") if path != owner else ():
            inner = self.tree(entry.digest).get(part) if entry.is_folder else None
            if inner is None:
                return None
            entry = inner
        return self._as_here(Node(path, entry, path == owner))

    def children(self, node: Node) -> list[Node]:
        """Gives what is directly in a folder, sorted; raises as `tree`."""
        prefix = f"{node.path}/" if node.path else ""
        if node.entry.digest:
            return [self._as_here(Node(prefix + e.name, e)) for e in self.tree(node.entry.digest).entries]
        found = []
        for name in sorted(self._folders[node.path]):
            pointer = self.manifest.pointers.get(prefix + name)
            if pointer is None:
                found.append(self._leading(prefix + name))
            else:
                found.append(self._as_here(Node(prefix + name, entry_of(pointer), True)))
        return found

    def files(self, node: Node) -> Iterator[Node]:
        """Gives every file and link at and below `node`; listings that are not here are fetched all at once."""
        if not node.entry.digest:
            for child in self.children(node):
                yield from self.files(child)
            return
        if node.entry.is_folder:
            self.fetch_trees([node])
        for path, entry in files_below(node.entry, node.path, self.tree):
            yield self._as_here(Node(path, entry))

    def tree(self, digest: bytes) -> Tree:
        """Gives a tree, from the cache or a remote; raises `MissingData`, and `RemoteError` when the remote fails."""
        tree = self._trees.get(digest)
        if tree is None:
            with self._lock:
                tree = self._trees.get(digest)
                if tree is None:
                    tree = self._trees[digest] = self._parsed(digest, self._read_small(digest))
        return tree

    def fetch_trees(self, nodes: Iterable[Node]) -> None:
        """Has all trees at and below `nodes` at hand, those of a remote with a few requests."""
        with self._lock:
            roots = [Wanted(node.entry.digest, Role.TREE, 0, node.path) for node in nodes]
            try:
                reached = reachable(self._cache, roots)
                if reached.unread:
                    reached = reachable(self._cache, roots, fallback=self._remote())
            except MissingData:
                return  # the walk tells which one
            for digest, data in reached.trees.items():
                self._trees[digest] = self._parsed(digest, data)
            if reached.trees and (self._options.keep or self.source.is_mirror):
                self._store({digest: (Role.TREE, data) for digest, data in reached.trees.items()})

    # --- bytes ------------------------------------------------------------------------------------------------------

    def open(self, node: Node) -> Bytes:
        """Gives the content of a file to read from.

        Raises `UsageError` for a folder, `MissingData` when the content is in neither the cache nor the remote,
        `DamagedData` when it is not what its name says, `Refused` for a file here that leads out of the project.
        """
        node = self.followed(node)
        if self.is_live:
            fd = self._workspace_file(node.path)
            if fd is not None:
                return FileBytes(fd)
        digest, size = node.entry.digest, node.entry.size
        path = self._cache.loose_path(digest)
        if path is not None:
            try:
                fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
                return FileBytes(fd, self.repo.algorithm, digest, node.path)
            except FileNotFoundError:
                pass  # collected just now
        with self._lock:
            if not self._cache.missing([digest]):
                return HeldBytes(self._cache.read(digest))
            remote, place = self._place_of(node)
        return self._open_far(digest, size, remote, place)  # without the lock: many files at once come side by side

    def read_whole(self, nodes: Collection[Node]) -> dict[str, bytes]:
        """Gives the whole contents of many files by path: those of small ones on a remote with a few requests."""
        found: dict[str, bytes] = {}
        left: dict[bytes, list[str]] = {}
        for node in nodes:
            followed = self.followed(node)
            if not (self.is_live and os.path.lexists(self.repo.root / followed.path)) and not self._cache.loose_path(
                followed.entry.digest
            ):
                left.setdefault(followed.entry.digest, []).append(node.path)
                continue
            content = self.open(node)
            found[node.path] = content.read(0, content.size)
            content.close()
        with self._lock:
            absent = self._cache.missing(left)
            for digest, data in self._cache.read_many(left.keys() - absent):
                found |= dict.fromkeys(left[digest], data)
            remote = self._remote() if absent else None
        fetched: dict[bytes, tuple[Role, bytes]] = {}
        for digest, data in remote.read_many(absent) if remote is not None else ():
            found |= dict.fromkeys(left[digest], data)
            fetched[digest] = Role.BLOB, data
        if fetched and self._options.keep:
            self._store(fetched)
        return found

    @property
    def cache(self) -> Cache:
        """The cache of the project that is viewed."""
        return self._cache

    def remote(self) -> Remote:
        """Gives the remote to read from.

        Raises `MissingData` when the project has none, `Refused` for one that is not used on another's word.
        """
        with self._lock:
            return self._remote()

    def id_text(self, node: Node) -> str | None:
        """Gives the object id of a file or folder as text; None for links and folders that only lead to data."""
        if node.entry.is_link or not node.entry.digest:
            return None
        return str(id_of(node.entry, self.repo.algorithm))

    def close(self) -> None:
        """Closes what reading left open."""
        self._cache.close()

    # --- how --------------------------------------------------------------------------------------------------------

    def _remote(self) -> Remote:
        if self._far is None:
            check_remote(self.source, self._options.remote)
            try:
                self._far = open_remote(self.repo, self._options.remote)
            except UsageError as error:
                raise MissingData(
                    f"the data of {self.source.url} is not here, and {error.message}",
                    error.hint
                    if self.source.is_own
                    else "there, `dvcx remote add -d NAME URL` sets one up and `dvcx push` sends the data to it",
                ) from error
        return self._far

    def _place_of(self, node: Node) -> tuple[Remote, Found]:
        remote = self._remote()
        try:
            (place,) = remote.locate([node.entry.digest])
        except MissingData as error:
            raise MissingData(
                f"{node.path} is neither in the cache nor on {remote.label}", "run `dvcx push` where it was added"
            ) from error
        return remote, place

    def _open_far(self, digest: bytes, size: int, remote: Remote, place: Found) -> Bytes:
        if place.record.role != Role.RECIPE:
            data = remote.read(digest)
            if self._options.keep:
                self._store({digest: (Role.BLOB, data)})
            return HeldBytes(data)
        recipe = remote.recipes.get(digest)
        if recipe is None:
            recipe = remote.recipe(place)
            remote.recipes.keep({digest: recipe})
        if recipe.total != size:
            raise remote.arrived_damaged(
                f"the recipe of {remote.id_text(digest)} on {remote.label} makes {recipe.total} bytes, not {size}"
            )
        keep = self._keep_chunks if self._options.keep else None
        return ChunkedBytes(remote, digest, recipe, self._shelf, self._chunks_here, keep)

    def _chunks_here(self, wanted: Collection[bytes]) -> Mapping[bytes, bytes]:
        with self._lock:
            return dict(self._cache.read_many(set(wanted) - self._cache.missing(wanted)))

    def _keep_chunks(self, chunks: Mapping[bytes, bytes]) -> None:
        self._store({digest: (Role.BLOB, data) for digest, data in chunks.items()})

    def _store(self, objects: Mapping[bytes, tuple[Role, bytes]]) -> None:
        # What is kept can be fetched again, so nobody waits for the disk.
        cache = Cache(self._cache.root, self.repo.algorithm, replace(self._cache.settings, durability="fast"))
        with self._lock, cache.writer() as writer:
            for digest, (role, data) in objects.items():
                writer.put(role, digest, data)
        cache.close()

    def _read_small(self, digest: bytes) -> bytes:
        if self._cache.missing([digest]):
            remote = self._remote()
            try:
                data = remote.read(digest)
            except MissingData as error:
                raise MissingData(
                    f"the listing of a folder of {self.source.url} is neither in that project's cache nor on "
                    f"{remote.label}",
                    "run `dvcx push` where it was added",
                ) from error
            if self._options.keep or self.source.is_mirror:
                self._store({digest: (Role.TREE, data)})
            return data
        return self._cache.read(digest)

    def _parsed(self, digest: bytes, data: bytes) -> Tree:
        return self._reader.parse(digest, data, f"the tree {digest.hex()[:12]}")

    def _leading(self, path: str) -> Node:
        below = [self.manifest.pointers[each] for each in self.manifest.below(path)]
        size, files = sum(p.size for p in below), sum(p.files or 1 for p in below)
        return Node(path, TreeEntry(path.rpartition("/")[2], EntryKind.FOLDER, b"", size, files))

    def followed(self, node: Node) -> Node:
        """Gives the file that a link leads to, inside of the tracked data."""
        for _ in range(_MOST_LINKS):
            if not node.entry.is_link:
                break
            target = os.path.normpath(os.path.join(os.path.dirname(node.path), node.entry.target))
            inner = None if target.startswith(("../", "/")) or target == ".." else self.find(target)
            if inner is None:
                raise UsageError(f"{node.path} is a link to {node.entry.target}, which is not tracked", "read that")
            node = inner
        if node.entry.is_folder:
            raise IsAFolder(f"{node.path or 'the top'} is a folder", "give a file in it")
        return node

    def _as_here(self, node: Node) -> Node:
        """Gives the node with the size of the file that lies in the workspace, when the view is of that."""
        if not self.is_live or not node.entry.is_file:
            return node
        try:
            status = os.stat(self.repo.root / node.path)
        except (FileNotFoundError, NotADirectoryError):
            return node
        if status.st_size == node.entry.size or not stat.S_ISREG(status.st_mode):
            return node
        old = node.entry
        return node._replace(entry=TreeEntry(old.name, old.kind, old.digest, status.st_size, old.files))

    def _workspace_file(self, path: str) -> int | None:
        """Opens the file that lies in the workspace; None when there is none."""
        try:
            fd = os.open(self.repo.root / path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except (FileNotFoundError, NotADirectoryError):
            return None
        real = os.path.realpath(self.repo.root / path)
        inside = (f"{self.repo.root}{os.sep}", f"{os.path.realpath(self._cache.root)}{os.sep}")
        if not stat.S_ISREG(os.fstat(fd).st_mode) or not real.startswith(inside):
            os.close(fd)
            raise Refused(f"{path} leads to {real}, which is no file of this project", "read that file itself", [path])
        return fd


class IsAFolder(UsageError):
    """A file was asked for, and there is a folder."""


_MOST_LINKS = 40


def _manifest(source: Foreign) -> Manifest:
    repo = source.repo
    if source.commit is None:
        return workspace_manifest(repo.root, repo.git)
    if repo.git is None:
        raise DvcxError("a project without Git has no commits")
    return commit_manifest(repo.git, source.commit, repo.prefix, source.commit[:12])


def _folders_of(manifest: Manifest) -> dict[str, set[str]]:
    """Gives the names in each folder that leads to tracked data, by its path."""
    folders: dict[str, set[str]] = {"": set()}
    for path in manifest.pointers:
        while path:
            above, _, name = path.rpartition("/")
            names = folders.setdefault(above, set())
            if name in names:
                break
            names.add(name)
            path = above
    return folders
