"""A bucket on any store that fsspec reaches: the only place that imports it."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from dvcx.base.errors import RemoteError, UsageError
from dvcx.base.files import temporary_name
from dvcx.storage.bucket import AlreadyThere, BucketFile, NotThere, Part, Unavailable, label_of, redacted

_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs"}
_RENAMED = frozenset({"file", "local", "sftp", "ssh", "ftp", "smb", "webdav", "webdavs"})
"""Stores where a file being written can be seen half: there it gets its name by renaming when it is whole."""
_TEMPORARY = "tmp"
_SECRET_OPTION = ("key", "secret", "token", "password", "credential", "sas")
_TIMES = ("LastModified", "last_modified", "mtime", "modified", "updated", "created", "timeCreated")


class FsspecBucket:
    """The files below `url`, with `options` for the store's own library. See `Bucket`.

    Raises `UsageError` for a kind of URL that fsspec does not know, `RemoteError` when its library is not installed.
    """

    def __init__(self, url: str, options: Mapping[str, object] | None = None) -> None:
        import fsspec.core  # it takes 90 ms, which commands that use no such store do not pay

        self._label = label_of(url)
        self._secrets = [
            value
            for name, value in (options or {}).items()
            if isinstance(value, str) and len(value) > 3 and any(each in name.lower() for each in _SECRET_OPTION)
        ]
        protocol = url.partition("://")[0].lower()
        self._renames = protocol in _RENAMED
        self._made: set[str] = set()
        self._lock = threading.Lock()
        try:
            self._fs, root = fsspec.core.url_to_fs(url, **dict(options or {}))
        except ImportError as error:
            what = f"git-dvcx[{_EXTRAS[protocol]}]" if protocol in _EXTRAS else self._clean(str(error))
            raise RemoteError(
                f"{protocol}:// remotes need a library that is not installed", f"pip install '{what}'"
            ) from error
        except ValueError as error:
            raise UsageError(f"{self._label}: {self._clean(str(error))}", "check the URL of the remote") from error
        self._root = root.rstrip("/")

    @property
    def label(self) -> str:
        """How messages call the bucket."""
        return self._label

    def list(self, prefix: str) -> Iterator[BucketFile]:
        """Gives every file whose name starts with `prefix`."""
        with self._typed(prefix):
            self._fs.invalidate_cache()
            try:
                found = self._fs.find(self._path(prefix).rstrip("/"), detail=True)
            except FileNotFoundError:
                found = {}
            start = len(self._root.lstrip("/")) + 1
            return iter([self._file(path.lstrip("/")[start:], info) for path, info in found.items()])

    def stat(self, name: str) -> BucketFile | None:
        """Gives what is known of one file, or None."""
        with self._typed(name):
            self._fs.invalidate_cache()
            try:
                info = self._fs.info(self._path(name))
            except FileNotFoundError:
                return None
            return None if info.get("type") == "directory" else self._file(name, info)

    def read(self, name: str) -> bytes:
        """Gives the whole content of a file; raises `NotThere`."""
        with self._typed(name):
            return bytes(self._fs.cat_file(self._path(name)))

    def read_range(self, name: str, start: int, end: int) -> bytes:
        """Gives the bytes from `start` up to `end`; raises `NotThere`."""
        if start >= end:
            return b""
        with self._typed(name):
            data = bytes(self._fs.cat_file(self._path(name), start=start, end=end))
        # Some stores pass over the range and send the whole file.
        return data if len(data) <= end - start else data[start:end]

    def write(self, name: str, parts: Sequence[Part], *, exclusive: bool = False) -> None:
        """Makes the joined `parts` the content of a file; see `Bucket.write`. The size is checked afterwards.

        Where the store cannot write exclusively itself, two writers that come at the same moment can both succeed.
        """
        data = bytes(parts[0]) if len(parts) == 1 else b"".join(parts)
        with self._typed(name):
            if exclusive and self._fs.exists(self._path(name)):
                raise AlreadyThere(f"{self._label} has a file {name} already")
            if self._renames:
                self._write_beside(name, data)
            elif exclusive:
                self._fs.pipe_file(self._path(name), data, mode="create")
            else:
                self._fs.pipe_file(self._path(name), data)
        written = self.stat(name)
        if written is None or written.size != len(data):
            raise Unavailable(
                f"{self._label}/{name} was written with {len(data)} bytes but has "
                f"{written.size if written else 'none'}",
                "run the command again",
            )

    def write_later(self, name: str, parts: Sequence[Part]) -> None:
        """Does the same as `write`, at once."""
        self.write(name, parts)

    def settle(self) -> None:
        """Has nothing to wait for."""

    def delete(self, names: Iterable[str]) -> None:
        """Removes files; those that are not there are passed over."""
        paths = [self._path(name) for name in names]
        if not paths:
            return
        with self._typed(""):
            try:
                self._fs.rm(paths)
            except FileNotFoundError:
                for path in paths:
                    try:
                        self._fs.rm_file(path)
                    except FileNotFoundError:
                        continue

    def _write_beside(self, name: str, data: bytes) -> None:
        for folder in (self._path(name).rpartition("/")[0], self._path(_TEMPORARY)):
            with self._lock:
                if folder not in self._made:
                    self._fs.makedirs(folder, exist_ok=True)
                    self._made.add(folder)
        temporary = self._path(f"{_TEMPORARY}/{temporary_name('push')}")
        try:
            self._fs.pipe_file(temporary, data)
            self._fs.mv(temporary, self._path(name))
        except BaseException:
            if self._fs.exists(temporary):
                self._fs.rm_file(temporary)
            raise

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _file(self, name: str, info: Mapping[str, Any]) -> BucketFile:
        return BucketFile(name, int(info.get("size") or 0), _modified(info))

    def _clean(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return redacted(text)

    @contextmanager
    def _typed(self, name: str) -> Iterator[None]:
        where = f"{self._label}/{name}".rstrip("/")
        try:
            yield
        except RemoteError:
            raise
        except FileNotFoundError as error:
            raise NotThere(f"{where} is not there") from error
        except FileExistsError as error:
            raise AlreadyThere(f"{where} is there already") from error
        except PermissionError as error:
            raise RemoteError(
                f"{where}: {self._clean(str(error)) or 'no right to do this'}", "check the credentials of the remote"
            ) from error
        except (TimeoutError, ConnectionError) as error:
            reason = self._clean(str(error)) or type(error).__name__
            raise Unavailable(f"{where}: {reason}", "check the network and run the command again") from error
        except Exception as error:  # what a store's library raises is not for us to know
            reason = self._clean(str(error)) or type(error).__name__
            raise RemoteError(f"{where}: {reason}", "check the URL, the options and the credentials") from error


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
