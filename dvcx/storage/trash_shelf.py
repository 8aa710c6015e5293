"""The entries that lie in a trash folder: listed, read and removed."""

from __future__ import annotations

import fcntl
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dvcx.base.errors import Busy, DamagedData
from dvcx.base.moving import remove_tree
from dvcx.formats.trash_journal import (
    Absent,
    Header,
    Journal,
    Kept,
    MadeFolder,
    Marked,
    Moved,
    Renamed,
    parse_header,
    parse_journal,
)
from dvcx.model.pointer import SUFFIX
from dvcx.storage.trash_entry import BESIDE, FILES, JOURNAL

_ID = re.compile(r"(\d{8}T\d{6}\.\d{6})-[a-z][a-z-]*-[0-9a-f]{8}")
_STAMP = "%Y%m%dT%H%M%S.%f"
_GOING = ".going-"
_POINTER_MOST = 1 << 20
"""A file of more bytes is no pointer, whatever it is called."""


@dataclass(frozen=True, slots=True)
class EntryInfo:
    """An entry of the trash: `when` in seconds since 1970, `items` it can bring back, the `bytes` it holds, names."""

    id: str
    operation: str
    when: float
    project: Path
    items: int
    bytes: int
    names: tuple[str, ...]


class Shelf:
    """The entries in the folder `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def ids(self) -> list[str]:
        """Gives the names of all entries, the oldest first."""
        with suppress(FileNotFoundError):
            return sorted(name for name in os.listdir(self.root) if _ID.fullmatch(name))
        return []

    def new_id(self, operation: str, now: float, random: str) -> str:
        """Gives a name for an entry made `now` (seconds since 1970); it comes after all others."""
        stamp = datetime.fromtimestamp(now, UTC)
        if ids := self.ids():
            stamp = max(stamp, datetime.fromtimestamp(time_of(ids[-1]), UTC) + timedelta(microseconds=1))
        entry_id = f"{stamp.strftime(_STAMP)}-{operation}-{random}"
        if not _ID.fullmatch(entry_id):
            raise ValueError(f"{operation!r} cannot name an operation")
        return entry_id

    def header(self, entry_id: str) -> Header | None:
        """Gives the first line of an entry's journal, or None when it cannot be read."""
        path = self.root / entry_id / JOURNAL
        try:
            with open(path, "rb") as file:
                return parse_header(file.readline(), str(path))
        except (FileNotFoundError, NotADirectoryError, DamagedData):
            return None

    def journal(self, entry_id: str) -> Journal | None:
        """Gives an entry's journal, or None when it cannot be read."""
        path = self.root / entry_id / JOURNAL
        try:
            return parse_journal(path.read_bytes(), str(path))
        except (FileNotFoundError, NotADirectoryError, DamagedData):
            return None

    def info(self, entry_id: str) -> EntryInfo | None:
        """Gives what there is to say of an entry, or None when its journal cannot be read."""
        journal = self.journal(entry_id)
        if journal is None:
            return None
        header, folder = journal.header, self.root / entry_id
        names = tuple(shown_names(journal, folder))
        held = sum(_bytes_below(place) for place in (folder / FILES, *_beside(entry_id, header)))
        return EntryInfo(entry_id, header.operation, header.when, Path(header.roots[0]), len(names), held, names)

    @contextmanager
    def held(self, entry_id: str) -> Iterator[None]:
        """Holds an entry so that nobody else changes it; raises `Busy` while its operation is under way."""
        try:
            fd = os.open(self.root / entry_id / JOURNAL, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            yield  # killed before its first line
            return
        try:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Busy(
                    f"the operation that writes the trash entry {entry_id} is still under way",
                    "wait until it ends and run the command again",
                ) from None
            yield
        finally:
            os.close(fd)

    def kept_in(self, entry_id: str, header: Header) -> Iterator[Path]:
        """Gives the path of everything that was moved to an entry and is still there."""
        for folder in [self.root / entry_id / FILES, *_beside(entry_id, header)]:
            with suppress(FileNotFoundError):
                yield from (folder / name for name in sorted(os.listdir(folder)) if name.isdigit())

    def remove(self, entry_id: str) -> None:
        """Removes an entry with all that it holds, for good; after a kill in the middle `sweep` goes on."""
        going = self.root / (_GOING + entry_id)
        header = self.header(entry_id)
        (self.root / entry_id).rename(going)
        self._remove_going(going.name, entry_id, header)

    def sweep(self) -> None:
        """Removes what killed removals left."""
        with suppress(FileNotFoundError):
            for name in os.listdir(self.root):
                if name.startswith(_GOING):
                    self._remove_going(name, name.removeprefix(_GOING), self.header(name))

    def _remove_going(self, name: str, entry_id: str, header: Header | None) -> None:
        for folder in [*_beside(entry_id, header), self.root / name]:
            with suppress(FileNotFoundError):
                _remove(folder)

    def pointer_texts(self, entry_id: str) -> Iterator[bytes]:
        """Gives the text of every pointer that undoing the entry could bring back."""
        journal = self.journal(entry_id)
        for step in journal.steps if journal else ():
            if isinstance(step, Kept) and step.path.endswith(SUFFIX) and step.text is not None:
                yield step.text
            elif isinstance(step, Moved):
                yield from _pointers_in(self.root / entry_id / step.kept, step.path)


def time_of(entry_id: str) -> float:
    """Gives the time in an entry's name, in seconds since 1970."""
    return datetime.fromisoformat(entry_id.split("-")[0]).replace(tzinfo=UTC).timestamp()


def shown_names(journal: Journal, folder: Path) -> Iterator[str]:
    """Gives the names of what undoing an entry would bring back or take away, as far as it is still there."""
    project = journal.header.roots[0]
    for step in journal.steps:
        match step:
            case Moved(_, kept, name):
                if os.path.lexists(folder / kept):
                    yield name
            case Kept(path) | Renamed(path):
                yield shown_name(path, project)
            case Absent(path, name=name):
                if os.path.lexists(path):
                    yield name or shown_name(path, project)
            case Marked(remote, _, name):
                yield f"{name} on {remote}"
            case MadeFolder():
                pass


def shown_name(path: str, project: str) -> str:
    """Gives a path relative to the project, as people know it."""
    return path.removeprefix(project + "/")


def _beside(entry_id: str, header: Header | None) -> list[Path]:
    return [Path(root) / BESIDE / entry_id for root in (header.roots[1:] if header else ())]


def _remove(path: Path) -> None:
    parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        remove_tree(parent, path.name)
    finally:
        os.close(parent)


def _bytes_below(folder: Path) -> int:
    total = 0
    for at, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                total += os.lstat(os.path.join(at, name)).st_size
    return total


def _pointers_in(kept: Path, original: str) -> Iterator[bytes]:
    try:
        mode = kept.lstat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(mode):
        for at, _, names in os.walk(kept):
            for name in names:
                if name.endswith(SUFFIX):
                    yield from _small_text(Path(at) / name)
    elif original.endswith(SUFFIX):
        yield from _small_text(kept)


def _small_text(path: Path) -> Iterator[bytes]:
    status = path.lstat()
    if stat.S_ISREG(status.st_mode) and status.st_size <= _POINTER_MOST:
        yield path.read_bytes()
