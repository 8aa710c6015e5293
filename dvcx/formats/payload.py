"""Payloads: the bytes of one object as they stand in a pack, raw or one zstd frame."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import zstandard

from dvcx.base.errors import DamagedData, UsageError
from dvcx.formats.table import Encoding, Record

MAX_PAYLOAD = 256 << 20
"""No payload is longer than this, stored or decoded: a table that claims more is damaged or hostile."""

_PROBE = 64 << 10
_WORTH = 0.9
"""A payload is stored compressed when that takes less than this part of its bytes."""

_local = threading.local()


@dataclass(frozen=True, slots=True)
class Compression:
    """How payloads are written; level 0 stores them raw."""

    level: int = 3

    def encode(self, data: bytes | memoryview) -> tuple[Encoding, bytes | memoryview]:
        """Gives `data` as it should be stored: compressed when that pays, judged by its first 64 KiB."""
        if not self.level or len(data) < 64:
            return Encoding.RAW, data
        compressor = self._compressor()
        if len(data) > _PROBE and not self.pays(data[:_PROBE]):
            return Encoding.RAW, data
        packed = compressor.compress(data)
        return (Encoding.ZSTD, packed) if len(packed) < _WORTH * len(data) else (Encoding.RAW, data)

    def pays(self, sample: bytes | memoryview) -> bool:
        """Tells whether a sample of some content shrinks enough to be worth the work."""
        return bool(self.level) and len(self._compressor().compress(sample)) < _WORTH * len(sample)

    def _compressor(self) -> zstandard.ZstdCompressor:
        held: dict[int, zstandard.ZstdCompressor] | None = getattr(_local, "compressors", None)
        if held is None:
            held = _local.compressors = {}
        if self.level not in held:
            held[self.level] = zstandard.ZstdCompressor(level=self.level)
        return held[self.level]


def decode_payload(record: Record, stored: memoryview, where: str) -> bytes | memoryview:
    """Gives the content that `stored` stands for, not yet verified against its digest: raw content is not copied.

    Raises `DamagedData` when it is cut off, claims too much, or does not decode to the length in its record.
    """
    if len(stored) != record.stored or record.raw > MAX_PAYLOAD:
        raise DamagedData(f"{record.digest.hex()} in {where} is cut off or claims {record.raw} bytes", _HINT)
    if record.encoding == Encoding.RAW:
        if record.raw == record.stored:
            return stored
    elif record.encoding == Encoding.ZSTD:
        try:
            frame = zstandard.get_frame_parameters(stored)
            if frame.content_size == record.raw:
                return _decompressor().decompress(stored)
        except zstandard.ZstdError as error:
            raise DamagedData(f"{record.digest.hex()} in {where} cannot be decompressed: {error}", _HINT) from error
    raise DamagedData(f"{record.digest.hex()} in {where} is stored in a way its table does not say", _HINT)


def _decompressor() -> zstandard.ZstdDecompressor:
    held: zstandard.ZstdDecompressor | None = getattr(_local, "decompressor", None)
    if held is None:
        held = _local.decompressor = zstandard.ZstdDecompressor()
    return held


_HINT = "run `dvcx fsck --repair`: it sets the damaged pack aside and mends from the other side"


def parse_compression(text: str) -> Compression:
    """Reads `none`, `zstd` or `zstd:LEVEL` (1 to 19); raises `UsageError` for anything else."""
    name, _, level = text.partition(":")
    if text == "none":
        return Compression(0)
    if name == "zstd" and (not level or (level.isdigit() and 1 <= int(level) <= 19)):
        return Compression(int(level or 3))
    raise UsageError(f"there is no compression {text!r}", "use none, zstd or zstd:1 to zstd:19")
