"""Loose objects: large blobs as whole, read-only files, so that they can be linked into a workspace."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from dvcx.base.hashing import Algorithm

_HEX = re.compile("[0-9a-f]*")


class LooseFolder:
    """The folder `loose/<algorithm>/ab/cdef...` of a cache."""

    def __init__(self, root: Path, algorithm: Algorithm) -> None:
        self.root = root / "loose" / algorithm.name
        self._prefix = f"{self.root}{os.sep}"
        self._digits = 2 * algorithm.digest_size

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
            return stat.S_ISREG(os.stat(self.text_path_of(digest), follow_symlinks=False).st_mode)
        except (FileNotFoundError, NotADirectoryError):
            return False

    def place(self, temporary: Path, digest: bytes) -> Path:
        """Gives a finished, flushed temporary file its name and gives that; takes the place of what stands there.

        Raises `OSError` as renaming does. The folder's own flush is the caller's, once for a batch.
        """
        target = self.path_of(digest)
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.chmod(0o444)
        temporary.rename(target)
        return target

    def all(self) -> Iterator[tuple[bytes, int]]:
        """Gives digest and size (bytes) of every object; foreign files are passed over."""
        for digest, status in self.files():
            yield digest, status.st_size

    def files(self) -> Iterator[tuple[bytes, os.stat_result]]:
        """Gives digest and file status of every object; foreign files are passed over."""
        for folder in self.folders():
            for entry in entries_of(folder.path):
                digest = self.digest_from(folder.name + entry.name)
                if digest is None or not entry.is_file(follow_symlinks=False):
                    continue
                try:
                    yield digest, entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue  # collected while we looked

    def folders(self) -> list[os.DirEntry[str]]:
        """Gives the folders that objects lie in, named by the first two digits of their digests."""
        found = [e for e in entries_of(self.root) if len(e.name) == 2 and e.is_dir(follow_symlinks=False)]
        return sorted(found, key=lambda entry: entry.name)

    def digest_from(self, name: str) -> bytes | None:
        """Gives the digest that the hex digits `name` stand for, or None when no object is called that."""
        if len(name) != self._digits or not _HEX.fullmatch(name):
            return None
        return bytes.fromhex(name)


def entries_of(folder: str | Path) -> list[os.DirEntry[str]]:
    """Gives what is in a folder; nothing when there is no such folder."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []
