"""A store of objects in a dictionary."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dvcx.base.errors import DamagedData, MissingData
from dvcx.base.hashing import ALGORITHMS, Algorithm
from dvcx.formats.table import Role
from dvcx.storage.object_store import StoredObject


class MemoryStore:
    """Objects in `held`; a test can damage them there. See `ObjectStore`."""

    label = "the memory store"

    def __init__(self, algorithm: Algorithm = ALGORITHMS["blake3"]) -> None:
        self.algorithm = algorithm
        self.held: dict[bytes, tuple[Role, bytes]] = {}

    def missing(self, digests: Iterable[bytes]) -> set[bytes]:
        return set(digests) - self.held.keys()

    def read(self, digest: bytes) -> bytes:
        return dict(self.read_many([digest]))[digest]

    def read_many(self, digests: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
        wanted = set(digests)
        if absent := self.missing(wanted):
            raise MissingData(f"{len(absent)} objects are not in {self.label}", names=[d.hex() for d in absent])
        for digest in wanted:
            data = self.held[digest][1]
            if self.algorithm.of(data) != digest:
                raise DamagedData(f"{digest.hex()} in {self.label} is damaged")
            yield digest, data

    @contextmanager
    def writer(self) -> Iterator[MemoryWriter]:
        writer = MemoryWriter(self.algorithm)
        yield writer
        self.held.update({digest: each for digest, each in writer.taken.items() if digest not in self.held})

    def ids(self) -> Iterator[StoredObject]:
        for digest, (role, data) in self.held.items():
            yield StoredObject(digest, role, len(data))

    def delete(self, digests: Collection[bytes]) -> None:
        for digest in digests:
            self.held.pop(digest, None)


class MemoryWriter:
    """Gathers objects until its context ends."""

    def __init__(self, algorithm: Algorithm) -> None:
        self.algorithm = algorithm
        self.taken: dict[bytes, tuple[Role, bytes]] = {}

    def put(self, role: Role, digest: bytes, data: bytes) -> None:
        self.taken[digest] = (role, data)

    def put_file(self, role: Role, digest: bytes, path: Path) -> None:
        data = path.read_bytes()
        if self.algorithm.of(data) != digest:
            raise DamagedData(f"{path} is not {digest.hex()}")
        self.put(role, digest, data)
