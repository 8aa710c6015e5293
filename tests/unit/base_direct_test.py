from __future__ import annotations

import mmap
import os
from pathlib import Path

import pytest

from dvcx.base.direct import PAGE, read_direct

BLOCK = 16 * PAGE


def forget(path: Path) -> None:
    """Has the system drop what it holds of a file in memory."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read_all(path: Path) -> bytes:
    block = memoryview(mmap.mmap(-1, BLOCK))
    found = bytearray()
    with open(path, "rb") as file:
        while count := read_direct(file.fileno(), block, len(found)):
            found += block[:count]
    return bytes(found)


@pytest.mark.parametrize("size", [0, 1, PAGE - 1, PAGE, PAGE + 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 7])
@pytest.mark.parametrize("held", ["all", "nothing", "a part"])
def test_all_bytes_come_whatever_is_in_memory(tmp_path: Path, size: int, held: str) -> None:
    content = os.urandom(size)
    path = tmp_path / "file"
    path.write_bytes(content)
    if held != "all":
        forget(path)
    if held == "a part":
        with open(path, "rb") as file:
            os.pread(file.fileno(), 10, size // 2)
    assert read_all(path) == content


def test_the_flags_of_the_file_are_as_before(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(os.urandom(BLOCK))
    forget(path)
    with open(path, "rb") as file:
        assert read_direct(file.fileno(), memoryview(mmap.mmap(-1, BLOCK)), 0) == BLOCK
        assert os.read(file.fileno(), 3) == path.read_bytes()[:3]  # a direct read into this memory would fail
