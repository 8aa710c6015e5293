"""What every store of objects keeps to: one suite over a memory store, the cache, and remotes on all kinds of store."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from dvcx.base.errors import DamagedData, MissingData
from dvcx.base.hashing import ALGORITHMS, Algorithm
from dvcx.formats.remote_json import Chunking
from dvcx.formats.table import Role
from dvcx.storage.batching import Batching
from dvcx.storage.cache import Cache
from dvcx.storage.folder_bucket import FolderBucket
from dvcx.storage.fsspec_bucket import FsspecBucket
from dvcx.storage.memory_bucket import MemoryBucket
from dvcx.storage.object_store import ObjectStore
from dvcx.storage.remote import Remote, RemoteSettings
from tests.encryption import encrypted
from tests.memory_store import MemoryStore
from tests.servers.buckets import bucket_at
from tests.servers.stores import KINDS, new_place

SMALL_CUTS = Chunking(minimum=1 << 10, average=4 << 10, maximum=16 << 10, cut_from=64 << 10)
"""Small chunks, so that objects of some 100 KB are cut into many."""

Opener = Callable[[], ObjectStore]


LOCAL = ["memory", "cache", "remote in memory", "remote in a folder", "remote through fsspec"]
ENCRYPTED = ["encrypted remote in memory", "encrypted remote in a folder"]
CASES = [(store, algorithm) for store in LOCAL for algorithm in ("blake3", "sha256", "xxh128")]
CASES += [(store, "blake3") for store in ENCRYPTED]
REAL = [pytest.param((kind, "blake3"), marks=pytest.mark.servers) for kind in KINDS]


@pytest.fixture(params=[*CASES, *REAL], ids=lambda case: "-".join(case))
def case(request: pytest.FixtureRequest) -> tuple[str, str]:
    """The kind of store, and the algorithm that names its objects."""
    store, algorithm = request.param
    return store, algorithm


@pytest.fixture
def algorithm(case: tuple[str, str]) -> Algorithm:
    return ALGORITHMS[case[1]]


@pytest.fixture
def opener(case: tuple[str, str], algorithm: Algorithm, tmp_path: Path) -> Opener:
    """Opens the same store again each time it is called, as another process would."""
    # Packs small enough that these few objects fill several.
    settings = RemoteSettings(jobs=3, batching=Batching(2, 100_000, 100_000), chunking=SMALL_CUTS)
    bucket = MemoryBucket()
    memory = MemoryStore(algorithm)
    openers: dict[str, Opener] = {
        "memory": lambda: memory,
        "cache": lambda: Cache(tmp_path / "cache", algorithm),
        "remote in memory": lambda: Remote(bucket, "r", algorithm, None, settings),
        "remote through fsspec": lambda: Remote(
            FsspecBucket(f"memory://{tmp_path}"), "r", algorithm, tmp_path / "local", settings
        ),
        "remote in a folder": lambda: Remote(
            FolderBucket(tmp_path / "remote"), "r", algorithm, tmp_path / "local", settings
        ),
        "encrypted remote in memory": lambda: Remote(encrypted(bucket, tmp_path), "r", algorithm, None, settings),
        "encrypted remote in a folder": lambda: Remote(
            encrypted(FolderBucket(tmp_path / "remote"), tmp_path), "r", algorithm, tmp_path / "local", settings
        ),
    }
    if case[0] in openers:
        return openers[case[0]]
    place = new_place(case[0])
    return lambda: Remote(bucket_at(place), "r", algorithm, tmp_path / "local", settings)


@pytest.fixture
def contents(algorithm: Algorithm) -> dict[bytes, bytes]:
    """Objects of many kinds: none, tiny, repetitive, random, and large enough to be cut."""
    rng = random.Random(7)
    some = [b"", b"x", b"text " * 3000, rng.randbytes(5000), rng.randbytes(70_000), rng.randbytes(400_000)]
    some += [bytes(300_000), rng.randbytes(8) * 40_000]
    some += [rng.randbytes(rng.randrange(1, 300)) for _ in range(200)]
    return {algorithm.of(data): data for data in some}


def fill(store: ObjectStore, contents: dict[bytes, bytes]) -> None:
    with store.writer() as writer:
        for digest, data in contents.items():
            writer.put(Role.BLOB, digest, data)


def test_what_was_put_comes_back_in_another_process(opener: Opener, contents: dict[bytes, bytes]) -> None:
    fill(opener(), contents)
    store = opener()
    assert store.missing(contents) == set()
    assert dict(store.read_many(contents)) == contents
    assert all(store.read(digest) == data for digest, data in contents.items())


def test_files_of_any_size_are_taken(opener: Opener, contents: dict[bytes, bytes], tmp_path: Path) -> None:
    with opener().writer() as writer:
        for number, (digest, data) in enumerate(contents.items()):
            path = tmp_path / f"in{number}"
            path.write_bytes(data)
            writer.put_file(Role.BLOB, digest, path)
    store = opener()
    assert {digest: store.read(digest) for digest in contents} == contents


def test_nothing_is_visible_before_the_writer_ends_and_nothing_after_an_error(
    opener: Opener, contents: dict[bytes, bytes]
) -> None:
    with pytest.raises(ZeroDivisionError), opener().writer() as writer:
        for digest, data in contents.items():
            writer.put(Role.BLOB, digest, data)
        assert opener().missing(contents) == set(contents)
        raise ZeroDivisionError
    assert opener().missing(contents) == set(contents)


def test_putting_again_changes_nothing(opener: Opener, contents: dict[bytes, bytes]) -> None:
    fill(opener(), contents)
    before = sorted(opener().ids())
    fill(opener(), contents)
    assert sorted(opener().ids()) == before


def test_a_file_with_other_content_than_its_name_says_is_refused(
    opener: Opener, algorithm: Algorithm, tmp_path: Path
) -> None:
    for size in (10, 100_000):
        path = tmp_path / f"{size}"
        path.write_bytes(bytes(size))
        digest = algorithm.of(b"something else" * size)
        with pytest.raises(DamagedData), opener().writer() as writer:
            writer.put_file(Role.BLOB, digest, path)
        assert opener().missing([digest]) == {digest}


def test_what_is_not_there_is_missing_and_reading_it_names_it(opener: Opener, contents: dict[bytes, bytes]) -> None:
    absent, *rest = contents
    fill(opener(), {digest: contents[digest] for digest in rest})
    store = opener()
    assert store.missing(contents) == {absent}
    with pytest.raises(MissingData) as caught:
        list(store.read_many(contents))
    assert [absent.hex() in name for name in caught.value.names] == [True]
    with pytest.raises(MissingData):
        store.read(absent)


def test_a_new_store_is_empty(opener: Opener) -> None:
    assert list(opener().ids()) == []
    assert opener().missing([b"a" * 32]) == {b"a" * 32}
    assert list(opener().read_many([])) == []


def test_ids_name_everything_that_was_put(opener: Opener, contents: dict[bytes, bytes]) -> None:
    fill(opener(), contents)
    assert {each.digest for each in opener().ids()} >= set(contents)


def test_a_deleted_object_is_missing_and_the_others_stay(opener: Opener, contents: dict[bytes, bytes]) -> None:
    fill(opener(), contents)
    gone = set(list(contents)[::3])
    opener().delete(gone | {b"never there"})
    store = opener()
    assert store.missing(contents) == gone
    assert dict(store.read_many(contents.keys() - gone)).keys() == contents.keys() - gone
