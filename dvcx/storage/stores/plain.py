"""Any store that fsspec knows and dvcx has no file for: `memory://`, `file://`, and what plugins bring."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from dvcx.base.files import temporary_name
from dvcx.storage.bucket import BucketFile
from dvcx.storage.stores.store import below

_LOCAL = frozenset({"memory", "file", "local"})
_RENAMED = frozenset({"file", "local", "ftp", "smb", "hdfs", "webhdfs", "arrow_hdfs"})
"""Stores where a file being written can be seen half: there it gets its name by renaming when it is whole."""
_TEMPORARY = "tmp"
_TIMES = ("LastModified", "last_modified", "mtime", "modified", "updated", "created", "timeCreated")


def open_store(url: str, options: Mapping[str, object]) -> PlainStore:
    """Gives the store at a URL. Raises `ImportError` and `ValueError` as fsspec does."""
    return PlainStore(url, options)


def open_filesystem(url: str, options: Mapping[str, object]) -> tuple[Any, str]:
    """Gives fsspec's file system for a URL, and the path there."""
    import fsspec.core  # it takes 90 ms, which commands that use no such store do not pay

    found: tuple[Any, str] = fsspec.core.url_to_fs(url, **dict(options))
    return found


class PlainStore:
    """The files below a URL, through what all file systems of fsspec can do. See `Store`.

    Where the store cannot write exclusively itself, two writers that come at the same moment can both succeed.
    """

    def __init__(self, url: str, options: Mapping[str, object]) -> None:
        self._scheme = url.partition("://")[0].lower()
        self._fs, root = open_filesystem(url, options)
        self._root = root.rstrip("/")
        self._made: set[str] = set()
        self._lock = threading.Lock()

    def list(self, prefix: str) -> Iterator[BucketFile]:
        """Gives every file whose name starts with `prefix`."""
        self._fs.invalidate_cache()
        try:
            found = self._fs.find(below(self._root, prefix).rstrip("/"), detail=True)
        except FileNotFoundError:
            found = {}
        start = len(self._root.lstrip("/")) + 1
        for path, info in found.items():
            yield self._file(path.lstrip("/")[start:], info)

    def stat(self, name: str) -> BucketFile | None:
        """Gives what is known of one file; raises `FileNotFoundError`."""
        self._fs.invalidate_cache()
        info = self._fs.info(self._path(name))
        return None if info.get("type") == "directory" else self._file(name, info)

    def read(self, name: str) -> bytes:
        """Gives the whole content."""
        return bytes(self._fs.cat_file(self._path(name)))

    def read_range(self, name: str, start: int, end: int) -> bytes:
        """Gives the bytes from `start` up to `end`."""
        data = bytes(self._fs.cat_file(self._path(name), start=start, end=end))
        # Some stores pass over the range and send the whole file.
        return data if len(data) <= end - start else data[start:end]

    def write(self, name: str, data: bytes, *, exclusive: bool) -> bool:
        """Makes `data` the content; what is far away is read back, since no checksum can be asked for."""
        if self._scheme in _RENAMED:
            self._write_beside(name, data)
        elif exclusive:
            try:
                self._fs.pipe_file(self._path(name), data, mode="create")
            except (TypeError, NotImplementedError):  # it does not know the mode; the bucket has looked before
                self._fs.pipe_file(self._path(name), data)
        else:
            self._fs.pipe_file(self._path(name), data)
        if self._scheme in _LOCAL:
            return False
        self._fs.invalidate_cache()
        if self.read(name) != data:
            raise ConnectionError("other bytes are there than were sent")
        return True

    def write_file(self, name: str, source: Path, size: int) -> None:
        """Sends a file as the file system does it; where it could be seen half it is renamed when it is whole."""
        path = self._path(name)
        if self._scheme not in _RENAMED:
            self._fs.put_file(str(source), path)
            return
        self._make_folders(path)
        temporary = self._path(f"{_TEMPORARY}/{temporary_name('push')}")
        try:
            self._fs.put_file(str(source), temporary)
            self._fs.mv(temporary, path)
        except BaseException:
            if self._fs.exists(temporary):
                self._fs.rm_file(temporary)
            raise

    def delete(self, names: Sequence[str]) -> None:
        """Removes files."""
        for name in names:
            try:
                self._fs.rm_file(self._path(name))
            except FileNotFoundError:
                continue

    def _write_beside(self, name: str, data: bytes) -> None:
        self._make_folders(self._path(name))
        temporary = self._path(f"{_TEMPORARY}/{temporary_name('push')}")
        try:
            self._fs.pipe_file(temporary, data)
            self._fs.mv(temporary, self._path(name))
        except BaseException:
            if self._fs.exists(temporary):
                self._fs.rm_file(temporary)
            raise

    def _make_folders(self, path: str) -> None:
        for folder in (path.rpartition("/")[0], self._path(_TEMPORARY)):
            with self._lock:
                if folder not in self._made:
                    self._fs.makedirs(folder, exist_ok=True)
                    self._made.add(folder)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _file(self, name: str, info: Mapping[str, Any]) -> BucketFile:
        return BucketFile(name, int(info.get("size") or 0), _modified(info))


def _modified(info: Mapping[str, Any]) -> float | None:
    for name in _TIMES:
        value = info.get(name)
        if isinstance(value, datetime):
            return value.timestamp()
        if isinstance(value, (int, float)):
            return float(value)
        if isinstance(value, str):
            try:
                return datetime.fromisoformat(value).timestamp()
            except ValueError:
                continue
    return None
