"""Joining the many small packs that single adds leave into one, so that an old cache opens as fast as a new one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dvcx.base.errors import Busy, DamagedData
from dvcx.storage.repack import Repacker

if TYPE_CHECKING:
    from dvcx.storage.cache import Cache

SMALL = 1 << 20
"""A pack of fewer bytes is joined with others of its kind."""
MOST_SMALL = 50
"""So many small packs may be there before they are joined."""


def join_small_packs(cache: Cache, scratch: Path) -> bool:
    """Joins the small packs when there are many, and tells whether it did; `scratch` is where the new one is written.

    The caller holds the cache's lock shared, so that no garbage collection runs. Nothing depends on the joining: when
    the disk is full or another process is at it, the small packs stay as they are.
    """
    if len(_small(cache)) <= MOST_SMALL:
        return False
    try:
        with cache.moving.exclusive(wait=0):
            cache.packs.refresh()
            small = _small(cache)
            if len(small) <= MOST_SMALL:
                return False
            with Repacker(cache, scratch) as repacker:
                _join(cache, small, repacker)
    except (OSError, DamagedData, Busy):
        return False
    finally:
        cache.packs.refresh()
    return True


def _small(cache: Cache) -> list[str]:
    return [n for n, size in sorted(cache.packs.sizes().items()) if size < SMALL and n not in cache.packs.damaged]


def _join(cache: Cache, names: list[str], repacker: Repacker) -> None:
    # A pack with a damaged object stays for `fsck`, which sets it aside and says what is lost.
    whole = [name for name in names if not repacker.take(name, cache.packs.records_of(name))]
    made = repacker.place()
    for name in whole:
        # After a kill between placing and removing, the new pack is among the old ones: it must not remove itself.
        if name not in made:
            cache.packs.path_of(name).unlink(missing_ok=True)
