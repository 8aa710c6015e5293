"""The `dvcx.lock` files of the workspace: read once, changed stage by stage, and written whole."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dvcx.base.files import read_own_file
from dvcx.formats.lock_text import MAX_BYTES, join_records, parse_lock, print_record
from dvcx.model.run_record import RunRecord
from dvcx.model.stage import Stage


@dataclass(slots=True)
class _File:
    signature: tuple[int, ...] | None
    records: dict[str, RunRecord]
    extra: Mapping[str, Any]
    texts: dict[str, str] = field(default_factory=dict)
    changes: dict[str, RunRecord | None] = field(default_factory=dict)


class LockFiles:
    """What the last runs of stages are known to have seen and made. Reading raises `DamagedData` for a broken file."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files: dict[str, _File] = {}

    def record(self, stage: Stage) -> RunRecord | None:
        """Gives what is recorded of the stage's last run, None when there is nothing."""
        file = self._file(stage.lock_file)
        if stage.name in file.changes:
            return file.changes[stage.name]
        return file.records.get(stage.name)

    def names(self, lock_file: str) -> list[str]:
        """Gives the names of the stages that the lock file at a project path has records of."""
        return sorted(self._file(lock_file).records)

    def put(self, stage: Stage, record: RunRecord) -> None:
        """Records a run; `texts` gives the file with it."""
        self._file(stage.lock_file).changes[stage.name] = record

    def keep_only(self, lock_file: str, names: Collection[str]) -> None:
        """Drops the records of stages that are not among `names`: nobody declares them any more."""
        file = self._file(lock_file)
        file.changes.update((name, None) for name in file.records if name not in names)

    def texts(self) -> Iterator[tuple[Path, str]]:
        """Gives the files that change, with their new texts; changes that others made meanwhile stay.

        The caller holds the workspace lock until it has written them, and then calls `written`.
        """
        for path, file in self._files.items():
            if not file.changes:
                continue
            if _signature(self._root / path) != file.signature:
                fresh = self._read(path)
                fresh.changes = file.changes
                file = self._files[path] = fresh
            for name, record in file.changes.items():
                file.texts.pop(name, None)
                if record is None:
                    file.records.pop(name, None)
                else:
                    file.records[name] = record
            file.changes = {}
            yield self._root / path, join_records(self._printed(file), file.extra)

    def written(self) -> None:
        """Takes note that what `texts` gave is on the disk."""
        for path, file in self._files.items():
            file.signature = _signature(self._root / path)

    def _printed(self, file: _File) -> Iterator[str]:
        for name in sorted(file.records):
            text = file.texts.get(name)
            if text is None:
                text = file.texts[name] = print_record(name, file.records[name])
            yield text

    def _file(self, path: str) -> _File:
        file = self._files.get(path)
        if file is None:
            file = self._files[path] = self._read(path)
        return file

    def _read(self, path: str) -> _File:
        signature = _signature(self._root / path)
        if signature is None:
            return _File(None, {}, {})
        lock = parse_lock(read_own_file(self._root / path, MAX_BYTES, path), path)
        return _File(signature, dict(lock.records), lock.extra)


def _signature(path: Path) -> tuple[int, ...] | None:
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino
