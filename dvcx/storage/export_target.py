"""Where an export goes: plain files under their own names, in a folder or on any store that a bucket reaches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from dvcx.base.errors import RemoteError
from dvcx.formats.export_manifest import MOST_BYTES, NAME
from dvcx.storage.bucket import Bucket, NotThere, TakesFiles

_WHOLE = 64 << 20
"""Files up to this many bytes are sent from memory."""
_STEP = 16 << 20


class ExportTarget(Protocol):
    """A place that files are exported to. Names are paths with `/`. Raises `RemoteError` and `OSError`."""

    @property
    def label(self) -> str:
        """How messages call the place."""

    def files(self) -> Mapping[str, int]:
        """Gives the size of every file there by its path; none when the place is new."""

    def manifest(self) -> bytes | None:
        """Gives the bytes of the export's own manifest, or None when there is none."""

    def write_manifest(self, data: bytes) -> None:
        """Replaces the manifest; all that was put before is there and durable first."""

    def put(self, path: str, data: bytes, *, executable: bool) -> None:
        """Makes `data` the content of a file, whole or not at all."""

    def put_file(self, path: str, source: Path, size: int, *, executable: bool) -> None:
        """Makes the content of the file `source`, of `size` bytes, that of a file, whole or not at all."""

    def delete(self, paths: Iterable[str]) -> None:
        """Removes files; those that are not there are passed over. Folders that are empty then go too."""

    def blocks(self, path: str) -> Iterable[bytes]:
        """Gives the content of a file piece by piece; raises `NotThere`."""


class BucketTarget:
    """An export on a bucket."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    @property
    def label(self) -> str:
        """How messages call the place."""
        return self._bucket.label

    def files(self) -> Mapping[str, int]:
        """Gives the size of every file there by its path."""
        try:
            return {file.name: file.size for file in self._bucket.list("") if file.name != NAME}
        except NotThere:
            return {}

    def manifest(self) -> bytes | None:
        """Gives the bytes of the manifest, or None."""
        try:
            return self._bucket.read_range(NAME, 0, MOST_BYTES)
        except NotThere:
            return None

    def write_manifest(self, data: bytes) -> None:
        """Replaces the manifest."""
        self._bucket.write(NAME, [data])

    def put(self, path: str, data: bytes, *, executable: bool) -> None:
        """Makes `data` the content of a file; stores do not know what may be executed."""
        self._bucket.write(path, [data])

    def put_file(self, path: str, source: Path, size: int, *, executable: bool) -> None:
        """Sends a file: of any size where the store can take it in pieces."""
        if size > _WHOLE and isinstance(self._bucket, TakesFiles):
            self._bucket.write_file(path, source)
        else:
            self._bucket.write(path, [source.read_bytes()])
        held = self._bucket.stat(path)
        if held is None or held.size != size:
            raise RemoteError(
                f"{self.label}/{path} was written with {size} bytes but has {held.size if held else 'none'}",
                "run the command again",
            )

    def delete(self, paths: Iterable[str]) -> None:
        """Removes files."""
        self._bucket.delete(paths)

    def blocks(self, path: str) -> Iterable[bytes]:
        """Gives the content of a file piece by piece."""
        at = 0
        while True:
            data = self._bucket.read_range(path, at, at + _STEP)
            if data:
                yield data
            at += len(data)
            if len(data) < _STEP:
                return
