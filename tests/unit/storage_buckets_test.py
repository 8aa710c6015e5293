"""Buckets beyond what they have in common: durability, errors with a way out, retries, counts, opening by URL."""

from __future__ import annotations

import errno
import mmap
import os
import random
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pytest

from dvcx.base.errors import Refused, RemoteError, UsageError
from dvcx.storage.bucket import AlreadyThere, BucketFile, NotThere, Part, Unavailable, label_of, redacted
from dvcx.storage.bucket_wrappers import CountingBucket, ReadOnlyBucket, RetryingBucket
from dvcx.storage.folder_bucket import FolderBucket
from dvcx.storage.fsspec_bucket import FsspecBucket
from dvcx.storage.memory_bucket import MemoryBucket
from dvcx.storage.open_bucket import folder_of, open_bucket
from dvcx.storage.paced_bucket import Pace, PacedBucket


def test_large_pieces_of_memory_are_written_as_they_are(tmp_path: Path) -> None:
    bucket = FolderBucket(tmp_path / "store")
    rng = random.Random(1)
    memory = mmap.mmap(-1, 9 << 20)
    memory[:] = rng.randbytes(9 << 20)
    view = memoryview(memory)
    shapes: list[list[Part]] = [
        [bytes(4096), view[: 5 << 20], b"tail" * 100],
        [b"h" * 4096, view[: (5 << 20) + 123], b"tail"],
        [b"h" * 100, view[: 6 << 20], b"tail"],
        [b"h" * 4096, view[7 : (6 << 20) + 7], b"tail"],
        [view[: 4 << 20], view[4 << 20 : 9 << 20]],
        [b"", view, b""],
    ]
    for number, parts in enumerate(shapes):
        bucket.write(f"at once/{number}", parts)
        bucket.write_later(f"later/{number}", parts)
    bucket.settle()
    for number, parts in enumerate(shapes):
        assert bucket.read(f"at once/{number}") == b"".join(parts) == bucket.read(f"later/{number}")


def test_where_the_page_cache_cannot_be_passed_it_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "O_DIRECT", raising=False)
    bucket = FolderBucket(tmp_path / "store")
    view = memoryview(mmap.mmap(-1, 5 << 20))
    bucket.write("name", [bytes(4096), view])
    assert bucket.read("name") == bytes(4096) + bytes(5 << 20)


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = FolderBucket(tmp_path / "store")
    bucket.write("keep", [b"keep"])

    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RemoteError, match="no space left") as caught:
        bucket.write("index/a", [b"x"])
    assert "goes on from here" in (caught.value.hint or "")
    bucket.write_later("index/b", [b"x"])
    with pytest.raises(RemoteError, match="no space left"):
        bucket.settle()
    assert {path.name for path in (tmp_path / "store").rglob("*") if path.is_file()} == {"keep"}


