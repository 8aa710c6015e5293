"""The data that the benchmark tracks: seeded, incompressible, the same on every machine, and the edits made to it."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

SEED = 20_260
KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


def make_files(folder: Path, count: int) -> None:
    """Write `count` files of 4 to 12 KiB, spread over folders two levels deep. Nothing to do when they are there."""
    stamp = f"files {count} seed {SEED}"
    if _is_made(folder, stamp):
        return
    folders = max(20, count // 400)
    for number in range(folders):
        _folder_of(folder, number).mkdir(parents=True)
    numbers = random.Random(SEED)
    for number in range(count):
        path = _folder_of(folder, number % folders) / f"image-{number:06}.bin"
        path.write_bytes(numbers.randbytes(numbers.randint(4 * KIB, 12 * KIB)))
    _mark_made(folder, stamp)


def make_large(path: Path, size: int) -> None:
    """Write one file of `size` bytes. Nothing to do when it is there."""
    stamp = f"large {size} seed {SEED}"
    if _is_made(path, stamp):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    numbers = random.Random(SEED + 1)
    with path.open("wb") as file:
        for _ in range(size // MIB):
            file.write(numbers.randbytes(MIB))
        file.write(numbers.randbytes(size % MIB))
    _mark_made(path, stamp)


def edit_files(folder: Path, share: float) -> int:
    """Give a share of the files new content, in place; which ones is decided by the seed. Gives how many."""
    paths = sorted(_files(folder))
    numbers = random.Random(SEED + 2)
    chosen = numbers.sample(paths, max(1, round(len(paths) * share)))
    for path in chosen:
        path.write_bytes(numbers.randbytes(numbers.randint(4 * KIB, 12 * KIB)))
    return len(chosen)


def insert_in_middle(path: Path, size: int) -> None:
    """Insert `size` bytes in the middle of a file, as a program does that writes it anew."""
    beside = path.with_name(path.name + ".new")
    middle = path.stat().st_size // 2
    with path.open("rb") as source, beside.open("wb") as target:
        _copy(source.fileno(), target.fileno(), middle)
        target.write(random.Random(SEED + 3).randbytes(size))
        target.flush()
        _copy(source.fileno(), target.fileno(), None)
    beside.replace(path)


def digest(path: Path) -> str:
    """Fingerprint of a file or a folder: names, executable bits and content of all files (SHA-256)."""
    if path.is_file():
        return _digest_of_file(path)
    whole = hashlib.sha256()
    for file in sorted(_files(path)):
        whole.update(f"{file.relative_to(path)}\0{_digest_of_file(file)}\n".encode())
    return whole.hexdigest()


def _folder_of(folder: Path, number: int) -> Path:
    return folder / f"group-{number // 10:02}" / f"part-{number:03}"


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        for name in names:
            yield Path(parent) / name


def _digest_of_file(path: Path) -> str:
    with path.open("rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()
        executable = os.fstat(file.fileno()).st_mode & 0o100
    return f"{content} {'x' if executable else '-'}"


def _copy(source: int, target: int, size: int | None) -> None:
    left = size
    while left is None or left > 0:
        block = os.read(source, MIB if left is None else min(MIB, left))
        if not block:
            return
        os.write(target, block)
        left = None if left is None else left - len(block)


def _stamp_file(path: Path) -> Path:
    return path.with_name(path.name + ".stamp")


def _is_made(path: Path, stamp: str) -> bool:
    if _stamp_file(path).is_file() and _stamp_file(path).read_text() == stamp and path.exists():
        return True
    _stamp_file(path).unlink(missing_ok=True)
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    return False


def _mark_made(path: Path, stamp: str) -> None:
    _stamp_file(path).write_text(stamp)
