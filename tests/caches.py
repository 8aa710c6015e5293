"""Small caches for tests: filled, looked at from outside, and damaged."""

from __future__ import annotations

import os
import random
from collections.abc import Iterable
from pathlib import Path

from dvcx.base.errors import DamagedData, MissingData
from dvcx.base.hashing import ALGORITHMS
from dvcx.formats.table import Role
from dvcx.storage.cache import Cache, CacheSettings

BLAKE3 = ALGORITHMS["blake3"]
LARGE_FROM = 4096
"""In these caches a blob of so many bytes has a file of its own."""


def cache_at(root: Path, *, durable: bool = True, lock_wait: float = 5.0) -> Cache:
    """Opens a cache, as another process would."""
    return Cache(root, BLAKE3, CacheSettings(LARGE_FROM, "full" if durable else "fast", lock_wait))


def some_contents(seed: int = 1, small: int = 5, large: int = 2) -> list[bytes]:
    """Gives different contents, some of which have files of their own in the cache."""
    rng = random.Random(seed)
    return [rng.randbytes(rng.randrange(1, 400)) for _ in range(small)] + [
        rng.randbytes(LARGE_FROM + rng.randrange(5000)) for _ in range(large)
    ]


def digest_of(content: bytes) -> bytes:
    return BLAKE3.of(content)


def put(cache: Cache, contents: Iterable[bytes], role: Role = Role.BLOB) -> list[bytes]:
    """Puts contents into the cache, all in one batch, and gives their digests."""
    digests = []
    with cache.writer() as writer:
        for content in contents:
            digests.append(digest_of(content))
            writer.put(role, digests[-1], content)
    return digests


def put_each(cache: Cache, contents: Iterable[bytes]) -> list[bytes]:
    """Puts each content in a batch of its own, as single `add`s do."""
    return [digest for content in contents for digest in put(cache, [content])]


def held_in(root: Path, contents: Iterable[bytes]) -> list[bytes]:
    """Gives those of `contents` that a newly opened cache gives back; fails if one comes back wrong."""
    cache = cache_at(root)
    found = []
    for content in contents:
        try:
            data = cache.read(digest_of(content))
        except (MissingData, DamagedData):
            continue
        assert data == content
        found.append(content)
    cache.close()
    return found


def packs_of(cache: Cache) -> list[Path]:
    """Gives the pack files."""
    return sorted(cache.packs.root.glob("*.pack"))


def flip(path: Path, at: int) -> None:
    """Changes one byte of a file in place, also of a read-only one, as a bad disk does."""
    mode = path.stat().st_mode
    os.chmod(path, 0o644)
    with open(path, "r+b") as file:
        file.seek(at)
        (byte,) = file.read(1)
        file.seek(at)
        file.write(bytes([byte ^ 0x40]))
    os.chmod(path, mode)


def age(cache: Cache, seconds: float) -> None:
    """Makes everything stored look older."""
    for path in [*packs_of(cache), *cache.loose.root.glob("*/*")]:
        old = path.stat().st_mtime_ns - int(seconds * 1e9)
        os.utime(path, ns=(old, old))
