"""One entry of the trash: what an operation takes away goes into it, noted in its journal before it happens."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from dvcx.base.errors import Refused
from dvcx.base.files import flush, naming_full_disk, sync_directory, write_all
from dvcx.base.folders import Roots, make_folder
from dvcx.base.moving import move, remove_tree
from dvcx.formats.trash_journal import Header, Journal, Kept, Moved, Renamed, Step, dump_header, dump_steps

JOURNAL = "journal.jsonl"
FILES = "files"
BESIDE = "trash"
"""The folder in a cache on another disk that holds what leaves it: garbage should not travel between disks."""


class TrashEntry:
    """What one operation takes away; `id` is its name. Nothing is written before there is something to keep."""

    def __init__(self, root: Path, entry_id: str, header: Header, *, durable: bool) -> None:
        self.id = entry_id
        self.folder = root / entry_id
        self.header = header
        self._durable = durable
        self._journal = -1
        self._length = 0
        self._count = 0
        self._happened = False
        self._kept: list[Kept] = []
        self._open_fds = ExitStack()
        self._folders: dict[str, Path | None] = {}
        self._targets: dict[Path, int] = {}
        self.roots = self._open_fds.enter_context(Roots(header.roots))

    def resume(self, journal: Journal) -> None:
        """Goes on writing an entry that was interrupted, behind the last whole line of its journal."""
        self._open_journal(os.O_WRONLY)
        os.ftruncate(self._journal, journal.length)
        os.lseek(self._journal, 0, os.SEEK_END)
        self._length = journal.length
        self._count = 1 + max(_numbers(journal.steps, self.folder), default=-1)
        self._happened = True

    def move_all(self, items: Sequence[tuple[Path, str]]) -> None:
        """Moves files, folders and links (absolute path, name to show) here; what is not there is passed over.

        What leaves a cache on another disk is kept on that disk, in the cache's folder `trash`. Raises `Refused` for a
        path outside the roots, before anything is moved, or behind a symbolic link, and `OSError` as renaming and
        copying do; what was moved by then can be brought back.
        """
        self.roots.release()
        steps: list[Moved] = []
        for path, name in items:
            folder = self._folder_for(self.roots.split(str(path))[0])
            number = str(self._count + len(steps))
            kept = f"{FILES}/{number}" if folder is None else str(folder / number)
            steps.append(Moved(str(path), kept, name))
        self._note(steps)
        self._count += len(steps)
        for step in steps:
            self._move(step)

    def keep_text(self, paths: Iterable[Path]) -> None:
        """Remembers what small files (pointers, .gitignore) hold, or that they are not there, before they change.

        Raises `Refused` for a path outside the roots, and for what is neither a file nor a link.
        """
        self.roots.release()
        steps = [look(self.roots, str(path)) for path in paths]
        self._note(steps)
        self._kept += steps

    def renamed(self, path: Path, new_path: Path) -> None:
        """Remembers a rename that the caller is about to do."""
        self.renamed_all([(path, new_path)])

    def renamed_all(self, pairs: Iterable[tuple[Path, Path]]) -> None:
        """Remembers renames (old path, new path) that the caller is about to do."""
        self.roots.release()
        steps: list[Step] = []
        for path, new_path in pairs:
            self.roots.split(str(new_path))
            status = self.roots.status(str(path))
            if status is not None:
                steps.append(Renamed(str(path), str(new_path), status.st_dev, status.st_ino))
        self.announce(steps)

    def announce(self, steps: Sequence[Step]) -> None:
        """Notes what an undo is about to do by itself."""
        self._note(steps)
        self._happened = self._happened or bool(steps)

    def _note(self, steps: Sequence[Step]) -> None:
        """Writes steps into the journal and flushes them; raises `OSError` as writing does."""
        if not steps:
            return
        with naming_full_disk(self.folder):
            if self._journal < 0:
                self._create()
            self._write(dump_steps(steps), durable=self._durable)

    def close(self) -> None:
        """Ends the entry; one in which nothing happened removes itself."""
        self.roots.release()
        with self._open_fds:
            if self._journal >= 0 and not self._happened and not self._texts_changed():
                self._remove()
        self._journal = -1

    def _texts_changed(self) -> bool:
        try:
            return any(look(self.roots, kept.path) != kept for kept in self._kept)
        except (OSError, Refused):
            return True

    def _remove(self) -> None:
        parent = os.open(self.folder.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            remove_tree(parent, self.id)
        finally:
            os.close(parent)

    def _create(self) -> None:
        make_folder(self.folder / FILES, durable=self._durable)
        self._open_journal(os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        self._write(dump_header(self.header), durable=False)  # flushed with the first step
        if self._durable:
            sync_directory(self.folder)

    def _open_journal(self, flags: int) -> None:
        self._journal = os.open(self.folder / JOURNAL, flags | os.O_CLOEXEC, 0o644)
        # Held until the entry ends: what is under way is neither undone nor expired.
        self._open_fds.callback(os.close, self._journal)
        fcntl.flock(self._journal, fcntl.LOCK_EX)

    def _write(self, data: bytes, *, durable: bool) -> None:
        try:
            write_all(self._journal, data)
        except OSError:
            os.ftruncate(self._journal, self._length)  # no half line for the next one to continue
            os.lseek(self._journal, 0, os.SEEK_END)
            raise
        self._length += len(data)
        if durable:
            flush(self._journal)

    def _folder_for(self, root: str) -> Path | None:
        """Gives where things from one of the roots are kept, or None for the entry's own folder."""
        if root == self.header.roots[0]:
            return None
        if root not in self._folders:
            own = _device_of(self.folder) == _device_of(Path(root))
            self._folders[root] = None if own else Path(root) / BESIDE / self.id
        return self._folders[root]

    def _open_target(self, folder: Path) -> int:
        if folder not in self._targets:
            make_folder(folder, durable=self._durable)
            fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            self._open_fds.callback(os.close, fd)
            self._targets[folder] = fd
        return self._targets[folder]

    def _move(self, step: Moved) -> None:
        kept = self.folder / step.kept
        try:
            target = self._open_target(kept.parent)
            parent, name = self.roots.parent(step.path)
            move(parent, name, target, kept.name, durable=self._durable)
        except (FileNotFoundError, NotADirectoryError):
            if self.roots.status(step.path) is not None:
                raise  # it is there, and something in it went away while it was copied to another disk
            return
        self._happened = True


def look(roots: Roots, path: str) -> Kept:
    """Gives what a small file or link holds at present; raises `Refused` when `path` is something else."""
    status = roots.status(path)
    if status is None:
        return Kept(path)
    parent, name = roots.parent(path)
    if stat.S_ISLNK(status.st_mode):
        return Kept(path, link=os.readlink(name, dir_fd=parent))
    if not stat.S_ISREG(status.st_mode):
        raise Refused(f"{path} is not a file", names=[path])
    fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    with open(fd, "rb") as file:
        return Kept(path, file.read(), None, stat.S_IMODE(status.st_mode) & 0o777)


def _numbers(steps: Iterable[Step], folder: Path) -> Iterator[int]:
    names = [step.kept.rpartition("/")[2] for step in steps if isinstance(step, Moved)]
    for name in [*names, *os.listdir(folder / FILES)]:
        if name.isdigit():
            yield int(name)


def _device_of(path: Path) -> int:
    while True:
        try:
            return path.stat().st_dev
        except OSError as error:
            if error.errno != errno.ENOENT or path.parent == path:
                raise
            path = path.parent
