"""What a check of the cache finds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Damaged:
    """Something damaged: an object, or with no `digest` a file as a whole; `pack` is set for what lies in a pack."""

    digest: bytes | None
    path: Path
    reason: str
    pack: str | None = None


@dataclass(frozen=True, slots=True)
class CacheFindings:
    """What a check found; `objects` and `bytes` (of files) were checked.

    `leftovers` are files that belong to no object: they do no harm, and those in `tmp` go with the next write.
    """

    damaged: tuple[Damaged, ...]
    leftovers: tuple[Path, ...]
    objects: int
    bytes: int
