"""The record of an opened project: where everything lies. Opening writes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dvcx.base.files import same_filesystem
from dvcx.base.hashing import Algorithm
from dvcx.base.links import LinkType
from dvcx.base.locks import FileLock
from dvcx.config.schema import Config
from dvcx.formats.tree_bytes import TreeReader
from dvcx.git.location import GitLocation
from dvcx.model.tree import Tree
from dvcx.storage.cache import Cache, CacheSettings
from dvcx.workspace.scan import ScanRules
from dvcx.workspace.state import State

if TYPE_CHECKING:
    from dvcx.storage.trash import Trash


@dataclass(frozen=True, slots=True)
class Repo:
    """A project: its root (which holds `.dvcx`), its Git repository if it has one, its settings and its folders.

    `prefix` is the root's path inside the Git worktree, "" when they are the same. `common_dir` is shared by all
    worktrees and holds the trash and indexes; `worktree_dir` belongs to this one and holds the state and the lock.
    """

    root: Path
    git: GitLocation | None
    prefix: str
    config: Config
    algorithm: Algorithm
    common_dir: Path
    worktree_dir: Path
    cache_dir: Path

    @property
    def durable(self) -> bool:
        """Tells whether writes are flushed to the disk before they count as done."""
        return self.config.core.durability == "full"

    @property
    def is_cache_shared(self) -> bool:
        """Tells whether the cache lies outside this repository, where other projects may use it too."""
        return not self.cache_dir.is_relative_to(self.common_dir)


def open_cache(repo: Repo) -> Cache:
    """Gives the project's cache."""
    settings = CacheSettings(
        pack_below=repo.config.cache.pack_below,
        durability="full" if repo.durable else "fast",
        lock_wait=repo.config.core.lock_timeout,
    )
    return Cache(repo.cache_dir, repo.algorithm, settings)


def open_state(repo: Repo) -> State:
    """Gives what is remembered of the workspace's files."""
    return State(repo.worktree_dir / "state.db")


def open_trash(repo: Repo) -> Trash:
    """Gives the trash, which all worktrees share."""
    from dvcx.storage.trash import Trash  # 10 ms that commands which only look do not pay

    return Trash(repo.common_dir / "trash", "full" if repo.durable else "fast")


def note_cache_use(repo: Repo) -> None:
    """Notes in a cache that lies elsewhere that this project uses it, so that no collection takes its data away."""
    if repo.is_cache_shared:
        from dvcx.repo.cache_users import register_user  # few caches are shared

        register_user(repo.cache_dir, repo.root, repo.git.common_dir if repo.git is not None else None)


def workspace_lock(repo: Repo) -> FileLock:
    """Gives the lock that commands hold while they change this worktree's data or pointers.

    Who asks for it is about to rely on the cache, so that is noted there.
    """
    note_cache_use(repo)
    return FileLock(repo.worktree_dir / "lock", f"the project {repo.root}")


def scan_rules(repo: Repo, *, follow_links: bool = False) -> ScanRules:
    """Gives how this project's workspace is scanned."""
    return ScanRules(repo.algorithm, repo.config.core.portable_names, follow_links)


def link_types(repo: Repo) -> tuple[LinkType, ...]:
    """Gives the link types to try for large files, in order."""
    return tuple(LinkType(kind) for kind in repo.config.cache.type)


def tree_loader(cache: Cache) -> Callable[[bytes], Tree]:
    """Gives a function that reads trees from `cache` and keeps those it has read; it raises `MissingData`."""
    known: dict[bytes, Tree] = {}
    reader = TreeReader()

    def load(digest: bytes) -> Tree:
        tree = known.get(digest)
        if tree is None:
            tree = known[digest] = reader.parse(digest, cache.read(digest), f"the tree {digest.hex()[:12]}")
        return tree

    return load


def scratch_root(repo: Repo) -> Path:
    """Gives the folder for unfinished work that can be renamed into the workspace."""
    inside = repo.worktree_dir / "tmp"
    inside.mkdir(parents=True, exist_ok=True)
    if same_filesystem(inside, repo.root):
        return inside
    return repo.root / ".dvcx" / "tmp"
