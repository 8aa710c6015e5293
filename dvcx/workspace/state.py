"""The state: what each file of the workspace looked like when it was last hashed.

A hint, never the truth: a row counts only while size, modification time, change time and inode of the file are the
same, and the whole database can be deleted or damaged without changing any result.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from os import stat_result
from pathlib import Path

import msgspec

from dvcx.base.hashing import checksum
from dvcx.workspace.placed import Placed

_SCHEMA_VERSION = 2
FINE_GRAIN = 20_000_000
"""Nanoseconds that the clock of a file system with fine times may stand still."""
_COARSE_GRAIN = 2_000_000_000
_SECOND = 1_000_000_000


class Seen(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A file as it was when its content had `digest`; times in nanoseconds."""

    size: int
    mtime: int
    ctime: int
    inode: int
    digest: bytes

    def fits(self, now: stat_result) -> bool:
        """Tells whether the file still looks the same, so that its digest still holds."""
        return (
            self.size == now.st_size
            and self.mtime == now.st_mtime_ns
            and self.ctime == now.st_ctime_ns
            and self.inode == now.st_ino
        )


def seen(stat: stat_result, digest: bytes) -> Seen:
    """Gives what is remembered of a file that had this `stat` when its content had `digest`."""
    return Seen(stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino, digest)


def is_settled(stat: stat_result, began: int) -> bool:
    """Tells whether a later write would change the file's times, seen from hashing that began at `began` (ns).

    A file system's clock ticks every few milliseconds (or seconds, then its times are whole seconds), so two writes in
    one tick leave the same times. Only a file that was quiet for longer than a tick before it was read is believed.
    """
    latest = max(stat.st_mtime_ns, stat.st_ctime_ns)
    coarse = stat.st_mtime_ns % _SECOND == 0 and stat.st_ctime_ns % _SECOND == 0
    return latest < began - (_COARSE_GRAIN if coarse else FINE_GRAIN)


FolderRows = dict[str, Seen]


class State:
    """What is remembered of the files below one project root, a database row a folder.

    Opening writes nothing. A database that is missing, locked, damaged or of another version reads as empty; what
    cannot be written is left unwritten. Each row has a checksum: a flipped bit must not make a file look modified.
    With `keep_young` it also knows, until it is closed, files too young for later commands to believe in their times.
    """

    def __init__(self, path: Path, *, keep_young: bool = False) -> None:
        self._path = path
        self._young: dict[str, Seen] | None = {} if keep_young else None
        self._connection: sqlite3.Connection | None = None
        self._broken = False
        self._waiting: dict[str, FolderRows] = {}
        self._placed = Placed(path.with_name("placed.json"))
        self._decoder = msgspec.msgpack.Decoder(dict[str, Seen])
        self._last: tuple[str, FolderRows] | None = None

    def folder(self, path: str) -> Mapping[str, Seen]:
        """Gives what is remembered of the files directly in the folder `path` (relative, "" for the root)."""
        if path in self._waiting:
            return self._waiting[path]
        # Who looks at files one by one asks for the same folder again and again.
        if self._last is None or self._last[0] != path:
            self._last = path, self._read(path)
        return self._last[1]

    def young(self, path: str) -> Seen | None:
        """Gives what a file was when this command hashed it, when it was too young to be remembered for others."""
        return self._young.get(path) if self._young is not None else None

    def note_young(self, path: str, row: Seen) -> None:
        """Takes note of such a file."""
        if self._young is not None:
            self._young[path] = row

    def remember(self, path: str, rows: FolderRows) -> None:
        """Notes all files of a folder; written at the next `save`."""
        self._waiting[path] = rows

    def baseline(self, path: str) -> bytes | None:
        """Gives the digest of what was last added at or checked out to `path`, when that is recorded."""
        return self._placed.get(path)

    def baselines(self) -> dict[str, bytes]:
        """Gives all paths of which a baseline is recorded."""
        return self._placed.all()

    def tracked_then(self, path: str) -> bytes | None:
        """Gives the digest that the pointer of `path` named when its baseline was recorded."""
        return self._placed.tracked(path)

    def set_baseline(self, path: str, digest: bytes | None, tracked: bytes | None = None) -> None:
        """Records the digest of what `path` now is by our own doing; None forgets it.

        `tracked` is what its pointer names, where that is more than what is here.
        """
        self._placed.set(path, digest, tracked)

    def follows_links(self, path: str) -> bool:
        """Tells whether the user had symbolic links followed in what is tracked at `path`."""
        return self._placed.follows(path)

    def set_follows_links(self, path: str, follows: bool) -> None:
        """Records whether the user has them followed."""
        self._placed.set_follows(path, follows)

    def save(self) -> None:
        """Writes what was noted. That hints could not be written is no error; raises `OSError` for the baselines."""
        self._placed.save()
        if not self._waiting:
            return
        try:
            connection = self._open(create=True)
            if connection is not None:
                with connection:
                    connection.executemany(
                        "INSERT OR REPLACE INTO folders VALUES (?, ?)",
                        [(path, _sealed(path, msgspec.msgpack.encode(rows))) for path, rows in self._waiting.items()],
                    )
        except (sqlite3.OperationalError, OSError):
            pass  # busy for too long, read-only, or a full disk
        except sqlite3.Error:
            self._discard()
        self._waiting.clear()
        self._last = None

    def close(self) -> None:
        """Saves and closes."""
        self.save()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _read(self, path: str) -> FolderRows:
        blob = None
        try:
            connection = self._open(create=False)
            if connection is not None:
                blob = connection.execute("SELECT files FROM folders WHERE path = ?", (path,)).fetchone()
        except sqlite3.OperationalError:
            return {}  # busy for too long, or unreadable just now
        except sqlite3.Error:
            self._discard()
        if blob is None or not isinstance(blob[0], bytes):
            return {}
        rows = blob[0][_SEAL:]
        try:
            return self._decoder.decode(rows) if _sealed(path, rows) == blob[0] else {}
        except msgspec.DecodeError:
            return {}

    def _open(self, *, create: bool) -> sqlite3.Connection | None:
        if self._connection is not None:
            return self._connection
        if self._broken or not (create or self._path.exists()):
            return None
        if create:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, timeout=2.0 if create else 0.3, check_same_thread=False)
        try:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version != _SCHEMA_VERSION:
                if not create:
                    connection.close()
                    return None
                _set_up(connection)
            # The state may be lost in a power cut, so it never waits for the disk.
            connection.execute("PRAGMA synchronous = OFF")
        except sqlite3.Error:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _discard(self) -> None:
        """Removes a database that cannot be used, so that the next command starts a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._broken = True
        for suffix in ("", "-wal", "-shm", "-journal"):
            try:
                self._path.with_name(self._path.name + suffix).unlink()
            except OSError:
                pass


_SEAL = 16
"""The bytes of a row's checksum, which stands before it."""


def _sealed(path: str, rows: bytes) -> bytes:
    return checksum(path.encode("utf-8", "surrogatepass") + b"\0" + rows) + rows


def _set_up(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    with connection:
        connection.execute("DROP TABLE IF EXISTS folders")
        connection.execute("CREATE TABLE folders (path TEXT PRIMARY KEY, files BLOB) WITHOUT ROWID")
        connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
