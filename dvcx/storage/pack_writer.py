"""Writing packs: payloads into a temporary file, its table and footer at the end."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from dvcx.base.files import write_all
from dvcx.base.hashing import Algorithm
from dvcx.formats.pack import HEADER_SIZE, TARGET_SIZE, dump_footer, dump_header, pack_name
from dvcx.formats.table import Encoding, Record, Role, dump_table

_FLUSH_AT = 4 << 20
"""Bytes gathered before they are written: large writes cost far less than one a small file."""


class FinishedPack(NamedTuple):
    """A whole pack in a temporary file, not yet flushed to the disk or named."""

    name: str
    temporary: Path
    size: int
    table: bytes


class PackFile:
    """One pack being written to a new file at `path`."""

    def __init__(self, path: Path, algorithm: Algorithm) -> None:
        self._path = path
        self._algorithm = algorithm
        self._header = dump_header(algorithm)
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444)
        self._waiting: list[bytes] = [self._header]
        self._waiting_size = HEADER_SIZE
        self._records: list[Record] = []
        self.offset = HEADER_SIZE

    @property
    def is_full(self) -> bool:
        """Tells whether the pack has reached its size."""
        return self.offset >= TARGET_SIZE

    def add(self, role: Role, digest: bytes, data: bytes) -> None:
        """Appends one payload; raises `OSError` as writing does."""
        self._append(Record(digest, role, Encoding.RAW, 0, 0, self.offset, len(data), len(data)), data)

    def add_stored(self, record: Record, stored: bytes) -> None:
        """Appends a payload as it stands in another pack, where `record` describes it."""
        self._append(record._replace(pack=0, offset=self.offset), stored)

    def _append(self, record: Record, stored: bytes) -> None:
        self._records.append(record)
        self._waiting.append(stored)
        self._waiting_size += len(stored)
        self.offset += len(stored)
        if self._waiting_size >= _FLUSH_AT:
            self._flush()

    def finish(self) -> FinishedPack:
        """Writes the table and the footer and closes the file."""
        table = dump_table(self._records, self._algorithm.digest_size)
        self._waiting += [table, dump_footer(self._header, table, self.offset, len(self._records))]
        self._flush()
        size = os.fstat(self._fd).st_size
        os.close(self._fd)
        self._fd = -1
        return FinishedPack(pack_name(table), self._path, size, table)

    def abandon(self) -> None:
        """Closes the file without finishing it."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _flush(self) -> None:
        write_all(self._fd, b"".join(self._waiting))
        self._waiting.clear()
        self._waiting_size = 0
