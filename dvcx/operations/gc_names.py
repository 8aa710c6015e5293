"""What objects that nothing needs were once called, as far as anything still knows: for the list of what goes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from dvcx.base.errors import DvcxError
from dvcx.formats.table import Role
from dvcx.formats.tree_bytes import parse_tree
from dvcx.git.roots import reflog_roots
from dvcx.manifest.files import pointers_in
from dvcx.operations.gc_sources import history_texts
from dvcx.operations.selection import wanted_of
from dvcx.repo.record import Repo
from dvcx.storage.cache import Cache
from dvcx.storage.reach import Wanted, reachable

_MOST_PARTS = 100


def former_names(repo: Repo, cache: Cache, dead: Collection[bytes]) -> dict[bytes, str]:
    """Gives a path for as many of `dead` as possible: from commits that only the reflog knows, and from dead listings.

    A name that is known only within its folder begins with `.../`. Never raises `DvcxError`: names are a courtesy.
    """
    names: dict[bytes, str] = {}
    try:
        for each in reachable(cache, _forgotten_pointers(repo)).wanted.values():
            if each.digest in dead:
                names[each.digest] = each.path
    except DvcxError:
        pass
    places = _places(cache, dead)
    for digest in dead:
        if digest not in names and digest in places:
            names[digest] = _path(digest, places, names)
    return names


def _places(cache: Cache, dead: Collection[bytes]) -> dict[bytes, tuple[bytes, str]]:
    """Gives for each dead object that a dead listing names: that listing, and the name."""
    trees = {stored.digest for stored in cache.ids() if stored.role is Role.TREE and stored.digest in dead}
    places: dict[bytes, tuple[bytes, str]] = {}
    try:
        for digest, data in cache.read_many(trees):
            for entry in parse_tree(data).entries:
                if entry.digest in dead and not entry.is_link:
                    places.setdefault(entry.digest, (digest, entry.name))
    except DvcxError:
        pass
    return places


def _path(digest: bytes, places: Mapping[bytes, tuple[bytes, str]], names: Mapping[bytes, str]) -> str:
    parts: list[str] = []
    while digest in places and digest not in names and len(parts) < _MOST_PARTS:
        digest, name = places[digest]
        parts.append(name)
    return "/".join([names.get(digest, "..."), *reversed(parts)])


def _forgotten_pointers(repo: Repo) -> Iterator[Wanted]:
    if repo.git is None:
        return
    for each in history_texts(repo.git, reflog_roots(repo.git)):
        try:
            pointers = pointers_in(each.text, each.path)
        except DvcxError:
            continue
        for path, pointer in pointers.items():
            if pointer.id.algorithm == repo.algorithm.name:
                yield wanted_of(pointer, path)
