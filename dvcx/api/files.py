"""Tracked files as Python's own file objects."""

from __future__ import annotations

import errno
import io
from typing import TYPE_CHECKING

from dvcx.base.errors import UsageError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from dvcx.storage.ranges import Bytes

_BUFFER = 128 << 10


class NoSuchFile(UsageError, FileNotFoundError):
    """Nothing is tracked under that name: an error of dvcx, and Python's own `FileNotFoundError`."""


class DataFile(io.BufferedReader):
    """A tracked file opened for reading; as safe to share between threads as Python's own files are.

    `size` is in bytes, `path` that of the file in its project.
    """

    def __init__(self, content: Bytes, path: str) -> None:
        super().__init__(_Raw(content, path), _BUFFER)
        self.size = content.size
        self.path = path

    @property
    def name(self) -> str:
        """The path of the file in its project."""
        return self.path


class _Raw(io.RawIOBase):
    """What Python's buffers and text layers are built on."""

    def __init__(self, content: Bytes, path: str) -> None:
        super().__init__()
        self._content = content
        self._at = 0
        self.name = path

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        self._check_open()
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._content.size}.get(whence)
        if start is None:
            raise ValueError(f"there is no whence {whence}")
        if start + offset < 0:
            raise OSError(errno.EINVAL, "a position before the start of the file")
        self._at = start + offset
        return self._at

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        self._check_open()
        view = memoryview(buffer).cast("B")
        data = self._content.read(self._at, self._at + len(view))
        view[: len(data)] = data
        self._at += len(data)
        return len(data)

    def readall(self) -> bytes:
        self._check_open()
        parts = []
        while data := self._content.read(self._at, self._at + _WHOLE):
            parts.append(data)
            self._at += len(data)
        return b"".join(parts)

    def close(self) -> None:
        if not self.closed:
            self._content.close()
        super().close()

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("the file is closed")


_WHOLE = 32 << 20
