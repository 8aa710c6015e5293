"""What can be wrong with a pack besides its payloads."""

from __future__ import annotations

import os
from collections.abc import Iterable

from dvcx.base.hashing import checksum
from dvcx.formats.pack import FOOTER_SIZE, HEADER_SIZE, pack_name
from dvcx.formats.table import Record
from dvcx.storage.pack_reader import OpenPack


def trouble_with(pack: OpenPack, table: bytes, records: Iterable[Record], name: str) -> str | None:
    """Tells what is wrong with the bytes of a pack that are no payload, beyond what every reader checks.

    `table` was read from the pack and has the right checksum; `records` are those in it.
    """
    header = os.pread(pack.fd, HEADER_SIZE, 0)
    footer = os.pread(pack.fd, FOOTER_SIZE, pack.size - FOOTER_SIZE)
    # The one thing in the footer that reading a table does not check: the header's checksum, 32 bytes before the end.
    if footer[-32:-16] != checksum(header):
        return "its header or its footer is damaged"
    if pack_name(table) != name:
        return f"its name should be {pack_name(table)}"
    at = HEADER_SIZE
    for offset, stored in sorted((record.offset, record.stored) for record in records):
        if offset != at:
            return f"the bytes from {min(at, offset)} on belong to no object or to two"
        at += stored
    return None if at == pack.size - FOOTER_SIZE - len(table) else f"the bytes from {at} on belong to no object"
