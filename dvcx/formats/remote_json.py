"""What a remote says of itself, as JSON: `dvcx.json` describes it, `index/<name>.marks` lists packs to be deleted."""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

from dvcx.base.errors import DamagedData, Refused

VERSION = 1
MOST_BYTES = 16 << 20
"""A larger file is none of these."""
DESCRIPTION_NAME = "dvcx.json"


class Chunking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How large objects are cut, FastCDC 2020 with the gear table of the paper: sizes in bytes.

    Objects of `cut_from` bytes and more are cut. All who push to one remote must cut alike to share chunks.
    """

    minimum: int = 32 << 10
    average: int = 128 << 10
    maximum: int = 512 << 10
    normalization: int = 2
    cut_from: int = 1 << 20


class RemoteDescription(msgspec.Struct, frozen=True):
    """What stands in `dvcx.json`: format version, the remote's own random id, the hash algorithm, the chunking."""

    format: int
    id: str
    hash: str
    chunking: Chunking = msgspec.field(default_factory=Chunking)


class Marks(msgspec.Struct, frozen=True):
    """Packs that a garbage collection or a repair has set aside: they count as absent for pushes.

    `marked` is a time in Unix seconds; `packs` maps names to sizes in bytes; `reason` is `dead` or `damaged`;
    `deleted` is the time when the packs were deleted, while the marks stay for a while to keep their names from use.
    `objects` are recipes, as hex digests by pack, that count as absent although their packs stay: the chunks that they
    name may go.
    """

    format: int
    marked: float
    packs: dict[str, int]
    reason: str = "dead"
    deleted: float | None = None
    objects: dict[str, list[str]] = {}


_PACK_NAME = re.compile("[0-9a-f]{64}")
_DIGEST = re.compile("(?:[0-9a-f]{2})+")
_Value = TypeVar("_Value", RemoteDescription, Marks)


def dump_json(value: RemoteDescription | Marks) -> bytes:
    """Gives the bytes of a description or of marks; equal values give equal bytes."""
    return msgspec.json.format(msgspec.json.encode(value, order="sorted"), indent=2) + b"\n"


def dump_encrypted_marker() -> bytes:
    """Gives the `dvcx.json` that an encrypted remote shows to everybody; the real one is encrypted like all else."""
    return b'{\n  "encrypted": "sodium",\n  "format": 2\n}\n'


def is_encrypted_marker(data: bytes) -> bool:
    """Tells whether a `dvcx.json` is that of an encrypted remote."""
    try:
        return msgspec.json.decode(data, type=_Versioned).encrypted is not None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


def parse_description(data: bytes, where: str) -> RemoteDescription:
    """Reads `dvcx.json`; raises `DamagedData` when it is none, or of a newer format.

    Raises `Refused` for that of an encrypted remote.
    """
    if is_encrypted_marker(data):
        raise Refused(
            f"{where} says that the remote is encrypted, and the configuration does not",
            "`dvcx remote modify NAME encrypt sodium`; then a member of its key ring has to add you",
        )
    found = _parse(data, RemoteDescription, where)
    cut = found.chunking
    if not 64 <= cut.minimum <= cut.average <= cut.maximum <= 16 << 20 or not 0 <= cut.normalization <= 3:
        raise DamagedData(f"{where} has chunk sizes that cannot be", RESTORE_HINT)
    if not found.id.isalnum() or len(found.id) > 64:
        raise DamagedData(f"{where} has the id {found.id!r}, which cannot be", RESTORE_HINT)
    return found


def parse_marks(data: bytes, where: str) -> Marks:
    """Reads a file of marks; raises `DamagedData` when it is none, or of a newer format."""
    marks = _parse(data, Marks, where)
    # The names become names of files to delete.
    if not all(map(_PACK_NAME.fullmatch, (*marks.packs, *marks.objects))):
        raise DamagedData(f"{where} names packs that cannot be", RESTORE_HINT)
    if not all(_DIGEST.fullmatch(digest) for digests in marks.objects.values() for digest in digests):
        raise DamagedData(f"{where} names objects that cannot be", RESTORE_HINT)
    return marks


def _parse(data: bytes, kind: type[_Value], where: str) -> _Value:
    try:
        version = msgspec.json.decode(data, type=_Versioned).format
        if version != VERSION:
            raise DamagedData(f"{where} has format {version}; this dvcx reads {VERSION}", "upgrade dvcx")
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DamagedData(f"{where} cannot be read: {error}", RESTORE_HINT) from error


class _Versioned(msgspec.Struct, frozen=True):
    format: int
    encrypted: str | None = None


RESTORE_HINT = "is this the folder or bucket of a dvcx remote? restore the file from a backup, or use an empty place"
