"""A pointer: the small file in Git that stands for a file or folder of data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dvcx.model.ids import Kind, ObjectId

SUFFIX = ".dvcx"


@dataclass(frozen=True, slots=True)
class Pointer:
    """What `data.dvcx` says of `data` beside it.

    Or what `dvcx.lock` says of an output of a stage: then `stage` is the stage's address, and there is no pointer file.
    `push` and `remote` tell whether and, if not to the default one, to which remote it goes.
    `name` is the tracked file's or folder's name; `size` is in bytes; `files` counts the files of a folder and is
    None for a file. `source` tells where imported data came from. `extra` keeps fields that this dvcx does not know.
    """

    name: str
    id: ObjectId
    size: int
    files: int | None = None
    executable: bool = False
    desc: str | None = None
    labels: tuple[str, ...] = ()
    meta: Mapping[str, object] = field(default_factory=dict)
    source: Mapping[str, object] | None = None
    frozen: bool = False
    extra: Mapping[str, object] = field(default_factory=dict)
    stage: str | None = None
    push: bool = True
    remote: str | None = None

    @property
    def is_folder(self) -> bool:
        """Tells whether the pointer stands for a folder."""
        return self.id.kind is Kind.TREE

    def same_data(self, other: Pointer) -> bool:
        """Tells whether both stand for the same content, whatever their notes say."""
        return self.id == other.id and self.executable == other.executable


def pointer_path(data_path: str) -> str:
    """Gives the path of the pointer file of the data at `data_path`."""
    return data_path + SUFFIX


def data_path(pointer_file: str) -> str:
    """Gives the path of the data that the pointer file at `pointer_file` stands for."""
    return pointer_file.removesuffix(SUFFIX)
