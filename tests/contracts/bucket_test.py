"""What every bucket keeps to: one suite over folders, memory, fsspec on both, real servers, bare and wrapped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dvcx.base.errors import RemoteError
from dvcx.storage.bucket import AlreadyThere, Bucket, BucketFile, NotThere
from dvcx.storage.bucket_wrappers import CountingBucket, RetryingBucket
from dvcx.storage.folder_bucket import FolderBucket
from dvcx.storage.fsspec_bucket import FsspecBucket
from dvcx.storage.memory_bucket import MemoryBucket
from dvcx.storage.paced_bucket import Pace, PacedBucket
from tests.encryption import encrypted
from tests.servers.buckets import bucket_on
from tests.servers.stores import marked

LOCAL = ["folder", "memory", "fsspec folder", "fsspec memory", "retrying folder", "counting folder", "paced folder"]
ENCRYPTED = ["encrypted folder", "encrypted memory"]


@pytest.fixture(params=[*LOCAL, *ENCRYPTED, *marked()])
def bucket(request: pytest.FixtureRequest, tmp_path: Path) -> Bucket:
    makers: dict[str, Callable[[], Bucket]] = {
        "folder": lambda: FolderBucket(tmp_path / "store"),
        "memory": MemoryBucket,
        "fsspec folder": lambda: FsspecBucket(f"file://{tmp_path}/store"),
        "fsspec memory": lambda: FsspecBucket(f"memory://{tmp_path.name}/{id(request)}/store"),
        "retrying folder": lambda: RetryingBucket(FolderBucket(tmp_path / "store")),
        "paced folder": lambda: PacedBucket(FolderBucket(tmp_path / "store"), Pace(1 << 40)),
        "counting folder": lambda: CountingBucket(FolderBucket(tmp_path / "store")),
        "encrypted folder": lambda: encrypted(FolderBucket(tmp_path / "store"), tmp_path),
        "encrypted memory": lambda: encrypted(MemoryBucket(), tmp_path),
    }
    made = makers[request.param]() if request.param in makers else bucket_on(request.param)
    made.write("dvcx.json", [b"{}"])
    return made


def names(bucket: Bucket, prefix: str) -> set[str]:
    return {file.name for file in bucket.list(prefix)}


def test_what_was_written_is_read_whole_and_by_ranges(bucket: Bucket) -> None:
    bucket.write("packs/ab/one.pack", [b"head", b"", memoryview(b"body" * 1000), bytearray(b"tail")])
    assert bucket.read("packs/ab/one.pack") == b"head" + b"body" * 1000 + b"tail"
    assert bucket.read_range("packs/ab/one.pack", 2, 8) == b"adbody"[:6]
    assert bucket.read_range("packs/ab/one.pack", 0, 0) == b""
    assert bucket.read_range("packs/ab/one.pack", 4004, 9999) == b"tail"


def test_a_file_of_more_parts_than_the_system_takes_at_once_is_written_whole(bucket: Bucket) -> None:
    parts = [bytes([number % 256]) * 3 for number in range(5000)]
    bucket.write("many", parts)
    assert bucket.read("many") == b"".join(parts)


def test_an_empty_file_is_a_file(bucket: Bucket) -> None:
    bucket.write("index/empty", [])
    assert bucket.read("index/empty") == b""
    assert names(bucket, "index/") == {"index/empty"}


def test_listing_gives_names_sizes_and_times_below_a_prefix(bucket: Bucket) -> None:
    bucket.write("index/a.idx", [b"12345"])
    bucket.write("packs/ab/x.pack", [b"1"])
    bucket.write("packs/cd/y.pack", [b"22"])
    assert names(bucket, "packs/") == {"packs/ab/x.pack", "packs/cd/y.pack"}
    assert names(bucket, "none/") == set()
    assert names(bucket, "") == {"dvcx.json", "index/a.idx", "packs/ab/x.pack", "packs/cd/y.pack"}
    (file,) = bucket.list("index/")
    assert file.size == 5
    assert file.modified is not None and abs(file.modified - time.time()) < 60


def test_stat_tells_of_one_file(bucket: Bucket) -> None:
    bucket.write("index/a.idx", [b"12345"])
    found = bucket.stat("index/a.idx")
    assert isinstance(found, BucketFile) and (found.name, found.size) == ("index/a.idx", 5)
    assert bucket.stat("index/b.idx") is None
    assert bucket.stat("index") is None


def test_what_is_not_there_is_not_there(bucket: Bucket) -> None:
    with pytest.raises(NotThere):
        bucket.read("index/none")
    with pytest.raises(NotThere):
        bucket.read_range("packs/none", 0, 10)
    assert issubclass(NotThere, RemoteError)


def test_a_write_replaces_and_an_exclusive_one_does_not(bucket: Bucket) -> None:
    bucket.write("name", [b"old"])
    bucket.write("name", [b"newer"])
    assert bucket.read("name") == b"newer"
    with pytest.raises(AlreadyThere):
        bucket.write("name", [b"mine"], exclusive=True)
    assert bucket.read("name") == b"newer"
    bucket.write("other", [b"mine"], exclusive=True)
    assert bucket.read("other") == b"mine"


def test_deleted_files_are_gone_and_absent_ones_are_passed_over(bucket: Bucket) -> None:
    for name in ("a/1", "a/2", "a/3"):
        bucket.write(name, [b"x"])
    bucket.delete(["a/1", "a/none", "a/3"])
    assert names(bucket, "a/") == {"a/2"}
    bucket.delete([])


def test_many_threads_write_and_read_at_once(bucket: Bucket) -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for step in range(5):
                name = f"packs/{number % 3:02}/{number}-{step}"
                bucket.write(name, [f"{number}-{step}".encode()])
                assert bucket.read(name) == f"{number}-{step}".encode()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(names(bucket, "packs/")) == 40
