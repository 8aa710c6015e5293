"""Object ids: what names a content, parsed and printed here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dvcx.base.errors import DamagedData
from dvcx.base.hashing import ALGORITHMS


class Kind(StrEnum):
    """What the bytes under an id are: a file's content, or one folder level."""

    BLOB = "blob"
    TREE = "tree"


@dataclass(frozen=True, slots=True)
class ObjectId:
    """The name of a content: the algorithm, its digest of the bytes, and what the bytes are."""

    algorithm: str
    digest: bytes
    kind: Kind

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.digest.hex()}"


def parse_object_id(text: str, kind: Kind, where: str) -> ObjectId:
    """Reads `blake3:<hex>`; `where` names the file it stands in. Raises `DamagedData` when it is not an id."""
    name, _, hexadecimal = text.partition(":")
    algorithm = ALGORITHMS.get(name)
    if algorithm is None:
        raise DamagedData(
            f"{where}: {text!r} names the hash algorithm {name!r}, which this dvcx does not know",
            "a newer dvcx may know it: upgrade, or restore the file with `git checkout`",
        )
    try:
        digest = bytes.fromhex(hexadecimal)
    except ValueError:
        digest = b""
    if len(digest) != algorithm.digest_size or hexadecimal != digest.hex():
        raise DamagedData(
            f"{where}: {text!r} is not an object id ({name}: and {2 * algorithm.digest_size} lower-case hex digits)",
            f"restore the file with `git checkout -- {where}`",
        )
    return ObjectId(name, digest, kind)