def test_a_folder_without_rights_is_an_error_that_says_whom_to_ask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = FolderBucket(tmp_path / "store")
    bucket.write("a", [b"x"])

    def denied(*_: object, **__: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    with pytest.raises(RemoteError, match="permission denied") as caught:
        bucket.read_range("a", 0, 1)
    assert "owner" in (caught.value.hint or "")


def test_a_folder_that_goes_away_under_way_is_not_made_again(tmp_path: Path) -> None:
    bucket = FolderBucket(tmp_path / "store")
    bucket.write("a", [b"x"])
    (tmp_path / "store").rename(tmp_path / "unmounted")
    with pytest.raises(NotThere, match="not there"):
        bucket.write("b", [b"x"])
    with pytest.raises(NotThere):
        list(bucket.list("index/"))
    assert not (tmp_path / "store").exists()


def test_a_disk_that_is_unmounted_under_way_gets_no_more_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = FolderBucket(tmp_path / "store")
    bucket.write("a", [b"x"])
    monkeypatch.setattr(bucket, "_device", -1)  # what is at the mount point now is another disk
    with pytest.raises(NotThere):
        bucket.write("b", [b"x"])
    assert not (tmp_path / "store" / "b").exists()


def test_without_hard_links_exclusive_writes_still_refuse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", unsupported)
    bucket = FolderBucket(tmp_path / "store")
    bucket.write("a", [b"first"], exclusive=True)
    with pytest.raises(AlreadyThere):
        bucket.write("a", [b"second"], exclusive=True)
    assert bucket.read("a") == b"first"


class Flaky(MemoryBucket):
    """Fails in passing a number of times; a failing write may have worked."""

    failures = 0
    loses_answers = False

    def _fail(self) -> None:
        if self.failures:
            self.failures -= 1
            raise Unavailable("503", retry_after=7.0)

    def read(self, name: str) -> bytes:
        self._fail()
        return super().read(name)

    def list(self, prefix: str) -> Iterator[BucketFile]:
        self._fail()
        return super().list(prefix)

    def delete(self, names: Iterable[str]) -> None:
        self._fail()
        super().delete(names)

    def write(self, name: str, parts: Sequence[Part], *, exclusive: bool = False) -> None:
        if self.failures and self.loses_answers:
            super().write(name, parts, exclusive=exclusive)
        self._fail()
        super().write(name, parts, exclusive=exclusive)


def test_what_fails_in_passing_is_tried_again_with_growing_waits() -> None:
    waits: list[float] = []
    inner = Flaky()
    bucket = RetryingBucket(inner, attempts=4, sleep=waits.append)
    calls: list[Callable[[], object]] = [
        lambda: bucket.write("a", [b"x"]),
        lambda: bucket.read("a"),
        lambda: list(bucket.list("")),
        lambda: bucket.delete(name for name in ["a"]),
    ]
    for call in calls:
        inner.failures = 3
        call()
    assert inner.files == {}
    assert len(waits) == 12 and all(wait >= 7.0 for wait in waits)
    inner.failures = 4
    with pytest.raises(Unavailable):
        bucket.read("a")


def test_what_fails_for_good_is_not_tried_again() -> None:
    waits: list[float] = []
    with pytest.raises(NotThere):
        RetryingBucket(MemoryBucket(), sleep=waits.append).read("none")
    assert waits == []


def test_an_exclusive_write_whose_answer_was_lost_is_no_error_but_a_foreign_file_is() -> None:
    inner = Flaky()
    inner.loses_answers = True
    bucket = RetryingBucket(inner, sleep=lambda _: None)
    inner.failures = 1
    bucket.write("mine", [b"a", b"b"], exclusive=True)
    assert inner.files["mine"][0] == b"ab"
    inner.loses_answers = False
    inner.failures = 1
    with pytest.raises(AlreadyThere):
        bucket.write("mine", [b"other"], exclusive=True)
    with pytest.raises(AlreadyThere):
        bucket.write("mine", [b"ab"], exclusive=True)


def test_requests_and_bytes_are_counted() -> None:
    bucket = CountingBucket(MemoryBucket())
    bucket.write("a", [b"12", b"345"])
    bucket.write_later("b", [b"6"])
    bucket.settle()
    bucket.read("a")
    bucket.read_range("a", 1, 3)
    bucket.stat("a")
    list(bucket.list(""))
    bucket.delete(["a"])
    counts = bucket.counts
    assert (counts.writes, counts.reads, counts.stats, counts.listings, counts.deletes) == (2, 2, 1, 1, 1)
    assert (counts.bytes_written, counts.bytes_read, counts.requests) == (6, 7, 7)


def test_a_read_only_bucket_reads() -> None:
    inner = MemoryBucket()
    inner.write("a", [b"abc"])
    bucket = ReadOnlyBucket(inner)
    assert (bucket.read("a"), bucket.read_range("a", 1, 2), len(list(bucket.list("")))) == (b"abc", b"b", 1)
    assert bucket.stat("a") is not None
    writes: list[Callable[[], None]] = [
        lambda: bucket.write("b", []),
        lambda: bucket.write_later("b", []),
        lambda: bucket.delete(["a"]),
    ]
    for write in writes:
        with pytest.raises(Refused):
            write()
    assert list(inner.files) == ["a"]


def test_a_url_or_path_leads_to_its_bucket(tmp_path: Path) -> None:
    assert folder_of("../share", tmp_path) == tmp_path / "../share"
    assert folder_of("/mnt/share", tmp_path) == Path("/mnt/share")
    assert folder_of("file:///mnt/with%20space", tmp_path) == Path("/mnt/with space")
    assert folder_of("s3://bucket/x", tmp_path) is None
    with pytest.raises(UsageError, match="host"):
        folder_of("file://server/share", tmp_path)
    with pytest.raises(UsageError, match="profile"):
        open_bucket("/mnt/share", tmp_path, {"profile": "x"})
    assert open_bucket("memory://anything", tmp_path).label == "memory://anything"


def test_a_folder_is_opened_without_importing_fsspec(tmp_path: Path) -> None:
    import subprocess

    code = "import sys; from pathlib import Path; from dvcx.storage.open_bucket import open_bucket; "
    code += "from dvcx.storage.remote import Remote; open_bucket('/x', Path('/')); print('fsspec' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "False\n"


def test_an_unknown_kind_of_url_and_a_missing_library_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="nosuch"):
        FsspecBucket("nosuch://place")
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(RemoteError) as caught:
        FsspecBucket("s3://bucket/path")
    assert "pip install 'git-dvcx[s3]'" in (caught.value.hint or "")


