"""A bucket in a folder: a local disk, a mounted share, NFS. Writes are durable and readable for the group.

The folder is reached through the system's own calls, not through fsspec: importing that costs more than a push that
has nothing to do, and its local file system neither flushes nor writes exclusively (docs/decisions/0010).
"""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from dvcx.base.direct import PAGE, WORTH, write_direct
from dvcx.base.errors import RemoteError
from dvcx.base.files import flush, read_exactly, sync_directory, temporary_name
from dvcx.storage.bucket import AlreadyThere, BucketFile, NotThere, Part, Unavailable

_TEMPORARY = "tmp"
_MOST_PARTS = 1024
"""The system writes at most this many buffers with one call (IOV_MAX on Linux and macOS)."""
_PASSING = frozenset(
    {errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN, errno.EINTR, errno.ENETDOWN, errno.EHOSTDOWN}
)
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK})


class _Written(NamedTuple):
    """A file of `write_later`: where it lies, open as `fd`, and the name that it is to have."""

    temporary: Path
    fd: int
    name: str


class FolderBucket:
    """The files below the folder `root`. See `Bucket`.

    The folder is made by the first write, when the folder that holds it exists. `durable` says whether a write waits
    for the disk.
    """

    def __init__(self, root: Path, *, durable: bool = True) -> None:
        self.root = root
        self._durable = durable
        self._lock = threading.Lock()
        self._made: set[Path] = set()
        self._device: int | None = None
        self._flusher: ThreadPoolExecutor | None = None
        self._flushing: list[tuple[_Written, Future[Path]]] = []
        self._unsynced: set[Path] = set()

    @property
    def label(self) -> str:
        """How messages call the bucket."""
        return str(self.root)

    def list(self, prefix: str) -> Iterator[BucketFile]:
        """Gives every file whose name starts with `prefix`; raises `NotThere` when the root is not there."""
        with self._typed(prefix):
            if not self.root.is_dir():
                raise self._root_missing()
            return iter(list(self._walk(self.root / prefix, prefix)))

    def _walk(self, folder: Path, prefix: str) -> Iterator[BucketFile]:
        try:
            with os.scandir(folder) as scan:
                entries = list(scan)
        except FileNotFoundError:
            return
        for entry in entries:
            name = prefix + entry.name
            try:
                if entry.is_dir(follow_symlinks=False):
                    yield from self._walk(folder / entry.name, name + "/")
                elif entry.is_file():
                    found = entry.stat()
                    yield BucketFile(name, found.st_size, found.st_mtime)
            except FileNotFoundError:
                continue  # removed since the folder was listed

    def stat(self, name: str) -> BucketFile | None:
        """Gives what is known of one file, or None."""
        with self._typed(name):
            try:
                found = (self.root / name).stat()
            except (FileNotFoundError, NotADirectoryError):
                return None
            return BucketFile(name, found.st_size, found.st_mtime) if stat.S_ISREG(found.st_mode) else None

    def read(self, name: str) -> bytes:
        """Gives the whole content of a file; raises `NotThere`."""
        with self._typed(name):
            return (self.root / name).read_bytes()

    def read_range(self, name: str, start: int, end: int) -> bytes:
        """Gives the bytes from `start` up to `end`; raises `NotThere`."""
        with self._typed(name):
            fd = os.open(self.root / name, os.O_RDONLY | os.O_CLOEXEC)
            try:
                # Never ask for more than the file has: who gives the range may have it from a file that lies.
                return read_exactly(fd, max(0, min(end, os.fstat(fd).st_size) - start), start)
            finally:
                os.close(fd)

    def write(self, name: str, parts: Sequence[Part], *, exclusive: bool = False) -> None:
        """Makes the joined `parts` the content of a file; see `Bucket.write`."""
        with self._typed(name):
            temporary, fd = self._temporary()
            try:
                _write_parts(fd, parts)
                self._flush(fd, name)
                self._name(temporary, name, exclusive=exclusive)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
            finally:
                os.close(fd)
            if self._durable:
                sync_directory((self.root / name).parent)

    def write_later(self, name: str, parts: Sequence[Part]) -> None:
        """Writes a file that another thread flushes and names; see `Bucket.write_later`."""
        with self._typed(name):
            temporary, fd = self._temporary()
            try:
                _write_parts(fd, parts)
            except BaseException:
                os.close(fd)
                temporary.unlink(missing_ok=True)
                raise
        with self._lock:
            if self._flusher is None:
                self._flusher = ThreadPoolExecutor(2, thread_name_prefix="dvcx-flush")
            written = _Written(temporary, fd, name)
            self._flushing.append((written, self._flusher.submit(self._finish, written)))

    def settle(self) -> None:
        """Waits for the files of `write_later`; then one flush a folder makes their names durable.

        A file that is flushed and could not get its name, because a share does not answer, gets it when this is
        called again.
        """
        with self._lock:
            flushing, self._flushing = self._flushing, []
        failures: list[RemoteError] = []
        for written, future in flushing:
            try:
                self._unsynced.add(future.result())
            except Unavailable as error:
                failures.append(error)
                with self._lock:
                    assert self._flusher is not None
                    self._flushing.append((written, self._flusher.submit(self._finish, written)))
            except RemoteError as error:
                failures.insert(0, error)
        if failures:
            raise failures[0]
        while self._unsynced:
            folder = self._unsynced.pop()
            if self._durable:
                with self._typed(""):
                    sync_directory(folder)

    def _finish(self, written: _Written) -> Path:
        """Flushes a file and names it. After `Unavailable` it is still there, open and flushed, under its old name."""
        temporary, fd, name = written
        keeps = False
        try:
            with self._typed(name):
                self._flush(fd, name)
                self._name(temporary, name, exclusive=False)
        except Unavailable:
            keeps = True
            raise
        finally:
            if not keeps:
                os.close(fd)
                temporary.unlink(missing_ok=True)
        return (self.root / name).parent

    def _flush(self, fd: int, name: str) -> None:
        if not self._durable:
            return
        try:
            flush(fd)
        except OSError as error:
            if error.errno not in _PASSING:
                raise
            # Nobody knows which bytes are lost now, and flushing again would not tell: the file has to be sent anew.
            reason = (error.strerror or str(error)).lower()
            raise RemoteError(
                f"{self.root}/{name} could not be flushed: {reason}",
                "is its disk or share in order? run the command again",
            ) from error

    def _temporary(self) -> tuple[Path, int]:
        self._check_root()
        path = self._make_folder(self.root / _TEMPORARY) / temporary_name("push")
        # 0666 less the umask: a shared folder's files must be as open to the group as its owner wants them.
        return path, os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)

    def _name(self, temporary: Path, name: str, *, exclusive: bool) -> None:
        target = self.root / name
        self._make_folder(target.parent)
        if exclusive:
            self._name_exclusively(temporary, target)
        else:
            temporary.replace(target)

    def delete(self, names: Iterable[str]) -> None:
        """Removes files; those that are not there are passed over."""
        folders: set[Path] = set()
        for name in names:
            with self._typed(name):
                path = self.root / name
                path.unlink(missing_ok=True)
                folders.add(path.parent)
        if self._durable:
            for folder in folders:
                if folder.is_dir():
                    sync_directory(folder)

    def _name_exclusively(self, temporary: Path, target: Path) -> None:
        try:
            os.link(temporary, target)
        except FileExistsError:
            raise AlreadyThere(f"{self.root} has a file {target.name} already") from None
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            # Without hard links two writers can both pass this check; all names but dvcx.json are names of contents,
            # so the two files are the same.
            if target.exists():
                raise AlreadyThere(f"{self.root} has a file {target.name} already") from None
            temporary.replace(target)
            return
        temporary.unlink()

    def _make_folder(self, folder: Path) -> Path:
        with self._lock:
            if folder in self._made:
                return folder
            missing = [folder]
            while missing[-1] != self.root and not missing[-1].parent.is_dir():
                missing.append(missing[-1].parent)
            for each in reversed(missing):
                each.mkdir(exist_ok=True)
                if self._durable:
                    sync_directory(each.parent)
            self._made.add(folder)
        return folder

    def _check_root(self) -> None:
        """Makes sure that all files of this process go to one disk: a share can be unmounted under a running push."""
        try:
            device = self.root.stat().st_dev
        except FileNotFoundError:
            if self._device is not None or not self.root.parent.is_dir():
                raise self._root_missing() from None
            self._make_folder(self.root)
            device = self.root.stat().st_dev
        if self._device is None:
            self._device = device
        elif self._device != device:
            raise self._root_missing()

    def _root_missing(self) -> NotThere:
        return NotThere(
            f"the folder {self.root} is not there",
            f"is its disk or share mounted? a new remote is made with `mkdir -p {self.root}`",
        )

    @contextmanager
    def _typed(self, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._error(name, error) from error

    def _error(self, name: str, error: OSError) -> RemoteError:
        where = f"{self.root}/{name}".rstrip("/")
        reason = (error.strerror or str(error)).lower()
        if isinstance(error, FileNotFoundError):
            return NotThere(f"{where} is not there") if self.root.is_dir() else self._root_missing()
        if isinstance(error, PermissionError):
            return RemoteError(f"{where}: {reason}", f"ask the owner of {self.root} for the right to use it")
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return RemoteError(f"{where}: {reason}", "free space there and run the command again: it goes on from here")
        if error.errno in _PASSING:
            return Unavailable(f"{where}: {reason}", "is its disk or share in order? run the command again")
        return RemoteError(f"{where}: {reason}")


def _write_parts(fd: int, parts: Sequence[Part]) -> None:
    rest: list[Part] = []
    end = 0
    for part in parts:
        if len(part) >= WORTH and end % PAGE == 0 and isinstance(part, memoryview):
            _write_buffered(fd, rest)
            rest = [part[write_direct(fd, part) :]]
        else:
            rest.append(part)
        end += len(part)
    _write_buffered(fd, rest)


def _write_buffered(fd: int, parts: Sequence[Part]) -> None:
    for low in range(0, len(parts), _MOST_PARTS):
        views = [memoryview(part) for part in parts[low : low + _MOST_PARTS] if len(part)]
        while views:
            written = os.writev(fd, views)
            while views and written >= len(views[0]):
                written -= len(views[0])
                views.pop(0)
            if written:
                views[0] = views[0][written:]
