"""Taking objects that another project has into a cache: from its cache when it is here, else from its remote."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from dvcx.base.errors import ArrivedDamaged, MissingData, shown
from dvcx.base.progress import SILENT, Progress, task
from dvcx.base.text import counted
from dvcx.formats.table import Role
from dvcx.operations.view import Node, View
from dvcx.storage.arrival import how_to_tell
from dvcx.storage.cache import Cache
from dvcx.storage.download import download, plan_download
from dvcx.storage.reach import Wanted, reachable


def take_in(view: View, nodes: Sequence[Node], cache: Cache, progress: Progress = SILENT) -> None:
    """Makes `cache` hold everything at and below `nodes`, verified.

    Raises `MissingData` that names what is nowhere, `ArrivedDamaged` for what has no good copy, `RemoteError` when the
    remote fails. What was taken until then stays: the next attempt goes on from there.
    """
    roots = [wanted_node(node) for node in nodes]
    reached = reachable(cache, roots, fallback=_Everywhere(view))
    if reached.unread:
        raise _missing(view, [each.path for each in reached.unread])
    absent = cache.missing(reached.wanted)
    near = absent - view.cache.missing(absent)
    _copy_near(view, {digest: reached.wanted[digest] for digest in near}, cache, progress)
    far = {digest: reached.wanted[digest] for digest in absent - near}
    if not far:
        return
    remote = view.remote()
    plan = plan_download(cache, remote, far, reached.trees)
    if plan.lost:
        raise _missing(view, sorted({each.path for each in plan.lost}))
    taken = download(plan, cache, remote, progress, partial=cache.root / "partial")
    if taken.damaged:
        names = sorted({each.path for each in taken.damaged})
        raise ArrivedDamaged(
            f"{counted(len(names), 'file')} came damaged from {remote.label} of {view.source.url}, also when asked for "
            f"again: {shown(names)}",
            f"in a clone of that project: {how_to_tell(remote.name)}",
        )


def wanted_node(node: Node) -> Wanted:
    """Gives the object that a node stands for."""
    role = Role.TREE if node.entry.is_folder else Role.BLOB
    return Wanted(node.entry.digest, role, node.entry.size, node.path)


def _copy_near(view: View, wanted: Mapping[bytes, Wanted], cache: Cache, progress: Progress) -> None:
    if not wanted:
        return
    size = sum(each.size for each in wanted.values())
    with task(progress, "copying", size, "bytes") as running, cache.writer() as writer:
        packed = []
        for digest, each in wanted.items():
            path = view.cache.loose_path(digest)
            if path is None:
                packed.append(digest)
            else:
                writer.put_file(each.role, digest, path)
                running.advance(each.size)
        for digest, data in view.cache.read_many(packed):
            writer.put(wanted[digest].role, digest, data)
            running.advance(len(data))


class _Everywhere:
    """The trees of a project, wherever they are; see `TreeSource`. The remote is asked only when it has to be."""

    def __init__(self, view: View) -> None:
        self._view = view

    def missing(self, digests: Iterable[bytes]) -> set[bytes]:
        """See `TreeSource`."""
        absent = self._view.cache.missing(digests)
        return self._view.remote().missing(absent) if absent else absent

    def read_many(self, digests: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
        """See `TreeSource`."""
        wanted = set(digests)
        absent = self._view.cache.missing(wanted)
        yield from self._view.cache.read_many(wanted - absent)
        if absent:
            yield from self._view.remote().read_many(absent)


def _missing(view: View, names: Sequence[str]) -> MissingData:
    return MissingData(
        f"the data of {counted(len(names), 'path')} of {view.source.url} is neither in its cache nor on its remote: "
        f"{shown(names)}",
        "run `dvcx push` where they were added",
        names,
    )
