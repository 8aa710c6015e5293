"""Cutting: in windows as at once, and the same on every machine."""

from __future__ import annotations

import os
import random
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dvcx.formats.remote_json import Chunking
from dvcx.storage.chunking import Closed, cut_memory, window_buffers, windows

CUTS = Chunking(minimum=256, average=1024, maximum=4096, cut_from=1)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 200_000), st.integers(0, 5), st.booleans())
def test_windows_cut_where_cutting_at_once_does(tmp_path: Path, size: int, seed: int, zeros: bool) -> None:
    data = bytes(size) if zeros else random.Random(seed).randbytes(size)
    (tmp_path / "file").write_bytes(data)
    fd = os.open(tmp_path / "file", os.O_RDONLY)
    buffers = window_buffers(2, CUTS, 10_000)
    found: list[bytes] = []
    for view, chunks, buffer in windows(fd, CUTS, buffers):
        found += [bytes(view[start:end]) for start, end in chunks]
        assert len(view) <= 10_000 + CUTS.maximum
        buffers.give_back(buffer)
    os.close(fd)
    assert b"".join(found) == data
    assert found == [data[start:end] for start, end in cut_memory(data, CUTS)]


def test_the_cuts_are_those_of_fastcdc_2020() -> None:
    """These cuts are part of the format: if they change, nothing is shared with what was pushed before."""
    data = random.Random(2020).randbytes(3 << 20)
    assert [end for _, end in cut_memory(data, Chunking())][:6] == PINNED


PINNED = [135509, 282030, 420312, 552903, 700820, 890146]


def test_a_window_smaller_than_the_largest_chunk_still_comes_to_an_end(tmp_path: Path) -> None:
    data = random.Random(1).randbytes(50_000)
    (tmp_path / "file").write_bytes(data)
    fd = os.open(tmp_path / "file", os.O_RDONLY)
    buffers = window_buffers(2, CUTS, 100)
    found = b""
    for view, _, buffer in windows(fd, CUTS, buffers):
        found += bytes(view)
        buffers.give_back(buffer)
    os.close(fd)
    assert found == data


def test_a_cut_that_waits_for_buffers_ends_when_they_are_closed(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(random.Random(1).randbytes(200_000))
    fd = os.open(tmp_path / "file", os.O_RDONLY)
    buffers = window_buffers(2, CUTS, 10_000)
    cutting = windows(fd, CUTS, buffers)
    next(cutting)  # nobody gives its buffer back, as when an upload is stuck
    next(cutting)
    closer = threading.Timer(0.2, buffers.close)
    closer.start()
    with pytest.raises(Closed):
        next(cutting)
    os.close(fd)
