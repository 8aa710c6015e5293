from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from dvcx.base.copying import hash_and_copy
from dvcx.base.errors import UsageError
from dvcx.base.hashing import ALGORITHMS, algorithm_named, checksum, hash_file, hash_open_file, threaded_hasher

KNOWN = {
    "blake3": "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
    "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "xxh128": "99aa06d3014798d86001c324468d497f",
}


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_algorithms_are_the_published_ones(name: str) -> None:
    algorithm = ALGORITHMS[name]
    assert (algorithm.name, algorithm.of(b"").hex(), algorithm.digest_size) == (
        name,
        KNOWN[name],
        len(KNOWN[name]) // 2,
    )
    assert algorithm.accident_only == (name == "xxh128")


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_way_of_hashing_gives_the_same(name: str, tmp_path: Path) -> None:
    algorithm = ALGORITHMS[name]
    data = b"dvcx" * 1_300_000  # more than a buffer
    path = tmp_path / "file"
    path.write_bytes(data)
    piecewise = algorithm.new()
    piecewise.update(data[:7])
    piecewise.update(memoryview(data)[7:])
    with open(path, "rb", buffering=0) as file:
        opened = hash_open_file(algorithm, file.fileno(), len(data))
    assert {algorithm.of(data), piecewise.digest(), hash_file(algorithm, path), opened[0]} == {algorithm.of(data)}
    assert opened[1] == len(data)


def test_a_hasher_with_threads_gives_the_same() -> None:
    data = bytes(range(256)) * 1000
    hasher = threaded_hasher(ALGORITHMS["blake3"], 1 << 30)
    hasher.update(data)
    assert hasher.digest() == ALGORITHMS["blake3"].of(data)


def test_an_unknown_algorithm_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError) as raised:
        algorithm_named("md5")
    assert (raised.value.message, raised.value.hint) == (
        "there is no hash algorithm 'md5'",
        "choose one of blake3, sha256, xxh128",
    )


def test_checksums_are_xxh3() -> None:
    assert checksum(b"").hex() == KNOWN["xxh128"]


@pytest.mark.parametrize("size", [0, 1, 4095, 9 << 20])
@pytest.mark.parametrize("expected", ["right", "too small", "too large"])
def test_a_file_is_hashed_and_copied_whole_whatever_size_was_expected(tmp_path: Path, size: int, expected: str) -> None:
    data = os.urandom(size)
    (tmp_path / "source").write_bytes(data)
    said = {"right": size, "too small": size // 2, "too large": size + 10}[expected]
    source = os.open(tmp_path / "source", os.O_RDONLY)
    target = os.open(tmp_path / "target", os.O_RDWR | os.O_CREAT)
    hasher = hashlib.sha256()
    try:
        count = hash_and_copy(source, hasher, target, said)
        again = hashlib.sha256()
        only_hashed = hash_and_copy(source, again, None, said)
    finally:
        os.close(source)
        os.close(target)
    assert (count, only_hashed) == (size, size)
    assert hasher.digest() == again.digest() == hashlib.sha256(data).digest()
    assert (tmp_path / "target").read_bytes() == data
