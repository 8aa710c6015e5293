"""Buckets on real stores, for the suites that every bucket and remote has to pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from dvcx.storage.bucket import Bucket, BucketFile, Part
from dvcx.storage.folder_bucket import FolderBucket
from dvcx.storage.fsspec_bucket import FsspecBucket
from tests.servers.stores import Place, new_place


def bucket_on(kind: str) -> Bucket:
    """Gives a bucket at an empty place on a store of a kind."""
    return bucket_at(new_place(kind))


def bucket_at(place: Place) -> Bucket:
    """Gives the bucket of a place; where it can only be read, what is written goes into the folder behind it."""
    bucket = FsspecBucket(place.url, place.options)
    if place.url.startswith("http"):
        assert place.folder is not None
        return FilledBehind(bucket, place.folder)
    return bucket


class FilledBehind:
    """Reads through a bucket that is read-only, and writes into the folder that its server shows."""

    def __init__(self, front: Bucket, folder: Path) -> None:
        self._front = front
        folder.mkdir(parents=True, exist_ok=True)
        self._behind = FolderBucket(folder)

    @property
    def label(self) -> str:
        return self._front.label

    def list(self, prefix: str) -> Iterator[BucketFile]:
        return self._front.list(prefix)

    def stat(self, name: str) -> BucketFile | None:
        return self._front.stat(name)

    def read(self, name: str) -> bytes:
        return self._front.read(name)

    def read_range(self, name: str, start: int, end: int) -> bytes:
        return self._front.read_range(name, start, end)

    def write(self, name: str, parts: Sequence[Part], *, exclusive: bool = False) -> None:
        self._behind.write(name, parts, exclusive=exclusive)

    def write_later(self, name: str, parts: Sequence[Part]) -> None:
        self._behind.write_later(name, parts)

    def settle(self) -> None:
        self._behind.settle()

    def delete(self, names: Iterable[str]) -> None:
        self._behind.delete(names)
