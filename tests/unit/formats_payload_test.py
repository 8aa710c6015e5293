"""Payloads: what is encoded decodes to itself, and no claim makes a reader spend memory."""

from __future__ import annotations

import random

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from dvcx.base.errors import DamagedData
from dvcx.formats.payload import MAX_PAYLOAD, Compression, decode_payload
from dvcx.formats.table import Encoding, Record, Role


def record(encoding: int, stored: int, raw: int) -> Record:
    return Record(b"d" * 32, Role.BLOB, encoding, 0, 0, 32, stored, raw)


@given(st.binary(max_size=5000) | st.integers(0, 300_000).map(bytes), st.sampled_from([0, 1, 3]))
def test_a_payload_decodes_to_its_content(data: bytes, level: int) -> None:
    encoding, stored = Compression(level).encode(data)
    assert bytes(decode_payload(record(encoding, len(stored), len(data)), memoryview(stored), "x")) == data
    assert len(stored) <= len(data)


def test_only_what_shrinks_is_compressed() -> None:
    noise = random.Random(1).randbytes(200_000)
    assert Compression(3).encode(noise) == (Encoding.RAW, noise)
    assert Compression(3).encode(noise[:70_000] + bytes(1_000_000))[0] == Encoding.RAW, "its first 64 KiB decide"
    assert Compression(3).encode(bytes(100_000))[0] == Encoding.ZSTD
    assert Compression(0).encode(bytes(100_000))[0] == Encoding.RAW


@pytest.mark.parametrize(
    ("encoding", "stored", "raw"),
    [
        (Encoding.RAW, b"abc", 4),
        (Encoding.RAW, b"abc", MAX_PAYLOAD + 1),
        (Encoding.ZSTD, b"abc", 3),
        (Encoding.ZSTD, zstandard.compress(bytes(1000)), 999),
        (Encoding.ZSTD, zstandard.compress(bytes(1000))[:-3], 1000),
        (Encoding.ZSTD, zstandard.compress(bytes(MAX_PAYLOAD + 1)), MAX_PAYLOAD + 1),
        (Encoding.ZSTD, zstandard.compress(bytes(MAX_PAYLOAD + 1)), 10),
        (7, b"abc", 3),
    ],
)
def test_what_cannot_be_is_damaged(encoding: int, stored: bytes, raw: int) -> None:
    with pytest.raises(DamagedData):
        decode_payload(record(encoding, len(stored), raw), memoryview(stored), "x")


def test_a_payload_that_is_cut_off_is_damaged() -> None:
    with pytest.raises(DamagedData):
        decode_payload(record(Encoding.RAW, 10, 10), memoryview(b"short"), "x")
