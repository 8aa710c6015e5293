"""Loose objects: large blobs as whole, read-only files, so that they can be linked into a workspace."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from dvcx.base.hashing import Algorithm


class LooseFolder:
    """The folder `loose/<algorithm>/ab/cdef...` of a cache."""

    def __init__(self, root: Path, algorithm: Algorithm) -> None:
        self.root = root / "loose" / algorithm.name
        self._prefix = f"{self.root}{os.sep}"

    def path_of(self, digest: bytes) -> Path:
        """Gives where the object lies, or would lie."""
        return Path(self.text_path_of(digest))

    def text_path_of(self, digest: bytes) -> str:
        """Gives the same as `path_of` as a string: it is asked for every file of a checkout."""
        name = digest.hex()
        return f"{self._prefix}{name[:2]}{os.sep}{name[2:]}"

    def has(self, digest: bytes) -> bool:
        """Tells whether the object is here; its content is verified when it is read."""
        try:
            os.stat(self.text_path_of(digest), follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def place(self, temporary: Path, digest: bytes) -> Path:
        """Gives a finished, flushed temporary file its name and gives that; keeps what stands there already.

        Raises `OSError` as renaming does. The folder's own flush is the caller's, once for a batch.
        """
        target = self.path_of(digest)
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.chmod(0o444)
        temporary.rename(target)
        return target

    def all(self) -> Iterator[tuple[bytes, int]]:
        """Gives digest and size (bytes) of every object; foreign files are passed over."""
        for folder in _folders(self.root):
            for entry in os.scandir(folder.path):
                digest = _digest_from(folder.name + entry.name)
                if digest is not None and entry.is_file(follow_symlinks=False):
                    yield digest, entry.stat(follow_symlinks=False).st_size


def _folders(root: Path) -> list[os.DirEntry[str]]:
    try:
        return sorted((e for e in os.scandir(root) if len(e.name) == 2 and e.is_dir()), key=lambda e: e.name)
    except FileNotFoundError:
        return []


def _digest_from(name: str) -> bytes | None:
    try:
        return bytes.fromhex(name)
    except ValueError:
        return None
