"""What every store of objects can do: the cache, a remote and the memory store of the tests."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple, Protocol

from dvcx.base.hashing import Algorithm
from dvcx.formats.table import Role


class StoredObject(NamedTuple):
    """An object that a store holds: its digest, what it is, and the bytes it takes there."""

    digest: bytes
    role: Role
    stored: int


class ObjectWriter(Protocol):
    """Takes objects in; they become visible and durable together when its context ends without an error.

    Children are put before the trees that name them. Putting what the store holds already, or twice, is harmless.
    """

    def put(self, role: Role, digest: bytes, data: bytes) -> None:
        """Takes an object that fits in memory; the caller has computed `digest` from `data`."""

    def put_file(self, role: Role, digest: bytes, path: Path) -> None:
        """Takes the content of the file at `path`, of any size; raises `DamagedData` when it is not `digest`'s."""


class ObjectStore(Protocol):
    """Objects under the names of their contents.

    No read ever gives bytes that are not what their digest says: that raises `DamagedData`.
    """

    @property
    def algorithm(self) -> Algorithm:
        """The algorithm that names the objects."""

    @property
    def label(self) -> str:
        """How messages call this store, for example `the cache` or `remote "origin"`."""

    def missing(self, digests: Iterable[bytes]) -> set[bytes]:
        """Gives those of `digests` that the store does not hold."""

    def read(self, digest: bytes) -> bytes:
        """Gives the content of one object, verified; raises `MissingData` or `DamagedData`."""

    def read_many(self, digests: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
        """Gives `(digest, content)` of each of `digests` once, verified, in the order that is cheapest to read.

        Raises `MissingData` before the first one when any is missing, `DamagedData` at a damaged one.
        """

    def writer(self) -> AbstractContextManager[ObjectWriter]:
        """Gives a context in which objects are put."""

    def ids(self) -> Iterator[StoredObject]:
        """Gives every object held; one that lies in several places comes once for each."""

    def delete(self, digests: Collection[bytes]) -> None:
        """Forgets objects; those that are not there are passed over."""
