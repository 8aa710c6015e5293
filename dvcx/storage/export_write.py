"""Carrying out an export: files are read from the cache, verified, and written several at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import msgspec

from dvcx.base.errors import DamagedData, MissingData
from dvcx.base.hashing import Algorithm
from dvcx.base.progress import SILENT, Progress, Task, task
from dvcx.base.workers import workers
from dvcx.formats.export_manifest import ExportManifest, Wanted, dump_manifest
from dvcx.storage.bucket import NotThere
from dvcx.storage.cache import Cache
from dvcx.storage.export_plan import ExportPlan
from dvcx.storage.export_target import ExportTarget

_IN_FLIGHT = 64 << 20
"""Bytes of small files that are in memory at once."""
_NOTE_EVERY = 512 << 20
"""After this many bytes the manifest is written, so that a killed export has not worked for nothing."""


@dataclass(frozen=True, slots=True)
class Written:
    """What an export wrote; `missing` and `damaged` files had no good copy in the cache."""

    files: int
    size: int
    missing: tuple[str, ...]
    damaged: tuple[str, ...]


def apply_export(
    plan: ExportPlan,
    manifest: ExportManifest,
    cache: Cache,
    target: ExportTarget,
    jobs: int = 8,
    progress: Progress = SILENT,
) -> Written:
    """Does what `plan` says. `manifest` is what the place will have for the export's own files apart from the writes.

    What is about to be written or deleted is noted in the place first: after a kill the next export knows its own.
    Raises `RemoteError` and `OSError` as the target does; running it again goes on.
    """
    notes = _Notes(target, manifest, [*(each.path for each in plan.writes), *plan.deletes])
    notes.write()
    if not plan.writes and not plan.deletes:
        return Written(0, 0, (), ())
    target.delete(plan.first)
    with task(progress, "exporting", plan.size, "bytes") as shown:
        work = _Work(cache, target, notes, shown, jobs)
        work.write(plan.writes)
    target.delete(sorted(set(plan.deletes).difference(plan.first)))
    notes.forget_unwritten()
    notes.write()
    return Written(work.files, work.size, tuple(sorted(work.missing)), tuple(sorted(work.damaged)))


def is_right(target: ExportTarget, each: Wanted, algorithm: Algorithm) -> bool:
    """Tells whether a file of the place has the content that it should have, by reading it."""
    hasher = algorithm.new()
    try:
        for block in target.blocks(each.path):
            hasher.update(block)
    except (NotThere, IsADirectoryError):
        return False
    return hasher.digest() == each.digest


class _Notes:
    """The manifest as it grows."""

    def __init__(self, target: ExportTarget, manifest: ExportManifest, begun: Sequence[str]) -> None:
        self._target = target
        self._manifest = manifest
        self._before = {path: manifest.files[path] for path in begun if path in manifest.files}
        self._begun = dict.fromkeys(begun)
        self._files = {path: each for path, each in manifest.files.items() if path not in self._begun}
        self._last: bytes | None = None

    def done(self, each: Wanted) -> None:
        """Notes that a file is there."""
        self._files[each.path] = each.exported
        self._begun.pop(each.path, None)

    def forget_unwritten(self) -> None:
        """Takes back what could not be written: what was there before is there still."""
        for path in self._begun:
            if path in self._before:
                self._files[path] = self._before[path]
        self._begun = {}

    def write(self) -> None:
        """Writes the manifest into the place, unless nothing changed."""
        made = msgspec.structs.replace(self._manifest, files=self._files, begun=list(self._begun))
        data = dump_manifest(made)
        if data != self._last:
            self._target.write_manifest(data)
            self._last = data


class _Work:
    """Files on their way, at most `jobs` at once and at most so many bytes."""

    def __init__(self, cache: Cache, target: ExportTarget, notes: _Notes, shown: Task, jobs: int) -> None:
        self._cache = cache
        self._target = target
        self._notes = notes
        self._shown = shown
        self._jobs = max(1, jobs)
        self._waiting: deque[tuple[Future[object], Wanted, int]] = deque()
        self._flying = 0
        self._unnoted = 0
        self.files = 0
        self.size = 0
        self.missing: list[str] = []
        self.damaged: list[str] = []

    def write(self, wanted: Sequence[Wanted]) -> None:
        """Writes files; those without a good copy are noted in `missing` and `damaged`."""
        by_digest: dict[bytes, list[Wanted]] = {}
        for each in wanted:
            by_digest.setdefault(each.digest, []).append(each)
        absent = self._cache.missing(by_digest)
        self.missing += [each.path for digest in absent for each in by_digest.pop(digest)]
        loose = {digest: path for digest in by_digest if (path := self._cache.loose_path(digest)) is not None}
        with workers(self._jobs, "dvcx-export") as pool:
            for digest, data in self._good([digest for digest in by_digest if digest not in loose], by_digest):
                for each in by_digest[digest]:
                    self._send(pool, each, self._put(each, data), len(data))
            for digest, path in loose.items():
                for each in by_digest[digest]:
                    self._send(pool, each, self._put_loose(each, path), 0)
            while self._waiting:
                self._take()

    def _good(self, digests: Sequence[bytes], by_digest: Mapping[bytes, list[Wanted]]) -> Iterator[tuple[bytes, bytes]]:
        """Gives the objects that are in packs, verified; damaged ones one by one, to find which they are."""
        left = dict.fromkeys(digests)
        try:
            for digest, data in self._cache.read_many(digests):
                left.pop(digest, None)
                yield digest, data
        except (DamagedData, MissingData):
            for digest in list(left):
                try:
                    yield digest, self._cache.read(digest)
                except DamagedData:
                    self.damaged += [each.path for each in by_digest[digest]]
                except MissingData:
                    self.missing += [each.path for each in by_digest[digest]]

    def _put(self, each: Wanted, data: bytes) -> Callable[[], object]:
        return lambda: self._target.put(each.path, data, executable=each.executable)

    def _put_loose(self, each: Wanted, source: Path) -> Callable[[], object]:
        def put() -> None:
            self._cache.verify_loose(each.digest)
            self._target.put_file(each.path, source, each.size, executable=each.executable)

        return put

    def _send(self, pool: ThreadPoolExecutor, each: Wanted, put: Callable[[], object], in_memory: int) -> None:
        while self._waiting and (len(self._waiting) > 2 * self._jobs or self._flying > _IN_FLIGHT):
            self._take()
        self._waiting.append((pool.submit(put), each, in_memory))
        self._flying += in_memory

    def _take(self) -> None:
        future, each, in_memory = self._waiting.popleft()
        self._flying -= in_memory
        self._shown.advance(each.size)
        try:
            future.result()
        except DamagedData:
            self.damaged.append(each.path)
            return
        except MissingData:
            self.missing.append(each.path)
            return
        self._notes.done(each)
        self.files += 1
        self.size += each.size
        self._unnoted += each.size
        if self._unnoted >= _NOTE_EVERY:
            self._notes.write()
            self._unnoted = 0
