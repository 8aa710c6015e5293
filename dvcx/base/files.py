"""Writing files so that they are there whole or not at all, and stay there when the power goes."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Literal

from dvcx.base.errors import Refused

Durability = Literal["full", "fast"]
"""`full` flushes to the disk before a thing counts as done; `fast` leaves that to the operating system."""


def temporary_name(stem: str = "tmp") -> str:
    """Gives a file name that no other process chooses; it names its process, so leftovers can be told from work."""
    return f".{stem}-{os.getpid()}-{os.urandom(6).hex()}"


@contextmanager
def naming_full_disk(path: Path) -> Iterator[None]:
    """Makes the error of a full disk name `path` when it names nothing: writing to an open file does not say where."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            error.filename = str(path)
        raise


def read_own_file(path: Path, most: int, shown_as: str) -> bytes:
    """Gives the content of a small file that may come from a repository, so that nothing else is read in its place.

    Raises `Refused` when it is a link or no file at all, or has more than `most` bytes; `OSError` as reading does.
    """
    try:
        # Opening a pipe would wait for a writer.
        with closing(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)) as fd:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                raise Refused(f"{shown_as} is not a file", f"remove or rename {shown_as}", [shown_as])
            if status.st_size > most:
                raise Refused(
                    f"{shown_as} is larger than {most} bytes", f"is {shown_as} what it should be?", [shown_as]
                )
            return read_exactly(fd, most, 0)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENXIO):
            raise
        what = "a symbolic link, which dvcx does not follow" if error.errno == errno.ELOOP else "not a file"
        raise Refused(f"{shown_as} is {what}", f"put a file in its place, or remove {shown_as}", [shown_as]) from None


def write_atomically(
    path: Path, data: bytes, *, durable: bool = True, mode: int = 0o666, scratch: Path | None = None
) -> None:
    """Makes `data` the content of `path`: readers see the old file or the new one, a crash leaves one of the two.

    The temporary file is made in the folder `scratch`, so that a kill leaves none among the user's files; without one,
    or when that is another file system, it is made beside `path`. A symbolic link at `path` is replaced, not followed.
    `mode` is that of the file before the umask takes from it. Raises `OSError` as writing does; the temporary file is
    then removed.
    """
    name = temporary_name()
    if scratch is not None:
        try:
            _write_and_name(scratch / name, path, data, durable=durable, mode=mode)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            scratch = None
    if scratch is None:
        _write_and_name(path.with_name(name), path, data, durable=durable, mode=mode)
    if durable:
        sync_directory(path.parent)


def write_all_atomically(files: Mapping[Path, bytes], scratch: Path, *, durable: bool = True) -> None:
    """Does what `write_atomically` does for many files, in their order, flushing them together."""
    if len(files) < _MANY:
        for path, data in files.items():
            write_atomically(path, data, durable=durable, scratch=scratch)
        return
    ready: dict[Path, Path] = {}
    for path, data in files.items():
        ready[path] = scratch / temporary_name()
        with naming_full_disk(path), closing(os.open(ready[path], _NEW, 0o666)) as fd:
            write_all(fd, data)
    if durable:
        sync_filesystem(scratch)
    for path, temporary in ready.items():
        try:
            _rename(temporary, path)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            write_atomically(path, files[path], durable=durable)
    if durable:
        for folder in {path.parent for path in files}:
            sync_directory(folder)


_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_MANY = 16
"""From this number of files on, flushing the whole file system is cheaper than each of them."""


