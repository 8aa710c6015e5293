"""What an export wrote to a place: a small file in it, so that the next one writes only what changed.

It also tells the export's own files from all others, which are never touched.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from dvcx.base.errors import DamagedData, Refused
from dvcx.base.paths import check_relative

VERSION = 1
NAME = ".dvcx-export.json"
MOST_BYTES = 1 << 30
"""A larger file is no such manifest: 100,000 files take about 10 MB."""


class Exported(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A file as it was written: the digest of its content in hex, its size in bytes, whether it may be executed."""

    digest: str
    size: int
    executable: bool = False


class ExportManifest(msgspec.Struct, frozen=True):
    """The files that an export has in a place, by path.

    `revision` and `commit` are what was exported last, and `hash` is the algorithm of the digests. `begun` are paths
    that were about to be written or deleted: after a kill what is there may be old or new, and is the export's own.
    """

    format: int
    hash: str
    revision: str
    commit: str
    files: dict[str, Exported] = {}
    begun: list[str] = []


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file that is to be in the place: path, digest, bytes, whether it may be executed."""

    path: str
    digest: bytes
    size: int
    executable: bool = False

    @property
    def exported(self) -> Exported:
        """What the manifest says of the file when it is there."""
        return Exported(self.digest.hex(), self.size, self.executable)


def dump_manifest(manifest: ExportManifest) -> bytes:
    """Gives the bytes of the manifest's file; equal values give equal bytes."""
    return msgspec.json.encode(manifest, order="sorted") + b"\n"


def parse_manifest(data: bytes, where: str) -> ExportManifest:
    """Reads a manifest; raises `DamagedData` when it is none or of a newer format, `Refused` for hostile paths."""
    try:
        version = msgspec.json.decode(data, type=_Versioned).format
        if version != VERSION:
            raise DamagedData(f"{where} has format {version}; this dvcx reads {VERSION}", "upgrade dvcx")
        manifest = msgspec.json.decode(data, type=ExportManifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DamagedData(
            f"{where} cannot be read: {error}",
            "restore it, or export to an empty place: without it dvcx does not know which of the files are its own",
        ) from error
    for path in (*manifest.files, *manifest.begun):
        try:
            check_relative(path, where)  # these become names of files to write and to delete
        except Refused as error:
            raise Refused(error.message, "somebody changed it: export to an empty place", [path]) from error
    return manifest


class _Versioned(msgspec.Struct, frozen=True):
    format: int
