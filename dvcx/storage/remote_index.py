"""Writing the index files of a remote anew: the new one first, then the old ones go.

Two may do so at once: what both wrote is joined again by the next. An old index file that comes back that way can name
packs and recipes that a garbage collection has taken away; their marks outlive them, so nobody relies on them.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from types import MappingProxyType
from typing import TYPE_CHECKING

from dvcx.base.errors import DamagedData, RemoteError
from dvcx.formats.index import Index, join_indexes
from dvcx.storage.arrival import how_to_tell, until_right
from dvcx.storage.remote_catalog import FOLDER, index_name

if TYPE_CHECKING:
    from dvcx.storage.remote import Remote

MANY = 64
"""A push that finds so many small index files joins them, so that 10,000 pushes do not make the next one slow."""
_SMALL = 4 << 20
"""Index files of this many bytes are not joined by pushes any more: each byte is copied a few times only."""


def rewrite_indexes(
    remote: Remote,
    without_packs: frozenset[str] = frozenset(),
    hidden: Mapping[str, Set[bytes]] = MappingProxyType({}),
) -> None:
    """Joins all index files of the remote into one without these packs, and objects by pack, and removes the others.

    What other pushes write meanwhile is not touched: only files that were read are removed. Index files that are
    damaged stay where they are. Raises `RemoteError`; after that, running it again finishes the work.
    """
    remote.require()
    catalog = remote.refresh()
    old = [file.name for file in catalog.files if file.name.endswith(".idx") and file.name not in catalog.damaged]
    data = join_indexes(remote.algorithm, catalog.indexes, without_packs, hidden)
    name = f"{index_name(data)}.idx"
    if old == [FOLDER + name]:
        return
    remote.bucket.write(FOLDER + name, [data])
    remote.bucket.delete([each for each in old if each != FOLDER + name])
    remote.refresh()


def join_small_indexes(remote: Remote) -> None:
    """Joins the small index files of the remote when there are many. It never fails: the next push tries again."""
    try:
        catalog = remote.refresh()
        files = [file for file in catalog.files if file.name.endswith(".idx") and file.name not in catalog.damaged]
        small = [file for file in files if file.size < _SMALL]
        if len(small) < MANY:
            return
        indexes = [read_index(remote, file.name) for file in small]
        data = join_indexes(remote.algorithm, indexes, catalog.deleted)
        name = f"{FOLDER}{index_name(data)}.idx"
        remote.bucket.write(name, [data])
        remote.bucket.delete([file.name for file in small if file.name != name])
        remote.refresh()
    except (RemoteError, DamagedData):
        return  # someone else has joined them, or files may not be deleted here


def read_index(remote: Remote, name: str) -> Index:
    """Gives the index in the file `name`; raises `ArrivedDamaged` when it does not come whole, and `NotThere`."""
    return until_right(lambda: Index(remote.bucket.read(name), name), how_to_tell(remote.name))
