"""Local copies of recipes: they tell which chunks of a large object lie where in files that the cache has already."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from dvcx.base.errors import DamagedData
from dvcx.base.files import remove_if_there, write_atomically
from dvcx.base.hashing import Algorithm
from dvcx.formats.recipe import Recipe, dump_recipe, parse_recipe

_MOST = 256
"""So many recipes are kept, the latest ones: looking through them all has to stay cheaper than fetching."""


class LocalChunk(NamedTuple):
    """Where a chunk may lie on this machine: its bytes have to be verified."""

    path: Path
    offset: int
    length: int


class RecipeShelf:
    """Recipes in `folder` (None: nothing is kept). Deleting or damaging them costs transfer, nothing else."""

    def __init__(self, folder: Path | None, algorithm: Algorithm) -> None:
        self._folder = folder
        self._size = algorithm.digest_size

    def keep(self, recipes: Mapping[bytes, Recipe]) -> None:
        """Keeps the level-0 recipes of objects by their digests, the last ones when they are very many."""
        if self._folder is None or not recipes:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for digest, recipe in list(recipes.items())[-_MOST:]:
                write_atomically(self._folder / digest.hex(), dump_recipe(recipe, self._size), durable=False)
            for _, name in self._by_age()[_MOST:]:
                remove_if_there(self._folder / name)
        except OSError:
            return  # without room or right to write here more is transferred than need be

    def get(self, digest: bytes) -> Recipe | None:
        """Gives the recipe of the object `digest`, when it was seen lately."""
        if self._folder is None:
            return None
        try:
            recipe = parse_recipe((self._folder / digest.hex()).read_bytes(), self._size, "a local recipe")
        except (OSError, DamagedData):
            return None
        return recipe if recipe.level == 0 else None

    def find(self, wanted: Collection[bytes], path_of: Callable[[bytes], Path | None]) -> dict[bytes, LocalChunk]:
        """Gives for each of the chunks `wanted` a place in a local file that should have it, latest recipes first.

        `path_of` gives the file of an object that is here.
        """
        found: dict[bytes, LocalChunk] = {}
        left = set(wanted)
        for recipe, path in self._with_files(path_of):
            if not left:
                break
            offset = 0
            for chunk, length in recipe.entries:
                if chunk in left:
                    left.discard(chunk)
                    found[chunk] = LocalChunk(path, offset, length)
                offset += length
        return found

    def _with_files(self, path_of: Callable[[bytes], Path | None]) -> Iterator[tuple[Recipe, Path]]:
        for _, name in self._by_age():
            try:
                digest = bytes.fromhex(name)
            except ValueError:
                continue
            path = path_of(digest)
            recipe = self.get(digest) if path else None
            if path and recipe:
                yield recipe, path

    def _by_age(self) -> list[tuple[float, str]]:
        if self._folder is None:
            return []
        try:
            with os.scandir(self._folder) as entries:
                found = [(e.stat().st_mtime, e.name) for e in entries if len(e.name) == 2 * self._size]
        except OSError:
            return []
        return sorted(found, reverse=True)
