"""Checking and mending remotes: one changed byte anywhere is found, and what has a good copy anywhere comes back."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dvcx.base.errors import DamagedData
from dvcx.base.hashing import ALGORITHMS
from dvcx.formats.remote_json import Chunking
from dvcx.formats.table import Role
from dvcx.storage.batching import FOLDER
from dvcx.storage.cache import Cache
from dvcx.storage.memory_bucket import MemoryBucket
from dvcx.storage.remote import Remote, RemoteSettings
from dvcx.storage.remote_fsck import Trouble, check_remote
from dvcx.storage.remote_repair import repair_remote

ALGORITHM = ALGORITHMS["blake3"]
CUTS = Chunking(minimum=1 << 10, average=4 << 10, maximum=16 << 10, cut_from=64 << 10)
RNG = random.Random(11)
CONTENTS = {
    ALGORITHM.of(data): data
    for data in [RNG.randbytes(3000), b"text " * 2000, b"", RNG.randbytes(200_000), RNG.randbytes(100), bytes(90_000)]
}


@pytest.fixture
def bucket() -> MemoryBucket:
    return filled()


def filled() -> MemoryBucket:
    bucket = MemoryBucket()
    some = list(CONTENTS.items())
    for part in (some[:3], some[3:]):
        with opened(bucket).writer() as writer:
            for digest, data in part:
                writer.put(Role.BLOB, digest, data)
    return bucket


def opened(bucket: MemoryBucket) -> Remote:
    return Remote(bucket, "r", ALGORITHM, None, RemoteSettings(1, chunking=CUTS))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    cache = Cache(tmp_path_factory.mktemp("full"), ALGORITHM)
    with cache.writer() as writer:
        for digest, data in CONTENTS.items():
            writer.put(Role.BLOB, digest, data)
    return cache


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    return Cache(tmp_path_factory.mktemp("empty"), ALGORITHM)


@pytest.mark.parametrize("seed", range(10))
def test_an_empty_object_anywhere_in_a_pack_is_no_damage(seed: int) -> None:
    rng = random.Random(seed)
    data = [b"", *(rng.randbytes(50) for _ in range(20))]
    rng.shuffle(data)
    bucket = MemoryBucket()
    with opened(bucket).writer() as writer:
        for each in data:
            writer.put(Role.BLOB, ALGORITHM.of(each), each)
    assert check_remote(opened(bucket)) == []


def flip(bucket: MemoryBucket, name: str, at: int) -> None:
    data, written = bucket.files[name]
    changed = bytearray(data)
    changed[at] ^= 0x41
    bucket.files[name] = (bytes(changed), written)


def all_readable(bucket: MemoryBucket) -> bool:
    return dict(opened(bucket).read_many(CONTENTS)) == CONTENTS


def packs_and_indexes(bucket: MemoryBucket) -> list[str]:
    return sorted(name for name in bucket.files if name.startswith(("packs/", "index/")))


def test_a_remote_in_order_has_no_findings(bucket: MemoryBucket) -> None:
    before = dict(bucket.files)
    assert check_remote(opened(bucket)) == []
    assert bucket.files == before


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 3), st.floats(0, 1, exclude_max=True))
def test_one_changed_byte_is_found_and_mended_from_the_cache(cache: Cache, which: int, where: float) -> None:
    bucket = filled()
    name = packs_and_indexes(bucket)[which]
    flip(bucket, name, int(where * len(bucket.files[name][0])))
    findings = check_remote(opened(bucket))
    assert name in {finding.name for finding in findings}
    assert repair_remote(opened(bucket), cache, findings).lost == ()
    assert all_readable(bucket)
    assert check_remote(opened(bucket)) == []


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 3), st.floats(0, 1, exclude_max=True))
def test_without_a_good_copy_only_what_is_lost_is_missing_and_nothing_is_deleted(
    empty: Cache, which: int, where: float
) -> None:
    bucket = filled()
    name = packs_and_indexes(bucket)[which]
    flip(bucket, name, int(where * len(bucket.files[name][0])))
    bytes_before = {data for data, _ in bucket.files.values() if data.startswith(b"DVCXPACK") or data}
    result = repair_remote(opened(bucket), empty, check_remote(opened(bucket)))
    remote = opened(bucket)
    assert remote.missing(CONTENTS) == set(result.lost)
    assert len(result.lost) <= 1
    left = CONTENTS.keys() - set(result.lost)
    assert dict(remote.read_many(left)) == {digest: CONTENTS[digest] for digest in left}
    assert check_remote(opened(bucket)) == []
    packs = {data for data in bytes_before if data.startswith(b"DVCXPACK")}
    assert packs <= {data for data, _ in bucket.files.values()}


def test_what_is_lost_is_sent_again_by_the_next_push(bucket: MemoryBucket, empty: Cache) -> None:
    for name in packs_and_indexes(bucket):
        if name.startswith("packs/"):
            flip(bucket, name, 1000)
    result = repair_remote(opened(bucket), empty, check_remote(opened(bucket)))
    assert result.lost
    with opened(bucket).writer() as writer:
        for digest, data in CONTENTS.items():
            writer.put(Role.BLOB, digest, data)
    assert all_readable(bucket) and check_remote(opened(bucket)) == []


def test_lost_index_files_are_made_anew_from_the_packs(bucket: MemoryBucket, empty: Cache) -> None:
    for name in packs_and_indexes(bucket):
        if name.startswith("index/"):
            del bucket.files[name]
    findings = check_remote(opened(bucket))
    assert {finding.trouble for finding in findings} == {Trouble.LEFTOVER}
    assert not any(finding.is_damage for finding in findings)
    assert repair_remote(opened(bucket), empty, findings).indexed == 2
    assert all_readable(bucket) and check_remote(opened(bucket)) == []


def test_a_lost_pack_is_made_again_from_the_cache(bucket: MemoryBucket, cache: Cache) -> None:
    for name in packs_and_indexes(bucket):
        if name.startswith("packs/"):
            del bucket.files[name]
    findings = check_remote(opened(bucket))
    assert {finding.trouble for finding in findings} == {Trouble.MISSING_PACK}
    repair_remote(opened(bucket), cache, findings)
    assert all_readable(bucket) and check_remote(opened(bucket)) == []


def test_a_pack_that_is_cut_off_gives_what_is_left_of_it(bucket: MemoryBucket, empty: Cache) -> None:
    name = max((n for n in bucket.files if n.startswith("packs/")), key=lambda n: len(bucket.files[n][0]))
    data, written = bucket.files[name]
    bucket.files[name] = (data[: len(data) // 2], written)
    result = repair_remote(opened(bucket), empty, check_remote(opened(bucket)))
    assert result.saved > 0 and len(result.lost) >= 1
    assert check_remote(opened(bucket)) == []


def test_reading_a_damaged_object_is_refused_and_a_second_copy_is_taken(bucket: MemoryBucket) -> None:
    digest = next(iter(CONTENTS))
    for name in packs_and_indexes(bucket):
        at = bucket.files[name][0].find(CONTENTS[digest][:100])
        if at >= 0:
            flip(bucket, name, at)
    with pytest.raises(DamagedData):
        opened(bucket).read(digest)
    with opened(bucket).writer() as writer:
        writer.put_again(Role.BLOB, digest, CONTENTS[digest])
        writer.put_again(Role.BLOB, ALGORITHM.of(b"other"), b"other")
    assert opened(bucket).read(digest) == CONTENTS[digest]


def test_a_sample_reads_a_part_of_the_packs(bucket: MemoryBucket) -> None:
    for name in packs_and_indexes(bucket):
        if name.startswith("packs/"):
            flip(bucket, name, 100)
    assert len(check_remote(opened(bucket), sample=0.5, seed=1)) == 1
    assert len(check_remote(opened(bucket), sample=1.0)) == 2


def test_a_changed_byte_between_objects_is_found_too(cache: Cache, tmp_path: Path) -> None:
    bucket = MemoryBucket()
    digest, data = max(CONTENTS.items(), key=lambda each: len(each[1]))
    (tmp_path / "large").write_bytes(data)
    eager = RemoteSettings(1, chunking=CUTS, batching=replace(FOLDER, pack_size=4))
    with Remote(bucket, "r", ALGORITHM, None, eager).writer() as writer:
        writer.put_file(Role.BLOB, digest, tmp_path / "large")
    assert check_remote(opened(bucket)) == []
    pack = next(name for name, (content, _) in bucket.files.items() if content[32:4096] == bytes(4064))
    flip(bucket, pack, 100)
    findings = check_remote(opened(bucket))
    assert [finding.trouble for finding in findings] == [Trouble.DAMAGED_PACK]
    repair_remote(opened(bucket), cache, findings)
    assert check_remote(opened(bucket)) == [] and opened(bucket).read(digest) == data


class Killed(Exception):
    pass


class DyingBucket(MemoryBucket):
    left = 1_000_000

    def write(self, name, parts, *, exclusive=False):  # type: ignore[no-untyped-def]
        self._step()
        super().write(name, parts, exclusive=exclusive)

    def delete(self, names):  # type: ignore[no-untyped-def]
        for name in names:
            self._step()
            super().delete([name])

    def _step(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Killed


def test_a_repair_that_was_killed_anywhere_is_finished_by_the_next(cache: Cache, tmp_path: Path) -> None:
    for left in range(20):
        bucket = DyingBucket()
        bucket.files = dict(filled().files)
        for name in packs_and_indexes(bucket):
            flip(bucket, name, 1000 if name.startswith("packs/") else 70)
        bucket.left = left
        try:
            repair_remote(opened(bucket), cache, check_remote(opened(bucket)))
        except Killed:
            pass
        bucket.left = 1_000_000
        assert repair_remote(opened(bucket), cache, check_remote(opened(bucket))).lost == ()
        assert check_remote(opened(bucket)) == [] and all_readable(bucket)


def test_an_empty_object_before_another_one_is_no_damage() -> None:
    bucket = MemoryBucket()
    for seed in range(8):  # whether the empty one's digest sorts before the next one's is chance
        with opened(bucket).writer() as writer:
            for data in (b"" if seed == 0 else bytes([seed]), b"", b"after %d" % seed):
                writer.put_again(Role.BLOB, ALGORITHM.of(data), data)
    assert check_remote(opened(bucket)) == []
