"""Mending a remote: what is good in a damaged pack is saved, the rest comes from the cache; nothing is deleted.

The damaged packs are marked, so that nothing relies on them; then good and mended objects are written; then index files
without the damaged packs; then the damaged files move to `quarantine/`. A repair that was killed can be run again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from dvcx.base.errors import DamagedData, MissingData
from dvcx.base.progress import SILENT, Progress, task
from dvcx.formats.index import build_index
from dvcx.formats.remote_json import VERSION, Marks, dump_json
from dvcx.formats.table import Record, Role, dump_table
from dvcx.storage.bucket import NotThere
from dvcx.storage.remote import Remote
from dvcx.storage.remote_catalog import FOLDER, Found, index_name
from dvcx.storage.remote_fsck import Finding, Trouble, check_pack, records_by_pack
from dvcx.storage.remote_index import rewrite_indexes
from dvcx.storage.remote_reader import pack_file
from dvcx.storage.remote_writer import RemoteWriter
from dvcx.storage.source import LocalStore

QUARANTINE = "quarantine/"
DAMAGED = "damaged"
_BAD_PACKS = (Trouble.DAMAGED_PACK, Trouble.DAMAGED_OBJECT, Trouble.MISSING_PACK, Trouble.WRONG_INDEX)


@dataclass(frozen=True, slots=True)
class RepairResult:
    """What a repair did.

    `saved` objects were good in damaged packs, `mended` came from the cache, `indexed` counts packs that index files
    name again. `lost` are blobs and trees that no good copy was found of: they no longer count as being there, and a
    push from where they are sends them again. `set_aside` are the names of the files that moved to `quarantine/`.
    """

    saved: int
    mended: int
    indexed: int
    lost: tuple[bytes, ...]
    set_aside: tuple[str, ...]


def repair_remote(
    remote: Remote, cache: LocalStore, findings: Iterable[Finding], progress: Progress = SILENT
) -> RepairResult:
    """Mends what `check_remote` found. Raises `RemoteError` when the remote fails; then run both again."""
    every = list(findings)
    if not every:
        return RepairResult(0, 0, 0, (), ())
    bad = sorted({_pack_of(each.name) for each in every if each.trouble in _BAD_PACKS})
    indexes = [each.name for each in every if each.trouble is Trouble.DAMAGED_INDEX]
    leftovers = {each.name for each in every if each.trouble is Trouble.LEFTOVER} - {pack_file(name) for name in bad}
    with task(progress, f"mending {remote.name}", len(bad) + len(leftovers), "packs") as shown:
        # First, because the index file that is made anew from the same packs has the same name.
        set_aside = [*_set_aside(remote, indexes)]
        indexed = _name_again(remote, sorted(leftovers))
        shown.advance(len(leftovers))
        records = records_by_pack(remote.refresh())
        _mark(remote, bad)
        saved, wanted = _save_good(remote, bad, records)
        shown.advance(len(bad))
        mended = _mend_from_cache(remote, cache, wanted)
        # Only now: until here readers could still try the damaged packs.
        broken = _by_pack(_broken_recipes(remote))
        if bad or broken:
            rewrite_indexes(remote, frozenset(bad), broken)
        set_aside += _set_aside(remote, [pack_file(name) for name in bad])
    objects = {d for d, record in wanted.items() if record.role in (Role.BLOB, Role.TREE, Role.RECIPE)}
    lost = remote.refresh().missing(objects.union(*broken.values()))
    return RepairResult(saved, mended, indexed, tuple(sorted(lost)), tuple(set_aside))


def _pack_of(file_name: str) -> str:
    return file_name.rpartition("/")[2].removesuffix(".pack")


def _name_again(remote: Remote, names: Sequence[str]) -> int:
    """Writes an index file for packs that none names, of what is good in them."""
    tables: list[tuple[str, int, bytes]] = []
    for name in names:
        file = remote.bucket.stat(name)
        if file is None:
            continue
        checked = check_pack(remote.bucket, remote.algorithm, file)
        good = [record for record in checked.records if record.digest in checked.good]
        if checked.problem is None and good:
            tables.append((_pack_of(name), file.size, dump_table(good, remote.algorithm.digest_size)))
    if tables:
        data = build_index(remote.algorithm, tables)
        remote.bucket.write(f"{FOLDER}{index_name(data)}.idx", [data])
    return len(tables)


def _mark(remote: Remote, packs: Sequence[str]) -> None:
    """Makes pushes take for absent what lies only in these packs, and keeps their names from use."""
    catalog = remote.catalog()
    sizes = {name: info.size for name, info in catalog.packs().items()}
    marked = {name: sizes.get(name, 0) for name in packs if name not in catalog.marked}
    if marked:
        data = dump_json(Marks(VERSION, remote.settings.clock(), marked, DAMAGED))
        remote.bucket.write(f"{FOLDER}{index_name(data)}.marks", [data])
    remote.refresh()


def _save_good(
    remote: Remote, packs: Sequence[str], records: dict[str, list[Record]]
) -> tuple[int, dict[bytes, Record]]:
    """Copies the good objects of damaged packs that lie nowhere else into new packs.

    Gives how many, and everything that the packs should have held, as index files or their own tables say.
    """
    saved = 0
    wanted = {record.digest: record for name in packs for record in records.get(name, ())}
    with remote.writer() as writer:

        def keep(record: Record, data: bytes) -> None:
            nonlocal saved
            if not writer.has(record.digest):
                writer.put_again(Role(record.role), record.digest, data)
                saved += 1

        for name in packs:
            file = remote.bucket.stat(pack_file(name))
            if file is not None:
                checked = check_pack(remote.bucket, remote.algorithm, file, records.get(name, ()), keep)
                wanted.update((record.digest, record) for record in checked.records)
    return saved, wanted


def _mend_from_cache(remote: Remote, cache: LocalStore, wanted: dict[bytes, Record]) -> int:
    """Puts what is still missing from the cache: objects of their own, and the chunks of large ones."""
    mended = 0
    missing = remote.refresh().missing(wanted)
    lost = {digest for digest in missing if wanted[digest].role in (Role.BLOB, Role.TREE, Role.RECIPE)}
    broken = {place.record.digest for place in _broken_recipes(remote)}
    # A chunk can be a blob of the cache as well, so all that is missing is looked for there.
    here = (missing | broken) - cache.missing(missing | broken)
    with remote.writer() as writer:
        for digest in sorted(here):
            role = Role.TREE if digest in wanted and wanted[digest].role == Role.TREE else Role.BLOB
            try:
                _put_again(writer, cache, role, digest)
                mended += digest in lost or digest in broken
            except (DamagedData, MissingData):
                continue  # the cache's copy is no better
    return mended


def _put_again(writer: RemoteWriter, cache: LocalStore, role: Role, digest: bytes) -> None:
    path = cache.loose_path(digest)
    if path is not None:
        writer.put_file_again(role, digest, path)
    else:
        writer.put_new(role, digest, cache.read(digest))


def _broken_recipes(remote: Remote) -> list[Found]:
    """Gives the recipes that cannot be read or name a chunk which is missing."""
    catalog = remote.refresh()
    found: list[Found] = []
    for index in catalog.indexes:
        for record in index.records():
            place = Found(index.packs[record.pack].name, index.packs[record.pack].size, record)
            if record.role == Role.RECIPE and not catalog.is_marked(place) and not _is_whole(remote, place):
                found.append(place)
    return found


def _is_whole(remote: Remote, place: Found) -> bool:
    try:
        recipe = remote.recipe(place)
    except (DamagedData, MissingData):
        return False
    return not remote.catalog().missing({digest for digest, _ in recipe.entries})


def _by_pack(places: Iterable[Found]) -> dict[str, set[bytes]]:
    found: dict[str, set[bytes]] = {}
    for place in places:
        found.setdefault(place.pack, set()).add(place.record.digest)
    return found


def _set_aside(remote: Remote, names: Iterable[str]) -> Iterator[str]:
    """Moves files to `quarantine/` and gives the names of those that were there."""
    for name in names:
        try:
            data = remote.bucket.read(name)
        except NotThere:
            continue
        remote.bucket.write(QUARANTINE + name.rpartition("/")[2], [data])
        remote.bucket.delete([name])
        yield name
