"""Encrypted buckets with key rings of their own, for tests of what lies on them."""

from __future__ import annotations

import random
from pathlib import Path

from dvcx.base.hashing import ALGORITHMS
from dvcx.base.sodium import new_key
from dvcx.formats.key_text import Identity
from dvcx.formats.keyring import KeyRing, start_ring, with_member, with_new_key, without_member
from dvcx.formats.remote_json import Chunking
from dvcx.formats.table import Role
from dvcx.storage.bucket import Bucket
from dvcx.storage.encrypted_bucket import EncryptedBucket
from dvcx.storage.key_shelf import KeyPlace, KeyShelf
from dvcx.storage.memory_bucket import MemoryBucket
from dvcx.storage.remote import Remote, RemoteSettings

ALGORITHM = ALGORITHMS["blake3"]
CUTS = Chunking(minimum=1 << 10, average=4 << 10, maximum=16 << 10, cut_from=64 << 10)
RNG = random.Random(5)
CONTENTS = {
    ALGORITHM.of(data): data
    for data in [RNG.randbytes(3000), b"text " * 2000, b"", RNG.randbytes(200_000), RNG.randbytes(100), bytes(90_000)]
}
ADA, BEN, EVE = (Identity(bytes([number]) * 32) for number in (1, 2, 3))


def shelf(inner: Bucket, folder: Path, *identities: Identity, pinned: str | None = None) -> KeyShelf:
    """Gives the key ring in `inner` as the owner of the identities sees it; `folder` has what was seen before."""
    return KeyShelf(inner, KeyPlace("store", "/store", lambda: identities, pinned, folder / "ring.json"))


def encrypted(inner: Bucket, folder: Path, who: Identity = ADA) -> EncryptedBucket:
    """Gives an encrypted bucket around `inner`; ADA's ring is made when there is none."""
    own = shelf(inner, folder, who)
    if own.load() is None:
        own.store(start_ring(who, "ada", 1_700_000_000.0, new_key()))
    return EncryptedBucket(inner, shelf(inner, folder, who))


class Team:
    """A remote in memory that ADA made, and what each person has seen of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bucket = MemoryBucket()
        encrypted(self.bucket, folder / "ada")

    def shelf(self, who: str = "ada", pinned: str | None = None) -> KeyShelf:
        identity = {"ada": ADA, "ben": BEN, "eve": EVE}[who]
        return shelf(self.bucket, self.folder / who, identity, pinned=pinned)

    def opened(self, who: str = "ada") -> EncryptedBucket:
        return EncryptedBucket(self.bucket, self.shelf(who))

    def remote(self, who: str = "ada") -> Remote:
        return Remote(self.opened(who), "store", ALGORITHM, None, RemoteSettings(2, chunking=CUTS))

    def ring(self) -> KeyRing:
        ring = self.shelf().load()
        assert ring is not None
        return ring

    def add_ben(self) -> None:
        self.shelf().store(with_member(self.ring(), ADA, "ben", BEN.public, 2.0))

    def remove_ben(self) -> None:
        self.shelf().store(without_member(self.ring(), ADA, "ben", 3.0, new_key()))

    def rotate(self) -> None:
        self.shelf().store(with_new_key(self.ring(), ADA, "ada", 4.0, new_key()))

    def push(self, who: str = "ada", contents: dict[bytes, bytes] | None = None) -> None:
        with self.remote(who).writer() as writer:
            for digest, data in (CONTENTS if contents is None else contents).items():
                writer.put(Role.BLOB, digest, data)

    def names(self, folder: str) -> list[str]:
        return sorted(name for name in self.bucket.files if name.startswith(folder))


def flip(bucket: MemoryBucket, name: str, at: int) -> None:
    data, written = bucket.files[name]
    changed = bytearray(data)
    changed[at] ^= 0x41
    bucket.files[name] = (bytes(changed), written)
