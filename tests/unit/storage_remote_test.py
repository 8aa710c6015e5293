"""Remotes themselves: what stands in for what after wiping, unplugging, damage, and many pushes."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dvcx.base.errors import DamagedData, MissingData, Refused, RemoteError
from dvcx.base.hashing import ALGORITHMS
from dvcx.formats.remote_json import Chunking, Marks, RemoteDescription, dump_json
from dvcx.formats.table import Record, Role
from dvcx.storage.assembly import assemble
from dvcx.storage.bucket_wrappers import CountingBucket
from dvcx.storage.cache import Cache
from dvcx.storage.download import plan_download
from dvcx.storage.folder_bucket import FolderBucket
from dvcx.storage.memory_bucket import MemoryBucket
from dvcx.storage.reach import Wanted
from dvcx.storage.remote import Remote, RemoteSettings
from dvcx.storage.remote_catalog import Found, index_name
from dvcx.storage.remote_reader import GAP, MOST, spans

ALGORITHM = ALGORITHMS["blake3"]


def digest_of(data: bytes) -> bytes:
    return ALGORITHM.of(data)


def push(remote: Remote, *contents: bytes) -> list[bytes]:
    with remote.writer() as writer:
        for data in contents:
            writer.put(Role.BLOB, digest_of(data), data)
    return [digest_of(data) for data in contents]


class Place:
    def __init__(self, folder: Path) -> None:
        self.store = folder / "store"
        self.local = folder / "local"
        self.counting = CountingBucket(FolderBucket(self.store))

    def remote(self) -> Remote:
        self.counting = CountingBucket(FolderBucket(self.store))
        return Remote(self.counting, "store", ALGORITHM, self.local, RemoteSettings(jobs=2))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_remote_that_was_used_and_is_gone_is_not_made_anew(place: Place) -> None:
    push(place.remote(), b"data")
    shutil.rmtree(place.store)
    for bare in (False, True):  # not mounted: no folder at all, or the empty mount point
        if bare:
            place.store.mkdir()
        with pytest.raises(RemoteError, match="used from here before") as caught:
            push(place.remote(), b"data")
        assert "mounted" in (caught.value.hint or "")
        with pytest.raises(RemoteError):
            place.remote().missing([digest_of(b"data")])
    assert list(place.store.iterdir()) == []


def test_a_remote_that_was_wiped_and_made_again_is_noticed(place: Place) -> None:
    (digest,) = push(place.remote(), b"data")
    shutil.rmtree(place.store)
    other = Remote(FolderBucket(place.store), "theirs", ALGORITHM, None)
    push(other, b"other data")
    assert place.remote().missing([digest, digest_of(b"other data")]) == {digest}
    push(place.remote(), b"data")
    assert place.remote().read(digest) == b"data"


def test_nothing_is_pulled_from_a_place_without_a_remote(place: Place, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", ALGORITHM)
    wanted = {digest_of(b"x"): Wanted(digest_of(b"x"), Role.BLOB, 1, "x")}
    for bare in (False, True):
        if bare:
            place.store.mkdir()
        with pytest.raises(RemoteError, match="no dvcx remote"):
            plan_download(cache, place.remote(), wanted)


def test_a_new_remote_is_made_where_its_parent_is_and_nowhere_else(tmp_path: Path) -> None:
    push(Remote(FolderBucket(tmp_path / "new"), "r", ALGORITHM), b"data")
    assert (tmp_path / "new" / "dvcx.json").exists()
    with pytest.raises(RemoteError, match="not there"):
        push(Remote(FolderBucket(tmp_path / "no" / "such" / "place"), "r", ALGORITHM), b"data")
    assert not (tmp_path / "no").exists()


def test_a_remote_of_another_hash_or_a_newer_format_is_refused(tmp_path: Path) -> None:
    bucket = MemoryBucket()
    push(Remote(bucket, "r", ALGORITHMS["sha256"]), b"")
    with pytest.raises(Refused, match="sha256"):
        Remote(bucket, "r", ALGORITHM).missing([])
    bucket.files["dvcx.json"] = (dump_json(RemoteDescription(2, "a", "blake3")), 0.0)
    with pytest.raises(DamagedData, match="format 2"):
        Remote(bucket, "r", ALGORITHM).missing([])


def test_two_first_pushes_agree_on_one_description(tmp_path: Path) -> None:
    store = tmp_path / "store"
    one = Remote(FolderBucket(store), "r", ALGORITHM)
    two = Remote(FolderBucket(store), "r", ALGORITHM, None, RemoteSettings(chunking=Chunking(cut_from=1 << 19)))
    assert one.describe() is None and two.describe() is None
    assert one.initialise() == two.initialise()


def test_the_mirror_of_the_index_is_disposable(place: Place) -> None:
    digests = [push(place.remote(), f"push {number}".encode())[0] for number in range(3)]
    files = sorted(place.local.rglob("*.idx"))
    assert len(files) == 3
    files[0].write_bytes(files[0].read_bytes()[:-1] + b"?")
    files[1].write_bytes(b"")
    files[2].unlink()
    assert place.remote().missing(digests) == set()
    assert len(list(place.local.rglob("*.idx"))) == 3
    shutil.rmtree(place.local)
    assert place.remote().missing(digests) == set()
    fresh = place.remote()
    fresh.missing(digests)
    assert place.counting.counts.reads == 1, "index files that were seen are not read again"


def test_a_mirror_that_cannot_be_written_is_done_without(place: Place) -> None:
    (digest,) = push(place.remote(), b"data")
    shutil.rmtree(place.local)
    place.local.write_bytes(b"a file in the way")
    assert place.remote().missing([digest]) == set()


def test_many_pushes_are_looked_up_in_one_joined_index(place: Place) -> None:
    digests = [push(place.remote(), f"push {number}".encode())[0] for number in range(30)]
    remote = place.remote()
    assert remote.missing([*digests, b"?" * 32]) == {b"?" * 32}
    again = place.remote()
    assert len(again.catalog().indexes) <= 9
    assert dict(again.read_many(digests)) == {digest_of(d): d for d in (f"push {n}".encode() for n in range(30))}
    joined = next(place.local.rglob("joined-*"))
    joined.write_bytes(b"damaged")
    assert place.remote().missing(digests) == set()
    with pytest.raises(MissingData):
        place.remote().read(b"?" * 32)


def test_a_push_joins_the_index_files_of_many_pushes(tmp_path: Path) -> None:
    bucket = MemoryBucket()
    reader = Remote(bucket, "r", ALGORITHM)
    digests = []
    for number in range(150):
        digests += push(Remote(bucket, "r", ALGORITHM), f"push {number}".encode())
        if number == 60:
            assert reader.missing(digests) == set()
    files = [name for name in bucket.files if name.startswith("index/")]
    assert len(files) < 66
    assert Remote(bucket, "r", ALGORITHM).missing(digests) == set()
    assert dict(reader.read_many(digests)).keys() == set(digests)


def test_joining_index_files_reads_none_that_is_here_already(tmp_path: Path) -> None:
    bucket = MemoryBucket()
    digests = [push(Remote(bucket, "r", ALGORITHM), f"push {number}".encode())[0] for number in range(63)]
    counting = CountingBucket(bucket)
    here = Remote(counting, "r", ALGORITHM, tmp_path / "local")
    assert not here.missing(digests)
    before = counting.counts.reads
    digests += push(here, b"one more") + push(here, b"and the one that joins")
    assert counting.counts.reads == before
    assert len([name for name in bucket.files if name.endswith(".idx")]) == 1
    assert not Remote(bucket, "r", ALGORITHM).missing(digests)


def test_index_files_that_the_remote_dropped_are_dropped_from_the_mirror(place: Place) -> None:
    digests = [push(place.remote(), f"push {number}".encode())[0] for number in range(12)]
    place.remote().missing(digests)
    place.remote().delete([digests[0]])
    assert place.remote().missing(digests) == {digests[0]}
    assert len(list(place.local.rglob("*.idx"))) == 1


def test_many_look_ups_give_what_single_ones_do() -> None:
    bucket = MemoryBucket()
    contents = [f"object {number}".encode() for number in range(40)]
    for at in range(0, 40, 10):
        push(Remote(bucket, "r", ALGORITHM), *contents[at : at + 10])
    with Remote(bucket, "r", ALGORITHM).writer() as writer:
        for data in contents[5:15]:
            writer.put_again(Role.BLOB, digest_of(data), data)
    digests = set(map(digest_of, contents))
    for marked in (0, 1, 2):
        catalog = Remote(bucket, "r", ALGORITHM).catalog()
        single = {digest: catalog.find(digest) for digest in digests}
        assert catalog.find_many(digests | {b"?" * 32}) == single
        assert catalog.missing(digests) == {d for d in digests if not catalog.has(d)}
        pack = sorted(catalog.packs())[marked]
        marks = dump_json(Marks(1, 0.0, {pack: 1}, objects={sorted(catalog.packs())[-1]: [min(digests).hex()]}))
        bucket.write(f"index/{index_name(marks)}.marks", [marks])


def test_files_on_a_folder_remote_are_as_open_as_the_umask_says(tmp_path: Path) -> None:
    import os

    before = os.umask(0o002)
    try:
        push(Remote(FolderBucket(tmp_path / "store"), "r", ALGORITHM), b"data")
    finally:
        os.umask(before)
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "store").rglob("*") if path.is_file()}
    folders = {path.stat().st_mode & 0o777 for path in (tmp_path / "store").rglob("*") if path.is_dir()}
    assert modes == {0o664} and folders == {0o775}


def test_a_recipe_that_lies_about_its_object_is_found_out(tmp_path: Path) -> None:
    bucket = MemoryBucket()
    remote = Remote(bucket, "r", ALGORITHM)
    data = random.Random(1).randbytes(2 << 20)
    other = digest_of(b"the name of something else")
    (digest,) = push(remote, data)
    (place,) = remote.locate([digest])
    ((_, recipe),) = remote.payloads([place], remote.reader(jobs=1, verify=False))
    with remote.writer() as writer:
        writer.put_again(Role.RECIPE, other, bytes(recipe))
    with pytest.raises(DamagedData):
        remote.read(other)
    with pytest.raises(DamagedData):
        assemble(remote, other, remote.recipe(*remote.locate([other])), tmp_path / "out")


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 50 << 20), st.integers(0, 3 << 20)), max_size=30))
def test_requests_cover_every_place_and_are_bounded(places: list[tuple[int, int, int]]) -> None:
    found = [Found(f"{pack:02}", 1 << 30, Record(bytes([at]), 1, 0, 0, 0, offset, stored, stored))
             for at, (pack, offset, stored) in enumerate(places)]  # fmt: skip
    made = spans(found)
    assert sorted(id(place) for span in made for place in span.places) == sorted(map(id, found))
    for span in made:
        assert all(span.pack == place.pack for place in span.places)
        ends = [(place.record.offset, place.record.offset + place.record.stored) for place in span.places]
        assert (span.start, span.end) == (min(low for low, _ in ends), max(high for _, high in ends))
        assert span.end - span.start <= MOST or len(span.places) == 1
        ordered = sorted(ends)
        assert all(after[0] - max(e for _, e in ordered[: n + 1]) <= GAP for n, after in enumerate(ordered[1:]))
