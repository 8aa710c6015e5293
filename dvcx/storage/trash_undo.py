"""Undoing a trash entry: its journal read backwards, each step judged by what is really there.

The journal says what was about to happen, so every step may have happened or not, and an earlier undo that was killed
may have taken some of them back. Whatever stands in the way goes into the entry of this undo first.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from pathlib import Path

from dvcx.base.errors import DvcxError, Refused
from dvcx.base.files import flush, sync_directory, sync_filesystem, temporary_name, write_all
from dvcx.base.moving import move
from dvcx.formats.trash_journal import Absent, Journal, Kept, MadeFolder, Marked, Moved, Renamed, Step
from dvcx.storage.trash_entry import BESIDE, FILES, TrashEntry, look
from dvcx.storage.trash_shelf import shown_name

_KEPT = re.compile(rf"{FILES}/\d+")
_SYNC_ONE_BY_ONE = 16
_TRIES = 10

TakeBackMarks = Callable[[str, str], object]
"""Takes back the marks in a file (second) on the remote of this name (first); raises `DvcxError` where it cannot."""


@dataclass(slots=True)
class Undone:
    """The names that were restored, those of what went away again, and what could not be restored, with the reason."""

    restored: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    left: list[tuple[str, str]] = field(default_factory=list)


class Undoing:
    """One undo: of the entry in `folder`, whose journal this is, into the new entry `entry`."""

    def __init__(
        self, folder: Path, journal: Journal, entry: TrashEntry, take_back_marks: TakeBackMarks, *, durable: bool
    ) -> None:
        self._folder = folder
        self._steps = journal.steps
        self._allowed = journal.header.roots
        self._entry = entry
        self._take_back_marks = take_back_marks
        self._roots = entry.roots
        self._durable = durable
        self._undone = Undone()
        self._touched: set[str] = set()
        self._returned: set[str] = set()
        self._texts: dict[str, Kept] = {}
        self._sources: dict[Path, int] = {}

    def run(self) -> Undone:
        """Takes back all steps, the last one first. What fails is left and told, the rest goes on."""
        try:
            for kind, group in groupby(reversed(self._steps), type):
                self._take_back(kind, [step for step in group if self._is_allowed(step)])
        finally:
            for fd in self._sources.values():
                os.close(fd)
        if self._durable:
            self._flush()
        return self._undone

    def _take_back(self, kind: type[Step], steps: list[Step]) -> None:
        if kind is Moved:
            self._take_back_moves([step for step in steps if isinstance(step, Moved)])
        elif kind is Kept:
            self._take_back_texts([step for step in steps if isinstance(step, Kept)])
        elif kind is Absent:
            self._put_away({each.path: each.name for each in steps if isinstance(each, Absent) and self._is_ours(each)})
        for step in steps:
            if isinstance(step, Renamed):
                self._guarded(self._shown(step.path), partial(self._take_back_rename, step))
            elif isinstance(step, MadeFolder):
                self._remove_if_empty(step.path)
            elif isinstance(step, Marked):
                self._guarded(f"{step.name} on {step.remote}", partial(self._unmark, step))

    def _unmark(self, step: Marked) -> bool:
        self._take_back_marks(step.remote, step.file)
        return True

    def _take_back_moves(self, steps: list[Moved]) -> None:
        todo = [step for step in steps if os.path.lexists(self._folder / step.kept)]
        paths = [step.path for step in todo]
        self._make_room(paths)
        self._entry.announce([*self._folders_for(paths), *map(self._absent, todo)])
        for step in todo:
            self._guarded(step.name, partial(self._bring_back, step))

    def _bring_back(self, step: Moved) -> bool:
        kept = self._folder / step.kept
        for _ in range(_TRIES):
            parent, name = self._roots.parent(step.path, create=True)
            try:
                move(self._source(kept.parent), kept.name, parent, name, durable=self._durable)
            except FileExistsError:
                # Something came back before this, or someone put it here meanwhile.
                self._make_room([step.path])
                self._entry.announce([self._absent(step)])
            else:
                self._touched.add(os.path.dirname(step.path))
                self._returned.add(step.path)
                return True
        raise Refused(f"something stands at {step.path} again and again")

    def _absent(self, step: Moved) -> Absent:
        status = os.lstat(self._folder / step.kept)
        name = step.name if step.name != self._shown(step.path) else ""
        return Absent(step.path, status.st_dev, status.st_ino, name)

    def _is_ours(self, step: Absent) -> bool:
        """Tells whether what stands at the place of a step is to go.

        What came back to it just now came after the step was noted, by someone else; unless it was put there by the
        step, which wanted to bring several things to one place.
        """
        status = self._status(step.path)
        return status is not None and (step.path not in self._returned or _is_same(status, step))

    def _take_back_texts(self, steps: list[Kept]) -> None:
        # Of several records of one file the first one holds; it comes last here.
        first = {step.path: step for step in steps}
        self._texts |= first
        todo = [step for step in first.values() if self._differs(step)]
        written = [step for step in todo if not _says_absent(step)]
        self._put_away({step.path: "" for step in todo if _says_absent(step) or _is_no_file(self._status(step.path))})
        self._make_room([step.path for step in written], only_the_way=True)
        self._entry.announce(self._folders_for([step.path for step in written]))
        self._entry.keep_text(Path(step.path) for step in written)
        for step in written:
            self._guarded(self._shown(step.path), partial(self._write, step))

    def _differs(self, step: Kept) -> bool:
        try:
            return look(self._roots, step.path) != step
        except Refused:
            # A folder stands there; or it lies behind a link, where nothing is ours.
            return self._status(step.path) is not None or not _says_absent(step)

    def _write(self, step: Kept) -> bool:
        parent, name = self._roots.parent(step.path, create=True)
        # Written in the trash: a kill should leave no temporary file among the user's. On another disk it has to.
        beside = os.fstat(parent).st_dev != self._entry.folder.stat().st_dev
        folder = os.dup(parent) if beside else os.open(self._entry.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        temporary = temporary_name("undo")
        try:
            _write_new(folder, temporary, step, durable=self._durable)
            os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=parent)
        except OSError:
            with suppress(OSError):
                os.unlink(temporary, dir_fd=folder)
            raise
        finally:
            os.close(folder)
        self._touched.add(os.path.dirname(step.path))
        return True

    def _take_back_rename(self, step: Renamed) -> bool:
        old, new = self._status(step.path), self._status(step.new_path)
        if _is_same(old, step) or (new is None and old is not None):
            return False  # it never happened, or was taken back already
        if new is None:
            raise Refused(f"{step.new_path} is not there any more")
        if old is not None and not _is_same(new, step) and not self._holds_its_text(step.new_path):
            raise Refused(f"neither {step.path} nor {step.new_path} is what was renamed")
        self._make_room([step.path])
        self._entry.announce(self._folders_for([step.path]))
        self._entry.renamed(Path(step.new_path), Path(step.path))
        source, old_name = self._opened_parent(step.new_path)
        try:
            target, name = self._roots.parent(step.path, create=True)
            move(source, old_name, target, name, durable=self._durable)
        finally:
            os.close(source)
        self._touched |= {os.path.dirname(step.path), os.path.dirname(step.new_path)}
        return True

    def _holds_its_text(self, path: str) -> bool:
        """Tells whether a file is as it was before the operation rewrote it: taking that back made a new file of it."""
        return path in self._texts and not self._differs(self._texts[path])

    def _remove_if_empty(self, path: str) -> None:
        try:
            parent, name = self._roots.parent(path)
            os.rmdir(name, dir_fd=parent)
        except (OSError, Refused):
            return  # it is needed for something else now

    def _make_room(self, paths: Iterable[str], *, only_the_way: bool = False) -> None:
        """Puts away what stands at `paths`, and what is no folder on the way there."""
        in_the_way: dict[str, None] = {}
        for path in paths:
            blocker, _ = self._roots.way_to(path)
            if blocker is not None:
                in_the_way[blocker] = None
            elif not only_the_way and self._status(path) is not None:
                in_the_way[path] = None
        self._move_away(dict.fromkeys(in_the_way, ""))

    def _put_away(self, names: Mapping[str, str]) -> None:
        """Puts away what stands at paths; each is shown by its name or, where that is empty, as the path."""
        self._move_away(names)
        self._undone.removed += (name or self._shown(path) for path, name in names.items())

    def _move_away(self, names: Mapping[str, str]) -> None:
        paths = list(names)
        self._entry.move_all([(Path(path), names[path] or self._shown(path)) for path in paths])
        self._touched |= {os.path.dirname(path) for path in paths}

    def _folders_for(self, paths: Iterable[str]) -> list[Step]:
        return [MadeFolder(folder) for folder in dict.fromkeys(f for p in paths for f in self._roots.way_to(p)[1])]

    def _guarded(self, name: str, action: Callable[[], bool]) -> None:
        try:
            if action():
                self._undone.restored.append(name)
        except OSError as error:
            self._undone.left.append((name, str(error)))
        except DvcxError as error:
            self._undone.left.append((name, error.message))

    def _is_allowed(self, step: Step) -> bool:
        if isinstance(step, Marked):
            return True
        try:
            self._roots.split(step.path)
            if isinstance(step, Renamed):
                self._roots.split(step.new_path)
            if isinstance(step, Moved) and not self._is_kept_here(step.kept):
                raise Refused(f"{step.kept!r} is no place of the trash")
        except Refused as error:
            self._undone.left.append((self._shown(step.path), error.message))
            return False
        return True

    def _is_kept_here(self, kept: str) -> bool:
        if _KEPT.fullmatch(kept):
            return True
        folder, _, number = kept.rpartition("/")
        beside = [f"{root}/{BESIDE}/{self._folder.name}" for root in self._allowed[1:]]
        return folder in beside and number.isdigit()

    def _status(self, path: str) -> os.stat_result | None:
        try:
            return self._roots.status(path)
        except Refused:
            return None  # behind a link: not ours

    def _shown(self, path: str) -> str:
        return shown_name(path, self._allowed[0])

    def _source(self, folder: Path) -> int:
        if folder not in self._sources:
            self._sources[folder] = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        return self._sources[folder]

    def _opened_parent(self, path: str) -> tuple[int, str]:
        folder, name = self._roots.parent(path)
        return os.dup(folder), name

    def _flush(self) -> None:
        if len(self._touched) > _SYNC_ONE_BY_ONE:
            for root in self._allowed:
                if os.path.isdir(root):
                    sync_filesystem(Path(root))
            return
        for folder in self._touched:
            if os.path.isdir(folder):
                sync_directory(Path(folder))


def _write_new(folder: int, name: str, step: Kept, *, durable: bool) -> None:
    if step.link is not None:
        os.symlink(step.link, name, dir_fd=folder)
        return
    fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=folder)
    try:
        write_all(fd, step.text or b"")
        os.fchmod(fd, step.mode)
        if durable:
            flush(fd)
    finally:
        os.close(fd)


def _says_absent(step: Kept) -> bool:
    return step.text is None and step.link is None


def _is_no_file(status: os.stat_result | None) -> bool:
    return status is not None and not stat.S_ISREG(status.st_mode) and not stat.S_ISLNK(status.st_mode)


def _is_same(status: os.stat_result | None, step: Renamed | Absent) -> bool:
    return status is not None and (status.st_dev, status.st_ino) == (step.device, step.inode)
