"""What a garbage collection on a remote may take: everything that nothing needs and that is not young."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import NamedTuple

from dvcx.formats.pack import FOOTER_SIZE, HEADER_SIZE
from dvcx.formats.table import Role, record_struct
from dvcx.formats.tree_bytes import dump_tree
from dvcx.model.tree import EMPTY_TREE
from dvcx.storage.bucket import BucketFile
from dvcx.storage.reach import Wanted, reachable
from dvcx.storage.recipe_reading import parse_part, read_top
from dvcx.storage.remote import Remote
from dvcx.storage.remote_catalog import Catalog, Found

DAY = 86_400.0
DEAD = "dead"
KEEP_MARKS = 14 * DAY
"""For so many seconds at least the names of deleted packs are kept from use: an old index file may still come back."""
_MOSTLY_DEAD = 0.5
_TREE_START = dump_tree(EMPTY_TREE)[:11]
"""The bytes that every tree starts with."""

Objects = Mapping[str, Set[bytes]]
"""Digests by the pack in which they lie."""


class PackUse(NamedTuple):
    """A pack on a remote: its size, the bytes in it that something needs, and when it was written (None: not known)."""

    name: str
    size: int
    live: int
    modified: float | None


@dataclass(frozen=True, slots=True)
class RemoteGcPlan:
    """What a garbage collection will do to the packs of a remote.

    `marks`: nothing needs them, they will be marked. `rewrites`: mostly dead; what is needed is copied to new packs,
    then they are marked. `deletes`: marked and dead for the whole grace period. `unmarks`: marked, but needed again.
    `kept_young`: dead, but written within the grace period. `waiting`: marked, their time has not come.
    `mark_recipes`, `hide_recipes`, `unmark_recipes`: the same for recipes in packs that stay, whose chunks may go.
    `stale` are names of packs that were deleted, and that an index file which came back names again.
    `dead` are the digests of all blobs and trees that nothing needs. `forgotten` are names of files that are of no more
    use: marks of packs deleted long ago, and leftovers of interrupted writes. `kept` is what the plan takes for needed.
    """

    marks: tuple[PackUse, ...] = ()
    rewrites: tuple[PackUse, ...] = ()
    deletes: tuple[PackUse, ...] = ()
    unmarks: tuple[PackUse, ...] = ()
    kept_young: tuple[PackUse, ...] = ()
    waiting: tuple[PackUse, ...] = ()
    mark_recipes: Objects = field(default_factory=dict)
    hide_recipes: Objects = field(default_factory=dict)
    unmark_recipes: Objects = field(default_factory=dict)
    stale: frozenset[str] = frozenset()
    dead: frozenset[bytes] = frozenset()
    forgotten: tuple[str, ...] = ()
    now: float = 0.0
    known: frozenset[str] = frozenset()
    kept: Set[bytes] = field(default_factory=frozenset, repr=False)

    @property
    def size(self) -> int:
        """Bytes that marking or deleting sets free, now or after the grace period."""
        return sum(use.size - use.live for use in (*self.marks, *self.rewrites, *self.deletes))

    @property
    def names(self) -> list[str]:
        """The names of the packs that will be marked or deleted."""
        return [use.name for use in (*self.marks, *self.rewrites, *self.deletes)]

    @property
    def is_empty(self) -> bool:
        """Tells whether there is nothing to do."""
        recipes = self.mark_recipes or self.hide_recipes or self.unmark_recipes
        return not (self.names or self.unmarks or self.forgotten or self.stale or recipes)


def plan_remote_gc(remote: Remote, live: Set[bytes], grace_seconds: float, now: float) -> RemoteGcPlan:
    """Gives what to collect when `live` are the blobs and trees that something needs.

    What was written less than `grace_seconds` before `now` (Unix seconds) is kept, with everything that its trees and
    recipes name. With no grace at all, dead packs are deleted by the run that marks them. Raises `ArrivedDamaged` when
    an index file, a young tree or a needed recipe cannot be read: then what is dead cannot be known. Writes nothing.
    """
    catalog = readable_catalog(remote)
    files = {file.name.rpartition("/")[2].removesuffix(".pack"): file for file in remote.bucket.list("packs/")}
    young = {name for name, file in files.items() if file.modified is None or file.modified > now - grace_seconds}
    needed = set(live) | _pieces(remote, catalog, live)
    named = _named_by_young(remote, catalog, young) - needed
    kept = needed | named | _pieces(remote, catalog, named)
    rules = _Rules(grace_seconds, now, catalog)
    packs: dict[str, list[PackUse]] = {}
    for use, payload in _uses(catalog, files, kept, record_struct(remote.algorithm.digest_size).size):
        packs.setdefault(rules.verdict(use, payload), []).append(use)
    dead = _dead(catalog, kept)
    recipes: dict[str, dict[str, set[bytes]]] = {}
    for found in _recipes(catalog):
        verdict = rules.verdict_of_recipe(found, found.record.digest in kept, found.pack in files)
        recipes.setdefault(verdict, {}).setdefault(found.pack, set()).add(found.record.digest)
    return RemoteGcPlan(
        marks=tuple(packs.get("mark", ())),
        rewrites=tuple(packs.get("rewrite", ())),
        deletes=tuple(packs.get("delete", ())),
        unmarks=tuple(packs.get("unmark", ())),
        kept_young=(*packs.get("young", ()), *_needed_as_young(catalog, files, young, needed)),
        waiting=tuple(packs.get("wait", ())),
        mark_recipes=recipes.get("mark", {}),
        hide_recipes=recipes.get("delete", {}),
        unmark_recipes=recipes.get("unmark", {}),
        stale=catalog.deleted & catalog.packs().keys(),
        dead=dead,
        forgotten=tuple(_forgotten(remote, catalog, files.keys(), now - max(grace_seconds, KEEP_MARKS), now)),
        now=now,
        known=frozenset(file.name for file in catalog.files),
        kept=kept,
    )


def readable_catalog(remote: Remote) -> Catalog:
    """Gives what a remote holds now; raises `RemoteError` when there is none, or an index file cannot be read."""
    remote.require()
    catalog = remote.refresh()
    if catalog.damaged:
        raise remote.arrived_damaged(f"index files of {remote.label} came damaged: {', '.join(catalog.damaged)}")
    return catalog


class _Rules:
    """What is to be done with a pack, and with a recipe in a pack that stays."""

    def __init__(self, grace: float, now: float, catalog: Catalog) -> None:
        self._grace = grace
        self._now = now
        self._catalog = catalog
        every = catalog.marks.values()
        self._since = {pack: marks.marked for marks in every for pack in marks.packs if marks.reason == DEAD}
        self._recipe_since = {
            (pack, digest): marks.marked
            for marks in sorted(every, key=lambda marks: marks.deleted is None)
            for pack, some in marks.objects.items()
            for digest in some
        }
        gone = [marks.objects for marks in every if marks.deleted is not None]
        self._deleted = {(pack, digest) for objects in gone for pack, some in objects.items() for digest in some}
        self._indexed = catalog.packs().keys()

    def verdict(self, use: PackUse, payload: int) -> str:
        """Gives what to do with a pack that has `payload` bytes of objects."""
        since = self._since.get(use.name)
        if use.name in self._catalog.marked and since is None:
            return "leave"  # a repair set it aside
        if use.live and since is not None:
            return "unmark"
        if use.live and use.live >= _MOSTLY_DEAD * payload:
            return "leave"
        # What no index names may be of a push that is at work.
        oldest = self._now - (self._grace if use.name in self._indexed else max(self._grace, DAY))
        if use.modified is None or use.modified > oldest:
            return "leave" if use.live else "young"
        if use.live:
            return "rewrite"
        return self._when_dead(since)

    def verdict_of_recipe(self, found: Found, needed: bool, there: bool) -> str:
        """Gives what to do with a recipe: its pack may stay when its chunks go, and then it must not be relied on."""
        name = (found.pack, found.record.digest.hex())
        since = self._recipe_since.get(name)
        if name in self._deleted:
            return "delete"  # an old index file came back: its chunks are gone
        if needed:
            taken = self._catalog.find(found.record.digest)
            is_taken = taken is not None and taken.pack == found.pack
            return "unmark" if since is not None and is_taken else "leave"
        if found.pack in self._catalog.marked or not there:
            return "leave"  # it goes with its pack
        return self._when_dead(since)

    def _when_dead(self, since: float | None) -> str:
        if self._grace <= 0 or (since is not None and since <= self._now - self._grace):
            return "delete"
        return "mark" if since is None else "wait"


def _named_by_young(remote: Remote, catalog: Catalog, young: Set[str]) -> set[bytes]:
    """Gives the objects in young packs and all that their trees name: a push may rely on old packs for the rest."""
    kept: set[bytes] = set()
    trees: list[Wanted] = []
    recipes: list[Found] = []
    for index in catalog.indexes:
        for record in index.records():
            info = index.packs[record.pack]
            if info.name in young:
                kept.add(record.digest)
                if record.role == Role.TREE:
                    trees.append(Wanted(record.digest, Role.TREE, 0, ""))
                elif record.role == Role.RECIPE:
                    recipes.append(Found(info.name, info.size, record))
    trees += [Wanted(place.record.digest, Role.TREE, 0, "") for place in recipes if _is_tree(remote, place)]
    return kept | reachable(remote, trees).wanted.keys()


def _is_tree(remote: Remote, place: Found) -> bool:
    """Tells whether the object of a recipe is a tree, by its first bytes."""
    first = remote.recipe(place).entries[0][0]
    return remote.catalog().find(first) is not None and remote.read(first).startswith(_TREE_START)


def _pieces(remote: Remote, catalog: Catalog, kept: Set[bytes]) -> set[bytes]:
    """Gives the chunks and parts that the kept objects are made of."""
    places = [found for digest in kept if (found := catalog.find(digest)) and found.record.role == Role.RECIPE]
    pieces: set[bytes] = set()
    parts: set[bytes] = set()
    for place, data in remote.payloads(places, remote.reader(jobs=remote.settings.jobs, verify=False)):
        recipe = read_top(remote, place, bytes(data))
        (parts if recipe.level else pieces).update(digest for digest, _ in recipe.entries)
    for _, data in remote.read_many(parts):
        pieces.update(digest for digest, _ in parse_part(remote, data).entries)
    return pieces | parts


def _uses(
    catalog: Catalog, files: Mapping[str, BucketFile], kept: Set[bytes], width: int
) -> Iterator[tuple[PackUse, int]]:
    """Gives for each pack that is there its use, and the bytes of its payloads.

    Of several copies of an object the one that readers take counts as needed.
    """
    live = dict.fromkeys(files, 0)
    seen = dict.fromkeys(files, 0)
    for index in catalog.indexes:
        names = [info.name for info in index.packs]
        for record in index.records():
            name = names[record.pack]
            if name in seen:
                seen[name] += record.stored
                if record.digest in kept:
                    found = catalog.find(record.digest)
                    if found is not None and found.pack == name and found.record.offset == record.offset:
                        live[name] += record.stored
    counts = {name: info.count for name, info in catalog.packs().items()}
    for name, file in sorted(files.items()):
        # Objects whose records were left out of the index are dead bytes too; a short gap before the first is not.
        held = file.size - HEADER_SIZE - FOOTER_SIZE - counts.get(name, 0) * width - 4096
        yield PackUse(name, file.size, live[name], file.modified), max(held, seen[name])


def _needed_as_young(
    catalog: Catalog, files: Mapping[str, BucketFile], young: Set[str], needed: Set[bytes]
) -> Iterator[PackUse]:
    """Gives the packs that are kept for their youth alone."""
    used: set[str] = set()
    for index in catalog.indexes:
        used.update(index.packs[record.pack].name for record in index.records() if record.digest in needed)
    for name in sorted((young & catalog.packs().keys()) - used):
        yield PackUse(name, files[name].size, 0, files[name].modified)


def _dead(catalog: Catalog, kept: Set[bytes]) -> frozenset[bytes]:
    objects = (Role.BLOB, Role.TREE, Role.RECIPE)
    return frozenset(
        record.digest
        for index in catalog.indexes
        for record in index.records()
        if record.role in objects and record.digest not in kept
    )


def _recipes(catalog: Catalog) -> Iterator[Found]:
    for index in catalog.indexes:
        for record in index.records():
            if record.role == Role.RECIPE:
                info = index.packs[record.pack]
                yield Found(info.name, info.size, record)


def _forgotten(remote: Remote, catalog: Catalog, there: Set[str], oldest: float, now: float) -> Iterator[str]:
    for name, marks in catalog.marks.items():
        idle = there.isdisjoint(marks.packs) and (marks.deleted is not None or not marks.objects)
        if idle and (marks.deleted or marks.marked) <= oldest:
            yield name
    for file in remote.bucket.list("tmp/"):
        if file.modified is not None and file.modified <= now - DAY:
            yield file.name
