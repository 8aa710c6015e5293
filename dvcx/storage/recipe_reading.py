"""Reading the recipe of a large object from a remote.

A recipe does not stand under the digest of its own bytes, so nothing but its sense tells that it came right: its
lengths add up, and the remote holds every piece that it names. A wrong one must not be believed: a garbage collection
would take the pieces that the right one names for dead.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from typing import TYPE_CHECKING

from dvcx.base.errors import DamagedData
from dvcx.formats.recipe import PART_ENTRIES, Recipe, parse_recipe
from dvcx.storage.arrival import how_to_tell, until_right
from dvcx.storage.remote_catalog import Found

if TYPE_CHECKING:
    from dvcx.storage.remote import Remote

_MOST_CHUNKS = 1 << 24
"""Two TiB in chunks of the usual size; a recipe of that many takes some GiB of memory."""


def read_recipe(remote: Remote, place: Found) -> Recipe:
    """Gives the level-0 recipe of the large object whose recipe lies at `place`.

    What makes no sense is read again. Raises `ArrivedDamaged` when it still makes none, also when it names pieces that
    the remote does not hold, and `MissingData` when its pack is gone.
    """
    top = read_top(remote, place)
    return top if top.level == 0 else until_right(lambda: _joined(remote, place, top), how_to_tell(remote.name))


def read_top(remote: Remote, place: Found, data: bytes | None = None) -> Recipe:
    """Does the same, but gives the recipe of a very large object as it lies there, naming its parts.

    `data` are its bytes when they were read already; they are read again when they make no sense.
    """
    held = [data] if data is not None else []

    def ask() -> Recipe:
        return _sensible(remote, place, held.pop() if held else _read(remote, place))

    return until_right(ask, how_to_tell(remote.name))


def read_recipes(remote: Remote, places: Collection[Found]) -> dict[bytes, Recipe]:
    """Gives the level-0 recipes at `places` by digest, with few requests.

    Left out are those that do not come right at once or have parts: `read_recipe` gives them, or says what is wrong.
    """
    found: dict[bytes, Recipe] = {}
    failed: list[Found] = []
    for place, data in remote.payloads(places, remote.reader(jobs=remote.settings.jobs, verify=False), failed):
        with suppress(DamagedData):
            recipe = _sensible(remote, place, bytes(data))
            if recipe.level == 0:
                found[place.record.digest] = recipe
    return found


def parse_part(remote: Remote, data: bytes) -> Recipe:
    """Gives a part of the recipe of a very large object from its bytes, which were verified."""
    return parse_recipe(data, remote.algorithm.digest_size, f"a recipe on {remote.label}")


def _read(remote: Remote, place: Found) -> bytes:
    ((_, data),) = remote.payloads([place], remote.reader(jobs=1, verify=False))
    return bytes(data)


def _sensible(remote: Remote, place: Found, data: bytes) -> Recipe:
    """Gives the recipe with these bytes; raises `DamagedData` when the remote lacks a piece that it names."""
    where = _where(remote, place)
    recipe = parse_recipe(data, remote.algorithm.digest_size, where, PART_ENTRIES)
    _require_pieces(remote, where, recipe)
    return recipe


def _joined(remote: Remote, place: Found, top: Recipe) -> Recipe:
    """Gives the level-0 recipe of which `top` names the parts."""
    where = _where(remote, place)
    if sum(count for _, count in top.entries) > _MOST_CHUNKS:
        raise DamagedData(f"{where} claims to have more than {_MOST_CHUNKS} chunks")
    parts = dict(remote.read_many(digest for digest, _ in top.entries))
    entries: list[tuple[bytes, int]] = []
    for digest, count in top.entries:
        part = parse_part(remote, parts[digest]).entries
        if len(part) != count:
            raise DamagedData(f"{where} has a part that is not as long as it says")
        entries += part
    if sum(length for _, length in entries) != top.total:
        raise DamagedData(f"{where}: the lengths of its chunks do not make {top.total} bytes")
    return Recipe(0, top.total, tuple(entries))


def _require_pieces(remote: Remote, where: str, recipe: Recipe) -> None:
    pieces = {digest for digest, _ in recipe.entries}
    unknown = remote.catalog().missing(pieces)
    if unknown and len(remote.find(unknown)) < len(unknown):
        raise DamagedData(f"{where} names pieces that are not on the remote")


def _where(remote: Remote, place: Found) -> str:
    return f"the recipe of {remote.id_text(place.record.digest)} on {remote.label}"
