"""Reading what tracked folders hold: trees from the cache, and where asked for those of a remote too."""

from __future__ import annotations

from collections.abc import Iterable

from dvcx.base.errors import MissingData
from dvcx.formats.tree_bytes import TreeReader
from dvcx.manifest.manifest import WORKSPACE, Manifest
from dvcx.manifest.trees import LoadTree
from dvcx.model.tree import Tree
from dvcx.operations.selection import wanted_of
from dvcx.operations.targets import Target
from dvcx.repo.record import Repo, tree_loader
from dvcx.storage.cache import Cache
from dvcx.storage.object_store import ObjectStore
from dvcx.storage.reach import Below, reachable


def listing_loader(repo: Repo, cache: Cache, remote: str | None = None, ahead: Iterable[Target] = ()) -> LoadTree:
    """Gives a function that reads trees from `cache`, and with `remote` those that only that remote has.

    All trees at and below `ahead` are asked of the remote at once, now. Nothing is stored. The function raises
    `MissingData` when a tree is in neither, and this one and the function `RemoteError` when the remote fails.
    """
    if remote is None:
        return tree_loader(cache)
    from dvcx.operations.remotes import open_remote  # 10 ms that looking without a remote does not pay

    return far_loader(cache, open_remote(repo, remote), ahead)


def far_loader(cache: Cache, far: ObjectStore, ahead: Iterable[Target] = ()) -> LoadTree:
    """Does what `listing_loader` does with the remote `far`."""
    load_cached = tree_loader(cache)
    reader = TreeReader()
    known = _all_below(cache, far, ahead, reader)

    def load(digest: bytes) -> Tree:
        tree = known.get(digest)
        if tree is not None:
            return tree
        try:
            return load_cached(digest)
        except MissingData:
            tree = known[digest] = _parsed(digest, far.read(digest), reader)
            return tree

    return load


def _all_below(cache: Cache, far: ObjectStore, ahead: Iterable[Target], reader: TreeReader) -> dict[bytes, Tree]:
    targets = list(ahead)
    roots = [wanted_of(target.pointer, target.output) for target in targets]
    reached = reachable(cache, roots, fallback=far, selection=Below([target.path for target in targets]))
    return {digest: _parsed(digest, data, reader) for digest, data in reached.trees.items()}


def _parsed(digest: bytes, data: bytes, reader: TreeReader) -> Tree:
    return reader.parse(digest, data, f"the tree {digest.hex()[:12]}")


def listing_missing(path: str, output: str, manifest: Manifest) -> MissingData:
    """Gives the error that it is not known here what the folder `path`, tracked as `output`, holds."""
    return MissingData(
        f"what {path} holds in {manifest.label} is not known here: its listing is not in the cache",
        f"`{fetch_command(manifest, output)}` takes it in with the data; `-r NAME` reads it from a remote",
        [path],
    )


def fetch_command(manifest: Manifest, output: str) -> str:
    """Gives what to type to take in the data of `output` as it is in `manifest`."""
    return f"dvcx fetch {output}" if manifest.label == WORKSPACE else f"dvcx fetch --all-commits {output}"
