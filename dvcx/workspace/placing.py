"""Giving staged files their places in the workspace, never through a link and never over what nobody planned for."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from dvcx.base.errors import Refused
from dvcx.base.files import sync_filesystem_of
from dvcx.base.hashing import Algorithm
from dvcx.base.moving import brought_over, is_brought_over, remove_tree, rename_new
from dvcx.base.paths import open_folder
from dvcx.workspace.plan import Action, ActionKind
from dvcx.workspace.staging import Staged
from dvcx.workspace.symlinks import is_cache_link

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class Keeper(Protocol):
    """What keeps files that leave the workspace; see `storage/trash.py`."""

    def move_all(self, items: Sequence[tuple[Path, str]]) -> None:
        """Moves each absolute path, shown as the second part, to where `undo` finds it."""


class Placing:
    """Puts what lies in `scratch` into the project at `root`; used as a context. Errors name paths of the project."""

    def __init__(self, root: Path, scratch: Path, algorithm: Algorithm, keeper: Keeper, *, durable: bool) -> None:
        self._root = root
        self._algorithm = algorithm
        self._keeper = keeper
        self._durable = durable
        self._scratch_fd = os.open(scratch, _FOLDER)
        self._root_fd = os.open(root, _FOLDER)
        self._folder: tuple[str, int] | None = None
        self._touched: dict[int, int] = {}
        """A folder's descriptor for each device on which something changed."""
        self._swept: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._leave_folder()
        for fd in (*self._touched.values(), self._root_fd, self._scratch_fd):
            os.close(fd)

    def check_ways(self, actions: Sequence[Action]) -> None:
        """Raises `Refused` when a folder that an action lies in is a symbolic link, before anything is done."""
        leaving = {action.path for action in actions if action.kind is ActionKind.DELETE}
        for folder in {action.path.rpartition("/")[0] for action in actions}:
            if not leaving.isdisjoint(_upwards(folder)):
                continue  # whatever stands there leaves its place first
            try:
                os.close(open_folder(self._root_fd, _parts(folder)))
            except (FileNotFoundError, NotADirectoryError):
                continue  # it will be made

    def put(self, actions: Iterable[Action], staged: Mapping[str, Staged]) -> None:
        """Does the actions in their order. Raises `OSError` as renaming does."""
        for action in actions:
            name = action.path.rpartition("/")[2]
            with self._naming(action.path):
                if action.kind is ActionKind.DELETE:
                    self._unlink(action.path)
                    continue
                folder = self._enter(action.path, create=True)
                if action.kind is ActionKind.CREATE:
                    self._put_new(staged[action.path], name, folder)
                else:
                    self._rename(staged[action.path], name, folder, over=True)

    def remove_empty(self, folders: Iterable[str]) -> None:
        """Removes those of `folders` that hold nothing."""
        for path in sorted(folders, key=len, reverse=True):
            try:
                with self._naming(path):
                    os.rmdir(path.rpartition("/")[2], dir_fd=self._enter(path, create=False))
            except Refused:
                continue  # what lies behind a link is not ours
            except OSError as error:
                # EBUSY: a disk is mounted there.
                if error.errno not in (errno.ENOTEMPTY, errno.ENOENT, errno.ENOTDIR, errno.EEXIST, errno.EBUSY):
                    raise

    def flush(self) -> None:
        """Makes the new names survive a power cut, where that was asked for."""
        for fd in self._touched.values() if self._durable else ():
            sync_filesystem_of(fd, str(self._root))

    def _unlink(self, path: str) -> None:
        try:
            os.unlink(path.rpartition("/")[2], dir_fd=self._enter(path, create=False))
        except FileNotFoundError:
            pass  # it went to the trash, or someone removed it first

    def _put_new(self, staged: Staged, name: str, folder: int) -> None:
        try:
            self._rename(staged, name, folder, over=False)
        except FileExistsError:
            if _is_dead_link(name, folder, self._algorithm):
                self._rename(staged, name, folder, over=True)
                return
            # Someone made it after the workspace was looked at.
            self._keeper.move_all([(self._root / staged.path, staged.path)])
            self._rename(staged, name, folder, over=False)

    def _rename(self, staged: Staged, name: str, folder: int, *, over: bool) -> None:
        source = os.path.basename(staged.place)
        try:
            _rename(self._scratch_fd, source, folder, name, over=over)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            # The folder is a disk of its own, so nothing can be renamed into it.
            self._sweep(folder)
            with brought_over(self._scratch_fd, source, folder, durable=self._durable) as copy:
                _rename(folder, copy, folder, name, over=over)

    def _sweep(self, folder: int) -> None:
        """Removes the copies that a killed run left here: nobody else works on this folder while we hold the lock."""
        assert self._folder is not None
        if self._folder[0] in self._swept:
            return
        self._swept.add(self._folder[0])
        for name in os.listdir(folder):
            if is_brought_over(name):
                remove_tree(folder, name)

    def _enter(self, path: str, *, create: bool) -> int:
        parent = path.rpartition("/")[0]
        if self._folder is None or self._folder[0] != parent:
            self._leave_folder()
            fd = open_folder(self._root_fd, _parts(parent), create=create)
            self._folder = parent, fd
            device = os.fstat(fd).st_dev
            if device not in self._touched:
                self._touched[device] = os.dup(fd)
        return self._folder[1]

    def _leave_folder(self) -> None:
        if self._folder is not None:
            os.close(self._folder[1])
            self._folder = None

    @contextmanager
    def _naming(self, path: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self._root / path)) from error


def _parts(folder: str) -> Sequence[str]:
    return folder.split("/") if folder else ()


def _upwards(folder: str) -> Iterator[str]:
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]


def _rename(source: int, name: str, target: int, new_name: str, *, over: bool) -> None:
    if over:
        os.rename(name, new_name, src_dir_fd=source, dst_dir_fd=target)
    else:
        rename_new(source, name, target, new_name)


def _is_dead_link(name: str, folder: int, algorithm: Algorithm) -> bool:
    """Tells whether `name` is a link that dvcx made, to a cached object that is gone: nothing is lost with it."""
    try:
        text = os.readlink(name, dir_fd=folder)
    except OSError:
        return False
    return is_cache_link(text, algorithm) and not os.path.lexists(text)
