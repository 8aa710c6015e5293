"""Garbage collection on a remote: dead packs are marked, and deleted when nobody has needed them for a while.

Pushes take what lies only in marked packs for absent and never use a marked pack's name, so a pack that stays marked
and dead for the whole grace period can go. Every step can be repeated: a collection that was killed is finished by the
next one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass

from dvcx.base.errors import Refused, RemoteError
from dvcx.base.progress import SILENT, Progress, task
from dvcx.formats.remote_json import VERSION, Marks, dump_json
from dvcx.formats.table import Role
from dvcx.storage.arrival import TRIES
from dvcx.storage.bucket import NotThere
from dvcx.storage.remote import Remote
from dvcx.storage.remote_catalog import FOLDER, Found, index_name
from dvcx.storage.remote_gc_plan import DEAD, Objects, PackUse, RemoteGcPlan
from dvcx.storage.remote_index import read_index, rewrite_indexes
from dvcx.storage.remote_reader import pack_file

_MANY_INDEXES = 16


@dataclass(frozen=True, slots=True)
class RemoteGcResult:
    """What a garbage collection did; `mark_file` is what `undo_remote_gc` takes back, None when nothing was marked.

    `marked` and `deleted` count packs, `freed` bytes.
    """

    mark_file: str | None
    marked: int
    deleted: int
    freed: int


def apply_remote_gc(
    plan: RemoteGcPlan, remote: Remote, progress: Progress = SILENT, marked: Callable[[str], None] | None = None
) -> RemoteGcResult:
    """Does what `plan` says: copies, then marks, then index files, then packs. Killed anywhere, a new plan goes on.

    A pack that a push has named since the plan was made is left alone. `marked` is told the file of marks as soon as it
    is there, for `undo_remote_gc`.
    """
    named = _named_since(remote, plan.known)
    marks = [use for use in (*plan.marks, *plan.rewrites) if use.name not in named]
    deletes = [use for use in plan.deletes if use.name not in named]
    with task(progress, f"collecting on {remote.name}", len(plan.rewrites) + len(deletes), "packs") as shown:
        _copy_live(remote, plan)
        shown.advance(len(plan.rewrites))
        mark_file = _mark(remote, plan, marks, deletes)
        if mark_file is not None and marked is not None:
            marked(mark_file)
        _take_back(remote, {use.name for use in plan.unmarks} | named, plan.unmark_recipes)
        gone = frozenset(use.name for use in deletes)
        if gone or plan.stale or plan.hide_recipes or len(remote.refresh().files) > _MANY_INDEXES:
            rewrite_indexes(remote, gone | plan.stale, plan.hide_recipes)
        for use in deletes:
            remote.bucket.delete([pack_file(use.name)])
            shown.advance()
        if gone or plan.hide_recipes:
            packs = {use.name: use.size for use in deletes}
            _write(remote, Marks(VERSION, plan.now, packs, DEAD, plan.now, _as_text(plan.hide_recipes)))
        _take_back(remote, gone, {**plan.hide_recipes, **_marked_recipes(remote, gone)})
        remote.bucket.delete(plan.forgotten)
    remote.refresh()
    return RemoteGcResult(mark_file, len(marks), len(deletes), sum(use.size for use in deletes))


def undo_remote_gc(remote: Remote, mark_file: str) -> int:
    """Takes back the marks that a garbage collection wrote and gives how many packs are in use again.

    Raises `Refused` when the packs were deleted, or some of the marks were taken back in another way.
    """
    marks = remote.refresh().marks.get(mark_file)
    if marks is None or marks.deleted is not None:
        raise Refused(
            f"the garbage collection on {remote.label} cannot be undone: its packs were deleted or its marks changed",
            "run `dvcx push` where the data still is",
        )
    remote.bucket.delete([mark_file])
    remote.refresh()
    return len(marks.packs)


def _named_since(remote: Remote, known: frozenset[str]) -> set[str]:
    """Gives the packs that index files name which were written after the plan was made."""
    for _ in range(TRIES):
        files = [file.name for file in remote.refresh().files if file.name.endswith(".idx")]
        try:
            return {info.name for name in files if name not in known for info in read_index(remote, name).packs}
        except NotThere:
            continue  # joined with others since it was listed: listed again, it is in the join
    raise RemoteError(f"others keep changing the index files of {remote.label}", "run the command again")


def _copy_live(remote: Remote, plan: RemoteGcPlan) -> None:
    """Copies what is needed of the mostly dead packs into new ones."""
    if not plan.rewrites:
        return
    catalog = remote.catalog()
    names = {use.name for use in plan.rewrites}
    places: list[Found] = []
    for index in catalog.indexes:
        for record in index.records():
            name = index.packs[record.pack].name
            if name in names and record.digest in plan.kept:
                found = catalog.find(record.digest)
                if found is not None and found.pack == name and found.record.offset == record.offset:
                    places.append(found)
    with remote.writer() as writer:
        for verify in (True, False):  # a recipe does not stand under the digest of its own bytes
            some = [place for place in places if (place.record.role == Role.RECIPE) is not verify]
            for place, data in remote.payloads(some, remote.reader(jobs=remote.settings.jobs, verify=verify)):
                writer.put_again(Role(place.record.role), place.record.digest, bytes(data))


def _mark(remote: Remote, plan: RemoteGcPlan, marks: Iterable[PackUse], deletes: Iterable[PackUse]) -> str | None:
    """Marks what is to be marked, and what is deleted without having been; gives the file that can be taken back."""
    marked = remote.catalog().marked
    unmarked = {use.name: use.size for use in deletes if use.name not in marked}
    if unmarked:
        _write(remote, Marks(VERSION, plan.now, unmarked))
    packs = {use.name: use.size for use in marks}
    if not packs and not plan.mark_recipes:
        return None
    return _write(remote, Marks(VERSION, plan.now, packs, DEAD, None, _as_text(plan.mark_recipes)))


def _as_text(recipes: Objects) -> dict[str, list[str]]:
    return {pack: sorted(digest.hex() for digest in some) for pack, some in recipes.items()}


def _write(remote: Remote, marks: Marks) -> str:
    data = dump_json(marks)
    name = f"{FOLDER}{index_name(data)}.marks"
    remote.bucket.write(name, [data])
    return name


def _marked_recipes(remote: Remote, packs: Set[str]) -> Objects:
    """Gives the recipes in these packs that have marks of their own."""
    found: dict[str, set[bytes]] = {}
    for marks in remote.refresh().marks.values():
        for pack, digests in marks.objects.items():
            if pack in packs:
                found.setdefault(pack, set()).update(map(bytes.fromhex, digests))
    return found


def _take_back(remote: Remote, packs: Set[str], recipes: Objects) -> None:
    """Writes the files of marks anew that have marks of these packs and recipes, without them."""
    if not packs and not recipes:
        return
    for name, marks in remote.refresh().marks.items():
        if marks.deleted is not None:
            continue
        left = {pack: size for pack, size in marks.packs.items() if pack not in packs}
        objects = {
            pack: kept
            for pack, digests in marks.objects.items()
            if (kept := [digest for digest in digests if bytes.fromhex(digest) not in recipes.get(pack, ())])
        }
        if left == marks.packs and objects == marks.objects:
            continue
        if left or objects:
            _write(remote, Marks(VERSION, marks.marked, left, marks.reason, None, objects))
        remote.bucket.delete([name])
