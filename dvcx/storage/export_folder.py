"""An export in a folder. Every name is walked without following links: others may write there too."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from dvcx.base.errors import Refused
from dvcx.base.files import naming_full_disk, read_own_file, sync_filesystem, temporary_name, write_all
from dvcx.base.links import clone_into
from dvcx.base.paths import open_folder
from dvcx.formats.export_manifest import MOST_BYTES, NAME
from dvcx.storage.bucket import NotThere

_UNFINISHED = ".dvcx-export.tmp"
"""Files begin to be written in here, so that a kill leaves none among the others."""
_STEP = 8 << 20


class FolderTarget:
    """The folder `root`, which is made when something is written. See `ExportTarget`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._fd: int | None = None
        self._umask = 0o022

    @property
    def label(self) -> str:
        """How messages call the place."""
        return str(self._root)

    def files(self) -> Mapping[str, int]:
        """Gives the size of every file there by its path; links and other things count as files of no known size."""
        return dict(self._walk(self._root, "")) if self._root.is_dir() else {}

    def manifest(self) -> bytes | None:
        """Gives the bytes of the manifest, or None; raises `Refused` when it is a link."""
        try:
            return read_own_file(self._root / NAME, MOST_BYTES, str(self._root / NAME))
        except FileNotFoundError:
            return None

    def write_manifest(self, data: bytes) -> None:
        """Replaces the manifest, after one flush of all that was written."""
        if self._fd is not None:
            sync_filesystem(self._root)
        self.put(NAME, data, executable=False)
        sync_filesystem(self._root)

    def put(self, path: str, data: bytes, *, executable: bool) -> None:
        """Makes `data` the content of a file."""
        with self._new(path, executable=executable) as fd:
            write_all(fd, data)

    def put_file(self, path: str, source: Path, size: int, *, executable: bool) -> None:
        """Copies a file, as a reflink where the file system can."""
        origin = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
        try:
            with self._new(path, executable=executable) as fd:
                if not clone_into(origin, fd):
                    _copy(origin, fd)
                if os.fstat(fd).st_size != size:
                    raise OSError(f"{source} changed while it was copied")
        finally:
            os.close(origin)

    def delete(self, paths: Iterable[str]) -> None:
        """Removes files, and the folders that are empty then."""
        if not self._root.is_dir():
            return
        for path in paths:
            parts = path.split("/")
            try:
                folder = open_folder(self._opened(), parts[:-1])
            except (FileNotFoundError, NotADirectoryError):
                continue
            try:
                with suppress(FileNotFoundError):
                    os.unlink(parts[-1], dir_fd=folder)
            finally:
                os.close(folder)
            self._remove_empty(parts[:-1])

    def blocks(self, path: str) -> Iterable[bytes]:
        """Gives the content of a file piece by piece."""
        parts = path.split("/")
        try:
            folder = open_folder(self._opened(), parts[:-1])
            try:
                fd = os.open(parts[-1], os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=folder)
            finally:
                os.close(folder)
        except FileNotFoundError as error:
            raise NotThere(f"{self._root}/{path} is not there") from error
        try:
            while data := os.read(fd, _STEP):
                yield data
        finally:
            os.close(fd)

    def close(self) -> None:
        """Removes what unfinished writes may have left, and closes the folder."""
        if self._fd is None:
            return
        with suppress(OSError):
            for name in os.listdir(self._root / _UNFINISHED):
                with suppress(FileNotFoundError):
                    (self._root / _UNFINISHED / name).unlink()
            (self._root / _UNFINISHED).rmdir()
        os.close(self._fd)
        self._fd = None

    def _walk(self, folder: Path, prefix: str) -> Iterator[tuple[str, int]]:
        with os.scandir(folder) as entries:
            for entry in list(entries):
                name = prefix + entry.name
                if name in (NAME, _UNFINISHED):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    yield from self._walk(folder / entry.name, name + "/")
                elif entry.is_file(follow_symlinks=False):
                    yield name, entry.stat(follow_symlinks=False).st_size
                else:
                    yield name, -1

    def _opened(self) -> int:
        with self._lock:
            if self._fd is None:
                self._root.mkdir(parents=True, exist_ok=True)
                if (self._root / _UNFINISHED).is_symlink():
                    raise Refused(f"{self._root / _UNFINISHED} is a symbolic link", "remove it")
                (self._root / _UNFINISHED).mkdir(exist_ok=True)
                self._fd = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            return self._fd

    @contextmanager
    def _new(self, path: str, *, executable: bool) -> Iterator[int]:
        """Gives an open new file that gets its name when the block ends well."""
        root = self._opened()
        *folders, name = path.split("/")
        temporary = f"{_UNFINISHED}/{temporary_name('export')}"
        mode = 0o777 if executable else 0o666
        with naming_full_disk(self._root / path):
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode, dir_fd=root)
            try:
                yield fd
                folder = open_folder(root, folders, create=True)
                try:
                    os.replace(temporary, name, src_dir_fd=root, dst_dir_fd=folder)
                finally:
                    os.close(folder)
            except BaseException:
                with suppress(FileNotFoundError):
                    os.unlink(temporary, dir_fd=root)
                raise
            finally:
                os.close(fd)

    def _remove_empty(self, folders: list[str]) -> None:
        while folders:
            try:
                parent = open_folder(self._opened(), folders[:-1])
            except (FileNotFoundError, NotADirectoryError):
                return
            try:
                os.rmdir(folders[-1], dir_fd=parent)
            except OSError:
                return  # not empty, or gone
            finally:
                os.close(parent)
            folders = folders[:-1]


def _copy(origin: int, target: int) -> None:
    while True:
        try:
            if not os.copy_file_range(origin, target, 1 << 30):
                return
        except (OSError, AttributeError):  # other file systems, macOS
            break
    while data := os.read(origin, _STEP):
        write_all(target, data)