def test_secrets_do_not_reach_messages() -> None:
    assert label_of("s3://KEY:SECRET@host/bucket?token=abc") == "s3://host/bucket"
    assert redacted("GET https://me:pw@host/x?X-Amz-Signature=abc&a=1 failed") == (
        "GET https://***@host/x?X-Amz-Signature=***&a=1 failed"
    )
    bucket = FsspecBucket("memory://x", {})
    bucket._secrets = ["hunter22"]
    with pytest.raises(RemoteError) as caught, bucket._typed("name"):
        raise RuntimeError("login with hunter22 failed at https://u:p@host")
    assert "hunter22" not in str(caught.value) and "u:p" not in str(caught.value)


def test_what_a_store_raises_becomes_a_typed_error() -> None:
    bucket = FsspecBucket("memory://x", {})
    for raised, expected in (
        (FileNotFoundError("x"), NotThere),
        (FileExistsError("x"), AlreadyThere),
        (TimeoutError(), Unavailable),
        (ConnectionResetError("reset"), Unavailable),
        (PermissionError("403"), RemoteError),
        (ValueError("odd"), RemoteError),
    ):
        with pytest.raises(expected), bucket._typed("name"):
            raise raised


def test_a_share_that_does_not_answer_while_files_get_their_names_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = FolderBucket(tmp_path / "store")
    bucket = RetryingBucket(inner, sleep=lambda _: None)
    replace, failures = Path.replace, [1, 2, 3]

    def stale(self: Path, target: Path) -> Path:
        if failures:
            failures.pop()
            raise OSError(errno.ESTALE, "Stale file handle")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", stale)
    for number in range(4):
        bucket.write_later(f"packs/{number}", [b"pack %d" % number])
    bucket.settle()
    assert [bucket.read(f"packs/{number}") for number in range(4)] == [b"pack %d" % number for number in range(4)]
    assert not failures and not list((tmp_path / "store/tmp").iterdir())


def test_a_failed_flush_is_never_tried_again_because_the_bytes_may_be_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushes: list[int] = []

    def broken(fd: int) -> None:
        flushes.append(fd)
        raise OSError(errno.EIO, "Input/output error")

    bucket = RetryingBucket(FolderBucket(tmp_path / "store"), sleep=lambda _: None)
    bucket.write("a", [b"x"])
    monkeypatch.setattr(os, "fsync", broken)
    bucket.write_later("packs/b", [b"x"])
    with pytest.raises(RemoteError, match="could not be flushed"):
        bucket.settle()
    assert len(flushes) == 1
    assert {path.name for path in (tmp_path / "store").rglob("*") if path.is_file()} == {"a"}


class Clock:
    """Time that passes only by sleeping."""

    now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_a_paced_bucket_takes_as_long_as_its_rate_says() -> None:
    clock = Clock()
    inner = CountingBucket(MemoryBucket())
    bucket = PacedBucket(inner, Pace(1 << 20, clock, clock.sleep))
    for number in range(5):
        bucket.write(str(number), [bytes(1 << 20), bytes(1 << 20)])
    assert clock.now == pytest.approx(108.0), "the fifth starts when the line has carried four"
    assert bucket.read_range("1", 0, 2 << 20) == bytes(2 << 20)
    assert inner.counts.reads == 4, "a long read is cut, so that the line is free for others in between"
    assert clock.now == pytest.approx(111.5)
    bucket.read("2")
    bucket.stat("2")
    bucket.write_later("last", [b"x"])
    bucket.settle()
    assert clock.now == pytest.approx(114.0)


def test_a_clock_that_slept_gives_no_credit_for_idle_time() -> None:
    clock = Clock()
    pace = Pace(100, clock, clock.sleep)
    pace.take(100)
    clock.now += 1000
    pace.take(100)
    pace.take(100)
    assert clock.now == pytest.approx(1101.0)
