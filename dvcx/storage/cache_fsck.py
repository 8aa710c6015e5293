"""Checking the cache: every byte of it is read. What is damaged can then be set aside (see `cache_quarantine`)."""

from __future__ import annotations

import fcntl
import os
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from dvcx.base.errors import DamagedData
from dvcx.base.hashing import checksum, hash_file
from dvcx.base.progress import SILENT, Progress, Task, task
from dvcx.formats.pack import FOOTER_SIZE, HEADER_SIZE
from dvcx.formats.table import parse_table
from dvcx.storage.cache import Cache
from dvcx.storage.cache_findings import CacheFindings, Damaged
from dvcx.storage.cache_quarantine import SetAside, set_aside, set_aside_object
from dvcx.storage.loose import entries_of
from dvcx.storage.pack_check import trouble_with
from dvcx.storage.pack_reader import open_pack
from dvcx.storage.repack import is_good

__all__ = ["CacheFindings", "Damaged", "SetAside", "check_cache", "set_aside", "set_aside_object"]

_FILES_AT_ONCE = 32
_NOT_ITS_NAME = "its bytes are not what its name says"


def check_cache(cache: Cache, progress: Progress = SILENT) -> CacheFindings:
    """Reads every object, table and footer of the cache and gives what is not as it should be; changes nothing.

    Takes no lock: what other processes move or remove meanwhile is looked for anew.
    """
    report = _Report()
    cache.packs.refresh()
    total = sum(cache.packs.sizes().values()) + sum(size for _, size in cache.loose.all())
    with task(progress, "checking the cache", total, "bytes") as told:
        for part in _in_parallel(_work(cache, told)):
            report.add(part)
    report.damaged += _check_index(cache, report.table_sums)
    damaged = sorted(report.damaged, key=lambda each: (str(each.path), each.digest or b""))
    return CacheFindings(tuple(damaged), tuple(_leftovers(cache)), report.objects, report.size)


@dataclass(slots=True)
class _Report:
    """What one piece of the work found."""

    damaged: list[Damaged] = field(default_factory=list)
    objects: int = 0
    size: int = 0
    table_sums: dict[str, bytes] = field(default_factory=dict)

    def add(self, other: _Report) -> None:
        self.damaged += other.damaged
        self.objects += other.objects
        self.size += other.size
        self.table_sums |= other.table_sums


def _work(cache: Cache, told: Task) -> Iterator[Callable[[], _Report]]:
    seen: set[str] = set()
    # A pack that went away while we were at it was joined with others: the new one is in the next listing.
    while names := [name for name in cache.packs.names() if name not in seen]:
        seen.update(names)
        for name in names:
            yield lambda name=name: _check_pack(cache, name, told)  # type: ignore[misc]
        cache.packs.refresh()
    entries = ((folder.name, entry) for folder in cache.loose.folders() for entry in entries_of(folder.path))
    while some := list(islice(entries, _FILES_AT_ONCE)):
        yield lambda some=some: _check_loose(cache, some, told)  # type: ignore[misc]


def _in_parallel(work: Iterator[Callable[[], _Report]]) -> Iterator[_Report]:
    jobs = min(4, os.cpu_count() or 1)
    waiting: deque[Future[_Report]] = deque()
    with ThreadPoolExecutor(jobs, thread_name_prefix="dvcx-check") as pool:
        for piece in work:
            waiting.append(pool.submit(piece))
            if len(waiting) > 2 * jobs:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _check_pack(cache: Cache, name: str, told: Task) -> _Report:
    path = cache.packs.path_of(name)
    report = _Report()
    try:
        table = cache.packs.table_of(name)
        pack = open_pack(path)
    except FileNotFoundError:
        return report
    except DamagedData as error:
        return _Report([Damaged(None, path, error.message, name)])
    except OSError as error:
        return _Report([Damaged(None, path, f"it cannot be read: {error.strerror}", name)])
    try:
        records = list(parse_table(table, cache.algorithm.digest_size))
        report.table_sums[name] = checksum(table)
        report.size = pack.size
        report.objects = len(records)
        if trouble := trouble_with(pack, table, records, name):
            report.damaged.append(Damaged(None, path, trouble, name))
        for record, stored in pack.stored(records):
            if stored is None:
                report.damaged.append(Damaged(record.digest, path, "the disk cannot read it", name))
            elif not is_good(cache.algorithm, record, stored):
                report.damaged.append(Damaged(record.digest, path, _NOT_ITS_NAME, name))
            told.advance(record.stored)
        told.advance(HEADER_SIZE + len(table) + FOOTER_SIZE)
    finally:
        os.close(pack.fd)
    return report


def _check_loose(cache: Cache, entries: Iterable[tuple[str, os.DirEntry[str]]], told: Task) -> _Report:
    report = _Report()
    for folder, entry in entries:
        digest = cache.loose.digest_from(folder + entry.name)
        if digest is None:
            continue  # no object: it is told as a leftover
        path = Path(entry.path)
        try:
            status = path.lstat()
            if not stat.S_ISREG(status.st_mode):
                report.damaged.append(Damaged(digest, path, "it is not a file"))
                continue
            if hash_file(cache.algorithm, path) != digest:
                report.damaged.append(Damaged(digest, path, _NOT_ITS_NAME))
        except FileNotFoundError:
            continue  # collected meanwhile
        except OSError as error:
            report.damaged.append(Damaged(digest, path, f"it cannot be read: {error.strerror}"))
            continue
        report.objects += 1
        report.size += status.st_size
        told.advance(status.st_size)
    return report


def _check_index(cache: Cache, table_sums: dict[str, bytes]) -> list[Damaged]:
    path = cache.packs.index_path
    try:
        sums = cache.packs.joined_sums()
    except DamagedData as error:
        return [Damaged(None, path, error.message)]
    if any(table_sums.get(name, known) != known for name, known in sums.items()):
        return [Damaged(None, path, "it does not say what the packs hold")]
    return []


def _leftovers(cache: Cache) -> Iterator[Path]:
    for entry in entries_of(cache.root / "tmp"):
        if not _is_in_use(entry):
            yield Path(entry.path)
    for entry in entries_of(cache.packs.root):
        if entry.name[:-5] not in cache.packs.sizes() or not entry.name.endswith(".pack"):
            yield Path(entry.path)
    folders = cache.loose.folders()
    names = {folder.name for folder in folders}
    yield from (Path(entry.path) for entry in entries_of(cache.loose.root) if entry.name not in names)
    for folder in folders:
        for entry in entries_of(folder.path):
            if cache.loose.digest_from(folder.name + entry.name) is None:
                yield Path(entry.path)
    yield from (Path(e.path) for e in entries_of(cache.packs.index_path.parent) if not e.name.endswith(".idx"))


def _is_in_use(entry: os.DirEntry[str]) -> bool:
    """Tells whether a folder in `tmp` belongs to a process that is at work: it holds a lock in it."""
    try:
        fd = os.open(os.path.join(entry.path, "lock"), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False
