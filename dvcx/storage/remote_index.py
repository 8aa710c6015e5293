"""Writing the index files of a remote anew: the new one first, then the old ones go."""

from __future__ import annotations

from collections.abc import Mapping, Set
from types import MappingProxyType
from typing import TYPE_CHECKING

from dvcx.formats.index import join_indexes
from dvcx.storage.remote_catalog import FOLDER, index_name

if TYPE_CHECKING:
    from dvcx.storage.remote import Remote


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
