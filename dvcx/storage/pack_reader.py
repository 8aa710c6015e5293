"""Reading payloads out of one pack: neighbours in one read, never more than the file has."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from dvcx.base.files import read_exactly
from dvcx.formats.payload import decode_payload
from dvcx.formats.table import Encoding, Record

_WINDOW = 4 << 20
"""Neighbouring objects are read together, up to this many bytes at once."""
_GAP = 64 << 10
"""Reading over a gap of this many bytes is cheaper than another read."""


class OpenPack(NamedTuple):
    """A pack opened to read payloads; `size` is the bytes of the file."""

    fd: int
    size: int

    def read_run(self, run: Sequence[Record]) -> memoryview:
        """Gives the bytes of neighbours in one read, from the first one's offset on."""
        start = run[0].offset
        # Never ask for more than the file has, whatever its table claims.
        length = min(max(record.offset + record.stored for record in run), self.size) - start
        return memoryview(_read(self.fd, max(length, 0), start))

    def stored(self, records: Iterable[Record]) -> Iterator[tuple[Record, bytes | None]]:
        """Gives each record, by offset, with the bytes of its payload, or None where the disk cannot read them."""
        for run in runs_of(records):
            try:
                data = self.read_run(run)
            except FileNotFoundError:
                raise
            except OSError:
                yield from self._one_by_one(run)
            else:
                yield from ((record, stored_in(data, run[0].offset, record)) for record in run)

    def _one_by_one(self, records: Iterable[Record]) -> Iterator[tuple[Record, bytes | None]]:
        for record in records:
            try:
                data = bytes(self.read_run([record]))
            except OSError:
                yield record, None
            else:
                yield record, data


def open_pack(path: Path) -> OpenPack:
    """Opens a pack; raises `FileNotFoundError` when it is gone, `OSError` as opening does. The caller closes `fd`."""
    fd = open_to_read(path)
    return OpenPack(fd, os.fstat(fd).st_size)


def runs_of(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Gives records by offset, those together that are worth one read."""
    run: list[Record] = []
    end = 0
    for record in sorted(records, key=_offset_of):
        if run and (record.offset - end > _GAP or record.offset + record.stored - run[0].offset > _WINDOW):
            yield run
            run = []
        run.append(record)
        end = record.offset + record.stored
    if run:
        yield run


def stored_in(data: memoryview, start: int, record: Record) -> bytes:
    """Gives the bytes of a payload as they are stored, out of `data`, which a pack has from `start` on."""
    return bytes(data[record.offset - start : record.offset - start + record.stored])


def decode(record: Record, data: bytes, where: str) -> bytes:
    """Gives the payload that `data` stores; raises `DamagedData` when it cannot be decoded to the promised length."""
    # Raw payloads of any size come back: a tree of millions of names is one.
    return data if record.encoding == Encoding.RAW else bytes(decode_payload(record, memoryview(data), f"pack {where}"))


def open_to_read(path: Path) -> int:
    """Gives a descriptor of a pack; raises `FileNotFoundError` when it is gone, here or on another machine."""
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise _as_gone(error) from error


def _read(fd: int, length: int, offset: int) -> bytes:
    try:
        return read_exactly(fd, length, offset)
    except OSError as error:
        raise _as_gone(error) from error


def _as_gone(error: OSError) -> OSError:
    # What another machine removed from a network file system is not "not found" there but "stale".
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)) if error.errno == errno.ESTALE else error


def _offset_of(record: Record) -> int:
    return record.offset
