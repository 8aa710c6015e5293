"""Trying a bucket out: each thing that can be wrong with one is found and told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pytest

from dvcx.base.errors import RemoteError
from dvcx.formats.remote_json import dump_encrypted_marker
from dvcx.storage.bucket import BucketFile, Part
from dvcx.storage.bucket_check import Verdict, check_bucket
from dvcx.storage.bucket_wrappers import ReadOnlyBucket
from dvcx.storage.memory_bucket import MemoryBucket


class Odd(MemoryBucket):
    """A bucket with which one thing is wrong."""

    wrong = ""

    def list(self, prefix: str) -> Iterator[BucketFile]:
        if self.wrong == "denies lists":
            raise RemoteError("no right to list")
        return iter([]) if self.wrong == "lists late" else super().list(prefix)

    def read(self, name: str) -> bytes:
        data = super().read(name)
        return data[:-1] + b"?" if self.wrong == "changes bytes" else data

    def write(self, name: str, parts: Sequence[Part], *, exclusive: bool = False) -> None:
        if self.wrong == "denies writes":
            raise RemoteError("no right to write")
        super().write(name, parts, exclusive=exclusive and self.wrong != "replaces")

    def delete(self, names: Iterable[str]) -> None:
        if self.wrong != "keeps":
            super().delete(names)


def verdicts(bucket: MemoryBucket | ReadOnlyBucket, clock: float = 1000.0) -> dict[str, str]:
    return {each.what: each.verdict.value for each in check_bucket(bucket, lambda: clock)}


GOOD = dict.fromkeys(("read", "list", "write", "read back", "exclusive write", "clock", "delete"), "ok")


def test_nothing_is_wrong_and_nothing_is_left() -> None:
    bucket = MemoryBucket(clock=lambda: 1000.0)
    assert verdicts(bucket) == GOOD and bucket.files == {}


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        ("denies lists", {"read": "ok", "list": "failed"}),
        ("denies writes", {"read": "ok", "list": "ok", "write": "failed"}),
        ("changes bytes", {**GOOD, "read back": "failed"}),
        ("lists late", {**GOOD, "read back": "warning"}),
        ("replaces", {**GOOD, "exclusive write": "warning"}),
        ("keeps", {**GOOD, "delete": "failed"}),
    ],
)
def test_what_is_wrong_is_found(wrong: str, found: dict[str, str]) -> None:
    bucket = Odd(clock=lambda: 1000.0)
    bucket.wrong = wrong
    assert verdicts(bucket) == found
    assert wrong == "keeps" or bucket.files == {}


@pytest.mark.parametrize(("there", "said"), [(1500.0, "500 s ahead of"), (400.0, "600 s behind")])
def test_a_clock_that_is_off_is_told_with_how_much(there: float, said: str) -> None:
    trials = {each.what: each for each in check_bucket(MemoryBucket(clock=lambda: there), lambda: 1000.0)}
    assert trials["clock"].verdict is Verdict.WARNING and said in trials["clock"].found


def test_one_that_is_only_read_is_not_written_to() -> None:
    inner = MemoryBucket()
    found = verdicts(ReadOnlyBucket(inner))
    assert (found["read"], found["list"], found["write"], found["delete"]) == ("ok", "ok", "skipped", "skipped")
    assert inner.files == {}


def test_what_is_no_remote_of_ours_is_told() -> None:
    bucket = MemoryBucket()
    bucket.write("dvcx.json", [b"not ours"])
    assert verdicts(bucket)["read"] == "failed"


def test_an_encrypted_remote_is_one_of_ours() -> None:
    bucket = MemoryBucket(clock=lambda: 1000.0)
    bucket.write("dvcx.json", [dump_encrypted_marker()])
    assert verdicts(bucket) == GOOD
