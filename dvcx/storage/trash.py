"""The trash: what garbage collections and forced commands take away stays here for a while, and can be brought back."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dvcx.base.errors import Busy, MissingData, Refused
from dvcx.base.files import Durability
from dvcx.base.locks import FileLock
from dvcx.formats.trash_journal import Header, Journal, Moved, relocated
from dvcx.storage.trash_entry import TrashEntry
from dvcx.storage.trash_shelf import EntryInfo, Shelf, time_of
from dvcx.storage.trash_undo import TakeBackMarks, Undoing

_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class UndoResult:
    """What an undo did: the entry it took back, the names it restored, and those it could not, each with the reason.

    `removed` are the names of what went away again (into the entry `undo_id`): what is restored is none of these.
    `undo_id` is the entry that takes this undo back; None when nothing had to be done.
    """

    id: str
    operation: str
    restored: tuple[str, ...]
    removed: tuple[str, ...]
    left: tuple[tuple[str, str], ...]
    undo_id: str | None


class Trash:
    """The trash in the folder `root`; all worktrees of a repository share it."""

    def __init__(self, root: Path, durability: Durability = "full", clock: Callable[[], float] = time.time) -> None:
        self.root = root
        self._durable = durability == "full"
        self._clock = clock
        self._shelf = Shelf(root)

    @contextmanager
    def entry(self, operation: str, project: Path, *others: Path) -> Iterator[TrashEntry]:
        """Gives a context in which `operation` puts away what it takes from below `project` or one of the `others`.

        The paths are absolute. An entry in which nothing happened removes itself; one whose process is killed, or that
        ends in an error, stays and can be undone.
        """
        entry = self._new_entry(operation, (str(project), *map(str, others)), None)
        try:
            yield entry
        finally:
            entry.close()

    def entries(self) -> list[EntryInfo]:
        """Gives all entries, the oldest first; those whose journal cannot be read are passed over."""
        return [info for entry_id in self._shelf.ids() if (info := self._shelf.info(entry_id)) is not None]

    def undo(
        self, project: Path, entry_id: str | None = None, take_back_marks: TakeBackMarks | None = None
    ) -> UndoResult:
        """Takes back what an entry did: the last one of `project`, or the one with this id.

        Whatever stands where something returns to goes to a new entry, so that undoing again takes this undo back. An
        undo that was interrupted is finished by the next one. If the project of the named entry is not where it was,
        its things return to `project`. `take_back_marks` knows the remotes. Raises `MissingData` when there is no such
        entry, `Busy` when its operation is under way.
        """
        with FileLock(self.root / "lock", f"the trash {self.root}").exclusive():
            target, undo_id = self._choose(str(project), entry_id)
            with self._shelf.held(target):
                journal = self._shelf.journal(target)
                if journal is None:
                    raise _no_entry(target)
                home = journal.header.roots[0]
                if home != str(project) and not os.path.isdir(home):
                    journal = relocated(journal, home, str(project))
                return self._undo(target, journal, undo_id, take_back_marks or _no_remotes)

    def expired(self, older_than: float, now: float) -> tuple[str, ...]:
        """Gives the ids of entries whose time lies more than `older_than` seconds before `now` (since 1970)."""
        return tuple(entry_id for entry_id in self._shelf.ids() if now - self._when(entry_id) > older_than)

    def expire(self, older_than: float, now: float) -> tuple[str, ...]:
        """Deletes the expired entries for good and gives their ids."""
        gone = []
        for entry_id in self.expired(older_than, now):
            try:
                with self._shelf.held(entry_id):
                    self._shelf.remove(entry_id)
            except (Busy, FileNotFoundError):
                continue  # under way, or removed by someone else
            gone.append(entry_id)
        self._shelf.sweep()
        return tuple(gone)

    def pointer_texts(self, without: Collection[str] = ()) -> Iterator[bytes]:
        """Gives the text of every pointer that an undo could bring back: what it stands for must stay in the cache.

        Entries `without` do not count.
        """
        for entry_id in self._shelf.ids():
            if entry_id not in without:
                yield from self._shelf.pointer_texts(entry_id)

    def _when(self, entry_id: str) -> float:
        header = self._shelf.header(entry_id)
        # Without a readable first line only its name tells the time; leave one alone that is just being made.
        return header.when if header else time_of(entry_id) + _DAY

    def _new_entry(self, operation: str, roots: tuple[str, ...], undoes: str | None) -> TrashEntry:
        now = self._clock()
        entry_id = self._shelf.new_id(operation, now, secrets.token_hex(4))
        return TrashEntry(self.root, entry_id, Header(operation, now, roots, undoes), durable=self._durable)

    def _choose(self, project: str, entry_id: str | None) -> tuple[str, str | None]:
        """Gives the entry to take back, and an undo of it that was interrupted, if there is one."""
        headers = {each: header for each in self._shelf.ids() if (header := self._shelf.header(each)) is not None}
        if entry_id is None:
            own = [each for each, header in headers.items() if header.roots[0] == project]
            if not own:
                raise MissingData(f"there is nothing to undo in {project}")
            entry_id = own[-1]
            if (undoes := headers[entry_id].undoes) is not None and undoes in headers:
                return undoes, entry_id
        elif entry_id not in headers:
            raise _no_entry(entry_id)
        unfinished = [each for each, header in headers.items() if header.undoes == entry_id]
        return entry_id, unfinished[-1] if unfinished else None

    def _undo(self, target: str, journal: Journal, undo_id: str | None, take_back_marks: TakeBackMarks) -> UndoResult:
        entry = self._undo_entry(target, journal.header.roots, undo_id)
        try:
            undone = Undoing(self.root / target, journal, entry, take_back_marks, durable=self._durable).run()
        finally:
            entry.close()
        left = [*undone.left, *self._unexplained(target, journal)]
        if not left:
            self._shelf.remove(target)
        undo = entry.id if entry.folder.is_dir() else None
        restored = dict.fromkeys(undone.restored)
        # What went away only to make room for what it once was is restored.
        removed = (name for name in dict.fromkeys(undone.removed) if name not in restored)
        return UndoResult(target, journal.header.operation, tuple(restored), tuple(removed), tuple(left), undo)

    def _undo_entry(self, target: str, roots: tuple[str, ...], undo_id: str | None) -> TrashEntry:
        before = self._shelf.journal(undo_id) if undo_id is not None else None
        if undo_id is None or before is None or before.header.roots != roots:
            return self._new_entry("undo", roots, target)
        entry = TrashEntry(self.root, undo_id, before.header, durable=self._durable)
        entry.resume(before)
        return entry

    def _unexplained(self, target: str, journal: Journal) -> Iterator[tuple[str, str]]:
        """Gives what the entry still holds although its journal does not say where it belongs."""
        known = {self.root / target / step.kept for step in journal.steps if isinstance(step, Moved)}
        for place in self._shelf.kept_in(target, journal.header):
            if place not in known:
                yield str(place), "its line in the journal is gone"
        if journal.unreadable:
            yield str(self.root / target), f"{journal.unreadable} lines of its journal cannot be read"


def _no_remotes(remote: str, file: str) -> None:
    raise Refused(f"what was marked on {remote} can be taken back only where that remote is known", names=[remote])


def _no_entry(entry_id: str) -> MissingData:
    return MissingData(f"there is no entry {entry_id} in the trash", "`dvcx undo --list` shows the entries")
