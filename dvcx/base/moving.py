"""Moving files and folders whole: by renaming, or across file systems by copying, flushing and removing.

Nothing here follows a symbolic link or takes the place of something that exists.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache

from dvcx.base.errors import Refused
from dvcx.base.files import flush, sync_filesystem_of, temporary_name, write_all
from dvcx.base.links import clone_into

_NEW_ONLY = {"renameat2": 1, "renameatx_np": 4}
"""The calls of Linux and macOS, with their flags `RENAME_NOREPLACE` and `RENAME_EXCL`."""
_BLOCK = 4 << 20
_STEM = "dvcx-moving"
_TEMPORARY = re.compile(rf"\.{_STEM}-[0-9]+-[0-9a-f]{{12}}")


def move(source: int, name: str, target: int, new_name: str, *, durable: bool = True) -> None:
    """Moves `name` in the folder descriptor `source` to `new_name` in the folder descriptor `target`.

    Raises `FileExistsError` when something stands there, and `OSError` as renaming does. Across file systems it is
    copied under a temporary name (and flushed, with `durable`), renamed and only then removed at its old place: a kill
    in between leaves both. `Refused` then says that a socket, FIFO or device cannot be copied.
    """
    try:
        _rename_a_folder_too(source, name, target, new_name)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _move_across(source, name, target, new_name, durable=durable)


def rename_new(source: int, name: str, target: int, new_name: str) -> None:
    """Renames, and raises `FileExistsError` when something stands at the new name already."""
    found = _exclusive_rename()
    if found is not None:
        call, flag = found
        if call(source, os.fsencode(name), target, os.fsencode(new_name), flag) == 0:
            return
        code = ctypes.get_errno()
        if code not in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
            raise OSError(code, os.strerror(code), name, None, new_name)
    # Network file systems, other kinds of Unix: look, then rename.
    if exists_at(target, new_name):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name, None, new_name)
    os.rename(name, new_name, src_dir_fd=source, dst_dir_fd=target)


def exists_at(folder: int, name: str) -> bool:
    """Tells whether anything, a broken link too, is called `name` in the folder descriptor."""
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def remove_tree(folder: int, name: str) -> None:
    """Removes a file, link or whole folder, read-only folders inside it too."""
    if not _is_folder(folder, name):
        os.unlink(name, dir_fd=folder)
        return
    try:
        shutil.rmtree(name, dir_fd=folder)
    except PermissionError:
        _make_writable(folder, name)
        shutil.rmtree(name, dir_fd=folder)


def _rename_a_folder_too(source: int, name: str, target: int, new_name: str) -> None:
    try:
        rename_new(source, name, target, new_name)
    except PermissionError:
        # A folder that changes its parent must be writable itself: its ".." changes.
        mode = stat.S_IMODE(os.stat(name, dir_fd=source, follow_symlinks=False).st_mode)
        if mode & stat.S_IWUSR or not _is_folder(source, name):
            raise
        _set_mode(source, name, mode | stat.S_IWUSR)
        try:
            rename_new(source, name, target, new_name)
        except BaseException:
            _set_mode(source, name, mode)
            raise
        _set_mode(target, new_name, mode)


def _move_across(source: int, name: str, target: int, new_name: str, *, durable: bool) -> None:
    if exists_at(target, new_name):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name, None, new_name)
    with brought_over(source, name, target, durable=durable) as temporary:
        rename_new(target, temporary, target, new_name)
    if durable:
        flush(target)
    remove_tree(source, name)


@contextmanager
def brought_over(source: int, name: str, target: int, *, durable: bool) -> Iterator[str]:
    """Gives the temporary name of a copy, in the folder descriptor `target`, of a file or folder on another disk.

    The block gives the copy its own name; what it leaves of it is removed. With `durable` the copy is flushed.
    """
    temporary = temporary_name(_STEM)
    try:
        copy(source, name, target, temporary)
        if durable:
            _flush(target, temporary)
        yield temporary
    finally:
        with suppress(FileNotFoundError):
            remove_tree(target, temporary)


def is_brought_over(name: str) -> bool:
    """Tells whether `name` is a temporary name of `brought_over`, which a kill may have left."""
    return _TEMPORARY.fullmatch(name) is not None


def copy(source: int, name: str, target: int, new_name: str) -> None:
    """Copies `name` in the folder descriptor `source` to the new name `new_name` in `target`: links as links, with
    modes and modification times.

    Raises `Refused` for a socket, FIFO or device, and `OSError` as copying does; what was copied by then stays.
    """
    status = os.stat(name, dir_fd=source, follow_symlinks=False)
    if stat.S_ISLNK(status.st_mode):
        os.symlink(os.readlink(name, dir_fd=source), new_name, dir_fd=target)
    elif stat.S_ISREG(status.st_mode):
        _copy_file(source, name, target, new_name)
    elif stat.S_ISDIR(status.st_mode):
        _copy_folder(source, name, target, new_name)
    else:
        raise Refused(
            f"{name} is a socket, FIFO or device, which cannot be copied",
            "remove it and run the command again",
            [name],
        )


def _copy_file(source: int, name: str, target: int, new_name: str) -> None:
    origin = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=source)
    try:
        made = os.open(new_name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=target)
        try:
            if not clone_into(origin, made):
                while block := os.read(origin, _BLOCK):
                    write_all(made, block)
            _same_look(origin, made)
        finally:
            os.close(made)
    finally:
        os.close(origin)


def _copy_folder(source: int, name: str, target: int, new_name: str) -> None:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    origin = os.open(name, flags, dir_fd=source)
    try:
        os.mkdir(new_name, 0o700, dir_fd=target)
        made = os.open(new_name, flags, dir_fd=target)
        try:
            for inner in os.listdir(origin):
                copy(origin, inner, made, inner)
            _same_look(origin, made)
        finally:
            os.close(made)
    finally:
        os.close(origin)


def _same_look(origin: int, made: int) -> None:
    status = os.fstat(origin)
    os.fchmod(made, stat.S_IMODE(status.st_mode))
    os.utime(made, ns=(status.st_atime_ns, status.st_mtime_ns))


def _flush(folder: int, name: str) -> None:
    """Flushes a file by itself, a folder with the whole file system: it may hold many."""
    mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    if stat.S_ISREG(mode):
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        try:
            flush(fd)
        finally:
            os.close(fd)
    elif stat.S_ISDIR(mode):
        sync_filesystem_of(folder, name)


def _is_folder(folder: int, name: str) -> bool:
    return stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)


def _set_mode(folder: int, name: str, mode: int) -> None:
    fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        os.fchmod(fd, mode)
    finally:
        os.close(fd)


def _make_writable(folder: int, name: str) -> None:
    fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        os.fchmod(fd, stat.S_IMODE(os.fstat(fd).st_mode) | stat.S_IRWXU)
        for inner in os.listdir(fd):
            if _is_folder(fd, inner):
                _make_writable(fd, inner)
    finally:
        os.close(fd)


@cache
def _exclusive_rename() -> tuple[Callable[..., int], int] | None:
    library = ctypes.CDLL(None, use_errno=True)
    calls = ((getattr(library, name, None), flag) for name, flag in _NEW_ONLY.items())
    return next(((call, flag) for call, flag in calls if call is not None), None)
