"""Trees of tracked folders that were never fetched here, taken from a remote when a command needs them."""

from __future__ import annotations

from collections.abc import Iterable

from dvcx.base.errors import MissingData, UsageError, shown
from dvcx.base.text import counted
from dvcx.formats.table import Role
from dvcx.manifest.manifest import Manifest
from dvcx.operations.selection import wanted_of
from dvcx.operations.targets import Target
from dvcx.repo.record import Repo
from dvcx.storage.cache import Cache
from dvcx.storage.reach import Below, Wanted, reachable


def need_trees(repo: Repo, cache: Cache, targets: Iterable[Target], remote: str | None = None) -> None:
    """Makes the cache hold the trees above, at and below `targets`, asking a remote (or the default one) for the rest.

    Nothing is asked when all are here. Raises `MissingData` that names the folders whose trees are in neither, and
    `RemoteError` when the remote fails.
    """
    folders = [target for target in targets if target.pointer.is_folder]
    roots = [wanted_of(target.pointer, target.output) for target in folders]
    selection = Below([target.path for target in folders])
    unread = reachable(cache, roots, selection=selection).unread
    if not unread:
        return
    from dvcx.operations.remotes import open_remote  # 10 ms that commands with all trees at hand do not pay

    try:
        far = open_remote(repo, remote)
    except UsageError as error:
        raise _unknown(unread, "not in the cache") from error
    reached = reachable(cache, roots, fallback=far, selection=selection)
    if reached.trees:
        with cache.writer() as writer:
            for digest, data in reached.trees.items():
                writer.put(Role.TREE, digest, data)
    if reached.unread:
        raise _unknown(reached.unread, f"in neither the cache nor {far.label}")


def need_trees_around(repo: Repo, cache: Cache, manifest: Manifest, paths: Iterable[str]) -> None:
    """Does what `need_trees` does for those of `paths` that lie inside tracked folders."""
    owners = [(path, owner) for path in paths if (owner := manifest.owner_of(path)) is not None and owner != path]
    inner = [(owner, tuple(path[len(owner) + 1 :].split("/"))) for path, owner in owners]
    need_trees(repo, cache, [Target(owner, manifest.pointers[owner], parts) for owner, parts in inner])


def _unknown(unread: list[Wanted], where: str) -> MissingData:
    names = sorted({each.path for each in unread})
    return MissingData(
        f"it is not known what {counted(len(names), 'folder holds', 'folders hold')}: "
        f"{'its listing is' if len(names) == 1 else 'their listings are'} {where}: {shown(names)}",
        "run `dvcx push` where they were added, and set up that remote here with `dvcx remote add -d NAME URL`",
        names,
    )
