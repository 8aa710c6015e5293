"""The local side of a transfer: a store of objects some of which are whole files."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from dvcx.formats.table import Role
from dvcx.storage.object_store import ObjectStore, ObjectWriter


class LocalWriter(ObjectWriter, Protocol):
    """A writer that can also take over whole files that were made in its folder `scratch`."""

    @property
    def scratch(self) -> Path:
        """A folder on the same file system as the store, for files that are not finished yet."""

    def flush(self) -> None:
        """Makes everything taken so far durable and visible; the writer can go on after it."""

    def adopt_file(self, role: Role, digest: bytes, path: Path) -> None:
        """Takes over a file inside `scratch` whose content was verified to be `digest`'s; the file is moved."""


class LocalStore(ObjectStore, Protocol):
    """A store on this machine."""

    def loose_path(self, digest: bytes) -> Path | None:
        """Gives the file that holds the object when it is stored as one of its own."""

    def writer(self) -> AbstractContextManager[LocalWriter]:
        """Gives a context in which objects are put."""
