"""Content hashes: the algorithms that may name objects, and how to hash bytes and open files with them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import xxhash
from blake3 import blake3

from dvcx.base.errors import UsageError

BUFFER = 1 << 20
"""Bytes read at once: measured best between 1 and 4 MiB."""

_THREADED_ABOVE = 16 << 20
"""From this size on, hashing one file on all cores pays for starting the threads."""

Buffer = bytes | bytearray | memoryview


class Hasher(Protocol):
    """What hashlib, blake3 and xxhash objects have in common."""

    def update(self, data: Buffer, /) -> object:
        """Takes more bytes in."""

    def digest(self) -> bytes:
        """Gives the digest of all bytes taken so far."""


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A content hash by name.

    `digest_size` is in bytes. `accident_only` says that two contents with one name can be made on purpose,
    so that the name proves nothing against an attacker.
    """

    name: str
    digest_size: int
    accident_only: bool
    new: Callable[[], Hasher]
    of: Callable[[Buffer], bytes]


def _blake3_of(data: Buffer) -> bytes:
    return blake3(data).digest()


def _sha256() -> Hasher:
    import hashlib  # it loads OpenSSL, 3 ms that only projects with this algorithm pay

    return hashlib.sha256()


def _sha256_of(data: Buffer) -> bytes:
    hasher = _sha256()
    hasher.update(data)
    return hasher.digest()


ALGORITHMS: Mapping[str, Algorithm] = MappingProxyType(
    {
        "blake3": Algorithm("blake3", 32, False, blake3, _blake3_of),
        "sha256": Algorithm("sha256", 32, False, _sha256, _sha256_of),
        "xxh128": Algorithm("xxh128", 16, True, xxhash.xxh3_128, xxhash.xxh3_128_digest),
    }
)


def algorithm_named(name: str) -> Algorithm:
    """Gives the algorithm called `name`; raises `UsageError` when there is none."""
    try:
        return ALGORITHMS[name]
    except KeyError:
        raise UsageError(f"there is no hash algorithm {name!r}", f"choose one of {', '.join(ALGORITHMS)}") from None


def threaded_hasher(algorithm: Algorithm, size: int) -> Hasher:
    """Gives a hasher that uses all cores where the algorithm can and `size` (bytes) makes it worth it."""
    if algorithm.name == "blake3" and size >= _THREADED_ABOVE:
        return blake3(max_threads=blake3.AUTO)
    return algorithm.new()


def hash_open_file(algorithm: Algorithm, fd: int, size: int) -> tuple[bytes, int]:
    """Hashes an open file from its present position to its end; `size` (bytes) is the expected length.

    Gives the digest and the number of bytes read. Raises `OSError` as reading does.
    """
    hasher = threaded_hasher(algorithm, size)
    # BLAKE3 on several threads wants more bytes a call to have work for each of them.
    buffer = memoryview(bytearray(min(max(size, 4096), BUFFER if size < _THREADED_ABOVE else 8 * BUFFER)))
    total = 0
    while count := os.readv(fd, [buffer]):
        hasher.update(buffer[:count])
        total += count
    return hasher.digest(), total


def hash_file(algorithm: Algorithm, path: str | os.PathLike[str]) -> bytes:
    """Gives the digest of the file at `path`; raises `OSError` as opening and reading do."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return hash_open_file(algorithm, fd, os.fstat(fd).st_size)[0]
    finally:
        os.close(fd)


def checksum(data: Buffer) -> bytes:
    """Gives the 16-byte XXH3-128 of `data`: guards our own tables and footers against accidents, names nothing."""
    return xxhash.xxh3_128_digest(data)