def _write_and_name(temporary: Path, path: Path, data: bytes, *, durable: bool, mode: int) -> None:
    fd = os.open(temporary, _NEW, mode)
    try:
        try:
            write_all(fd, data)
            if durable:
                flush(fd)
        except OSError as error:
            error.filename = str(path)
            raise
        finally:
            os.close(fd)
        _rename(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _rename(temporary: Path, path: Path) -> None:
    """Renames; an error names the file that people know."""
    try:
        temporary.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


@contextmanager
def closing(fd: int) -> Iterator[int]:
    """Gives the open file `fd` and closes it at the end."""
    try:
        yield fd
    finally:
        os.close(fd)


def write_all(fd: int, data: bytes | bytearray | memoryview) -> None:
    """Writes all of `data` to `fd`, however many calls that takes; raises `OSError` as writing does."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def read_exactly(fd: int, length: int, offset: int) -> bytes:
    """Gives `length` bytes of `fd` from `offset` on, or as many as there are before the end of the file."""
    data = os.pread(fd, length, offset)
    if len(data) == length or not data:
        return data
    parts = [data]
    got = len(data)
    while got < length and (more := os.pread(fd, length - got, offset + got)):
        parts.append(more)
        got += len(more)
    return b"".join(parts)


def flush(fd: int) -> None:
    """Makes the content of an open file, or the names in an open folder, survive a power cut.

    On macOS `fsync` leaves them in the drive's own memory; `F_FULLFSYNC` does not (fcntl(2) there).
    """
    full = getattr(fcntl, "F_FULLFSYNC", None)
    if full is not None:
        try:
            fcntl.fcntl(fd, full)
            return
        except OSError as error:
            if error.errno not in (errno.ENOTSUP, errno.EINVAL, errno.ENOTTY):
                raise  # those come from file systems without it, such as network ones
    os.fsync(fd)


def sync_directory(path: Path) -> None:
    """Makes the names in the folder `path` survive a power cut."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        flush(fd)
    except OSError as error:
        # Some network file systems cannot flush a folder; there the rename itself is already on the server.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            error.filename = str(path)
            raise
    finally:
        os.close(fd)


def sync_filesystem(path: Path) -> None:
    """Flushes everything written to the file system that holds `path`: one call for a batch of many files.

    Linux has `syncfs` for it, macOS `fsync_volume_np`; elsewhere `sync` flushes all file systems. Raises `OSError`
    when the disk failed.
    """
    with closing(os.open(path, os.O_RDONLY | os.O_CLOEXEC)) as fd:
        sync_filesystem_of(fd, str(path))


def sync_filesystem_of(fd: int, shown_as: str) -> None:
    """Does what `sync_filesystem` does for the file system of an open file; errors call it `shown_as`."""
    call = _sync_of_a_filesystem()
    if call is None:
        os.sync()
        flush(fd)
    elif call(fd) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), shown_as)


def begin_flush(fd: int, offset: int, length: int) -> None:
    """Asks the system to start writing these bytes of a file to the disk, without waiting for it.

    Called while a large file is written, it makes the flush at the end nearly free; where there is no
    `sync_file_range` it does nothing.
    """
    start = _sync_file_range()
    if start is not None:
        start(fd, ctypes.c_int64(offset), ctypes.c_int64(length), _SYNC_FILE_RANGE_WRITE)


_SYNC_FILE_RANGE_WRITE = 2


@cache
def _sync_file_range() -> ctypes._FuncPointer | None:
    return getattr(ctypes.CDLL(None, use_errno=True), "sync_file_range", None)


@cache
def _sync_of_a_filesystem() -> Callable[[int], int] | None:
    library = ctypes.CDLL(None, use_errno=True)
    linux, mac = (getattr(library, name, None) for name in ("syncfs", "fsync_volume_np"))
    if linux is not None:
        return lambda fd: int(linux(fd))
    return None if mac is None else lambda fd: int(mac(fd, _TO_THE_PLATTER_AND_WAIT))


_TO_THE_PLATTER_AND_WAIT = 0x01 | 0x02
"""`SYNC_VOLUME_FULLSYNC` and `SYNC_VOLUME_WAIT` in the sys/unistd.h of macOS."""


def same_filesystem(one: Path, other: Path) -> bool:
    """Tells whether a rename from one existing path to beside the other can work."""
    return one.stat().st_dev == other.stat().st_dev


def remove_if_there(path: Path) -> bool:
    """Removes the file at `path` and tells whether there was one."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True
