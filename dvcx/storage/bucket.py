"""Buckets: named files on a store far away or next door, and nothing more; a remote is built on one.

A name is a path with `/`, relative to the bucket's root. A bucket may be asked by many threads at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable
from urllib.parse import urlsplit, urlunsplit

from dvcx.base.errors import RemoteError

Part = bytes | bytearray | memoryview


class BucketFile(NamedTuple):
    """A file of a bucket: its name, its size in bytes, and when it was written (Unix seconds; None: not known)."""

    name: str
    size: int
    modified: float | None


class NotThere(RemoteError):
    """The bucket has no file of that name, or the bucket itself is not there."""


class AlreadyThere(RemoteError):
    """An exclusive write found a file of that name."""


class Unavailable(RemoteError):
    """The store did not answer or is overloaded: trying again can help.

    `retry_after` is the number of seconds that the store asked to wait, when it did.
    """

    def __init__(self, message: str, hint: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, hint)
        self.retry_after = retry_after


class Bucket(Protocol):
    """What every store of named files can do. Each failure is a `RemoteError` without secrets in its text."""

    @property
    def label(self) -> str:
        """How messages call the bucket: its URL without secrets."""

    def list(self, prefix: str) -> Iterator[BucketFile]:
        """Gives every file whose name starts with `prefix`, which is empty or ends in `/`, in any order."""

    def stat(self, name: str) -> BucketFile | None:
        """Gives what is known of one file, or None when there is none."""

    def read(self, name: str) -> bytes:
        """Gives the whole content of a file; raises `NotThere`."""

    def read_range(self, name: str, start: int, end: int) -> bytes:
        """Gives the bytes from `start` up to `end`; fewer when the file ends before. Raises `NotThere`."""

    def write(self, name: str, parts: Sequence[Part], *, exclusive: bool = False) -> None:
        """Makes the joined `parts` the content of a file: whole or not at all, and durable when this returns.

        With `exclusive` raises `AlreadyThere` instead of replacing a file.
        """

    def write_later(self, name: str, parts: Sequence[Part]) -> None:
        """Like `write`, but the file need not be there and durable before `settle` returns.

        `parts` may be changed as soon as this returns.
        """

    def settle(self) -> None:
        """Waits until everything given to `write_later` by any thread is there and durable; raises what went wrong.

        After `Unavailable` it may be called again, and goes on with what is left.
        """

    def delete(self, names: Iterable[str]) -> None:
        """Removes files; those that are not there are passed over."""


@runtime_checkable
class TakesFiles(Protocol):
    """A bucket that can send a file of any size without having it in memory."""

    def write_file(self, name: str, source: Path) -> None:
        """Makes the content of the file `source` that of the file `name`, whole or not at all."""


_SECRET_QUERY = re.compile(r"([?&][^=&]*(?:key|token|secret|sig|signature|password|credential)[^=&]*=)[^&\s]*", re.I)
_USERINFO = re.compile(r"(\w[\w+.-]*://)[^/@\s]*@")


def redacted(text: str) -> str:
    """Gives `text` (an URL, or an error message with URLs in it) without passwords, tokens and signatures."""
    return _SECRET_QUERY.sub(r"\1***", _USERINFO.sub(r"\1***@", text))


def label_of(url: str) -> str:
    """Gives an URL as messages show it: no user, no password, no query."""
    if "://" not in url:
        return url
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))
