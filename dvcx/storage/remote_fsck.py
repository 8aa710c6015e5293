"""Checking a remote: every pack, payload, table and index file, read and compared with what their names say."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from dvcx.base.errors import ArrivedDamaged, DamagedData
from dvcx.base.hashing import Algorithm, checksum
from dvcx.base.progress import SILENT, Progress, task
from dvcx.base.text import counted
from dvcx.base.workers import workers
from dvcx.formats.pack import FOOTER_SIZE, HEADER_SIZE, check_table, pack_name, parse_footer, parse_header
from dvcx.formats.payload import decode_payload
from dvcx.formats.recipe import Recipe, parse_recipe
from dvcx.formats.remote_json import RESTORE_HINT
from dvcx.formats.table import Record, Role, parse_table, record_struct
from dvcx.storage.bucket import Bucket, BucketFile, NotThere
from dvcx.storage.remote import Remote
from dvcx.storage.remote_catalog import Catalog
from dvcx.storage.remote_reader import pack_file

_STEP = 16 << 20
"""Bytes of a pack that are read at once."""


class Trouble(StrEnum):
    """What can be wrong on a remote."""

    DAMAGED_PACK = "damaged pack"
    DAMAGED_OBJECT = "damaged object"
    MISSING_PACK = "missing pack"
    DAMAGED_INDEX = "damaged index"
    WRONG_INDEX = "wrong index"
    BROKEN_RECIPE = "broken recipe"
    LEFTOVER = "leftover"


class Finding(NamedTuple):
    """One thing that is wrong: the file it is about, what it is, and the objects that cannot be had from there.

    A `LEFTOVER`, a pack that no index names, is no damage: a push was killed, or index files are lost.
    """

    trouble: Trouble
    name: str
    detail: str
    objects: tuple[bytes, ...] = ()

    @property
    def is_damage(self) -> bool:
        """Tells whether data is in danger."""
        return self.trouble is not Trouble.LEFTOVER


class CheckedPack(NamedTuple):
    """What the bytes of a pack say: its records, the good ones among them, the recipes in it, and what is wrong."""

    records: tuple[Record, ...]
    good: frozenset[bytes]
    recipes: dict[bytes, Recipe]
    problem: str | None

    @property
    def is_good(self) -> bool:
        """Tells whether nothing is wrong with it."""
        return self.problem is None and len(self.good) == len({record.digest for record in self.records})

    def better_of(self, other: CheckedPack) -> CheckedPack:
        """Gives what is known after the pack was read twice: what was right once is right."""
        table = self if self.problem is None else other
        recipes = {**self.recipes, **other.recipes}
        return CheckedPack(table.records, self.good | other.good, recipes, table.problem)


def check_remote(
    remote: Remote, sample: float | None = None, progress: Progress = SILENT, seed: int | None = None
) -> list[Finding]:
    """Gives everything that is wrong on the remote; reads all of it, or of the packs the part `sample` (0 to 1).

    With a sample, which packs are read is chosen by chance, `seed` makes it repeatable; listings and index files are
    always checked. Raises `RemoteError` when the remote cannot be read, `DamagedData` when `dvcx.json` is damaged.
    Writes nothing.
    """
    try:
        remote.require()
    except ArrivedDamaged as error:  # whether it is the remote's fault is just what is asked here
        raise DamagedData(error.message, RESTORE_HINT) from error
    catalog = remote.refresh()
    files = {_pack_of(file.name): file for file in remote.bucket.list("packs/")}
    findings = [Finding(Trouble.DAMAGED_INDEX, name, reason) for name, reason in sorted(catalog.damaged.items())]
    records = records_by_pack(catalog)
    for name, info in sorted(catalog.packs().items()):
        lost = tuple(record.digest for record in records.get(name, ()))
        if name not in files:
            if name not in catalog.marked:
                detail = "an index names it, but it is not there"
                findings.append(Finding(Trouble.MISSING_PACK, pack_file(name), detail, lost))
        elif files[name].size != info.size:
            detail = f"has {files[name].size} bytes, its index says {info.size}"
            findings.append(Finding(Trouble.DAMAGED_PACK, pack_file(name), detail, lost))
    wrong_size = {finding.name for finding in findings}
    chosen = [file for file in _sampled(sorted(files.values()), sample, seed) if file.name not in wrong_size]
    recipes: dict[bytes, Recipe] = {}
    with task(progress, f"checking {remote.name}", sum(file.size for file in chosen), "bytes") as shown:
        for file, checked in _checked(remote, chosen, records):
            name = _pack_of(file.name)
            findings += _about_pack(file.name, checked, records.get(name), name in catalog.marked)
            recipes.update(checked.recipes)
            shown.advance(file.size)
    findings += _about_recipes(remote, catalog, recipes, findings)
    return findings


def check_pack(
    bucket: Bucket,
    algorithm: Algorithm,
    file: BucketFile,
    indexed: Sequence[Record] = (),
    keep: Callable[[Record, bytes], None] | None = None,
) -> CheckedPack:
    """Reads a whole pack, a stretch at a time, and gives what is good in it.

    When its own table cannot be trusted, the records that index files have of it count. `keep` is given each good
    object with its content. Raises `RemoteError` as reading does, `NotThere` when the pack is gone.
    """
    where = file.name
    problem: str | None = None
    try:
        records, end = _own_records(bucket, algorithm, file)
    except DamagedData as error:
        problem = error.message
        records, end = sorted(indexed, key=_place), file.size
    good: set[bytes] = set()
    recipes: dict[bytes, Recipe] = {}
    for run, start, data in _stretches(bucket, where, records, end):
        if problem is None:
            problem = _check_gaps(run, start, data, where)
        for record in run:
            stored = memoryview(data)[record.offset - start : record.offset - start + record.stored]
            payload = _good_payload(record, stored, algorithm, recipes)
            if payload is not None:
                good.add(record.digest)
                if keep is not None:
                    keep(record, payload)
    return CheckedPack(tuple(records), frozenset(good), recipes, problem)


def _own_records(bucket: Bucket, algorithm: Algorithm, file: BucketFile) -> tuple[list[Record], int]:
    """Gives the records of a pack's table in the order of their places, and where its payloads end."""
    where = file.name
    if file.size < HEADER_SIZE + FOOTER_SIZE:
        raise DamagedData(f"{where} is cut off")
    header = bucket.read_range(where, 0, HEADER_SIZE)
    if parse_header(header, where).name != algorithm.name:
        raise DamagedData(f"{where} has objects named by another algorithm")
    end = bucket.read_range(where, file.size - FOOTER_SIZE, file.size)
    footer = parse_footer(end, file.size, algorithm.digest_size, where)
    width = record_struct(algorithm.digest_size).size
    table = bucket.read_range(where, footer.offset, footer.offset + footer.count * width)
    check_table(table, footer, where)
    if checksum(header) != footer.header_sum:
        raise DamagedData(f"the header of {where} is damaged")
    if f"{pack_name(table)}.pack" != where.rpartition("/")[2]:
        raise DamagedData(f"{where} stands under another pack's name")
    records = sorted(parse_table(table, algorithm.digest_size), key=_place)
    at = HEADER_SIZE
    for record in records:
        if record.offset < at or record.offset + record.stored > footer.offset:
            raise DamagedData(f"the table of {where} names places that overlap or are outside of it")
        at = record.offset + record.stored
    return records, footer.offset


def _pack_of(file_name: str) -> str:
    return file_name.rpartition("/")[2].removesuffix(".pack")


def _place(record: Record) -> tuple[int, int]:
    return record.offset, record.stored  # an empty object stands where the next one begins


def _stretches(bucket: Bucket, name: str, records: list[Record], end: int) -> Iterator[tuple[list[Record], int, bytes]]:
    """Gives the payloads in runs of about 16 MiB, each with the bytes from where the last one ended to its own end."""
    run: list[Record] = []
    start = HEADER_SIZE
    for at, record in enumerate(records):
        run.append(record)
        last = at + 1 == len(records)
        stop = end if last else min(record.offset + record.stored, end)
        if last or stop - start >= _STEP:
            yield run, start, bucket.read_range(name, start, stop)
            run, start = [], stop
    if not records and end > start:
        yield [], start, bucket.read_range(name, start, end)


def _check_gaps(run: list[Record], start: int, data: bytes, where: str) -> str | None:
    """Tells of bytes between the payloads that are not zero: nothing needs them, but nobody wrote them so."""
    at = 0
    for low, high in [*((r.offset - start, r.offset - start + r.stored) for r in run), (len(data), len(data))]:
        if data[at:low].strip(b"\0"):
            return f"{where} has bytes between its objects that no push writes"
        at = high
    return None


def _good_payload(
    record: Record, stored: memoryview, algorithm: Algorithm, recipes: dict[bytes, Recipe]
) -> bytes | None:
    try:
        payload = bytes(decode_payload(record, stored, "a pack"))
        if record.role == Role.RECIPE:
            recipes[record.digest] = parse_recipe(payload, algorithm.digest_size, "a recipe")
            return payload
    except DamagedData:
        return None
    return payload if algorithm.of(payload) == record.digest else None


def _sampled(files: list[BucketFile], sample: float | None, seed: int | None) -> list[BucketFile]:
    if sample is None or sample >= 1:
        return files
    count = min(len(files), max(1, round(len(files) * sample))) if files else 0
    return sorted(random.Random(seed).sample(files, count))


def _checked(
    remote: Remote, files: list[BucketFile], records: dict[str, list[Record]]
) -> Iterator[tuple[BucketFile, CheckedPack]]:
    def check(file: BucketFile) -> CheckedPack | None:
        indexed = records.get(_pack_of(file.name), ())
        try:
            first = check_pack(remote.bucket, remote.algorithm, file, indexed)
            if first.is_good:
                return first
            # It is the remote that is checked, not the way from there: damage has to be seen twice.
            return first.better_of(check_pack(remote.bucket, remote.algorithm, file, indexed))
        except NotThere:
            return None  # collected since it was listed

    with workers(remote.settings.jobs, "dvcx-check") as pool:
        for file, checked in zip(files, pool.map(check, files), strict=True):
            if checked is not None:
                yield file, checked


def records_by_pack(catalog: Catalog) -> dict[str, list[Record]]:
    """Gives what index files say of each pack."""
    found: dict[str, list[Record]] = {}
    for index in catalog.indexes:
        for record in index.records():
            found.setdefault(index.packs[record.pack].name, []).append(record)
    return found


def _about_pack(name: str, checked: CheckedPack, indexed: list[Record] | None, marked: bool) -> Iterator[Finding]:
    bad = tuple(record.digest for record in checked.records if record.digest not in checked.good)
    if checked.problem is not None:
        yield Finding(Trouble.DAMAGED_PACK, name, checked.problem, bad)
    elif bad:
        what = f"{len(bad)} of its {len(checked.records)} objects are not what their names say"
        yield Finding(Trouble.DAMAGED_OBJECT, name, what, bad)
    if indexed is None and not marked:
        yield Finding(Trouble.LEFTOVER, name, "no index names it")
    if indexed and checked.problem is None:
        own = {record._replace(pack=0) for record in checked.records}
        wrong = tuple(record.digest for record in indexed if record._replace(pack=0) not in own)
        if wrong:
            yield Finding(Trouble.WRONG_INDEX, name, "an index says something else than its table", wrong)


def _about_recipes(
    remote: Remote, catalog: Catalog, recipes: dict[bytes, Recipe], findings: list[Finding]
) -> Iterator[Finding]:
    """Gives the recipes that name a chunk which is nowhere."""
    bad = {digest for finding in findings for digest in finding.objects}
    for digest, recipe in recipes.items():
        found = catalog.find(digest)
        if found is None or found.record.role != Role.RECIPE or catalog.is_marked(found):
            continue
        lost = tuple(d for d, _ in recipe.entries if d not in bad and catalog.find(d) is None)
        if lost:
            what = f"{remote.id_text(digest)} needs {counted(len(lost), 'chunk')} that no index names"
            yield Finding(Trouble.BROKEN_RECIPE, pack_file(found.pack), what, (digest,))
