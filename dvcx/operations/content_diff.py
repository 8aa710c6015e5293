"""`dvcx diff --content`: what changed inside tables, from the cache and, for the workspace, from the files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from dvcx.base.errors import DvcxError, MissingData
from dvcx.base.files import read_own_file
from dvcx.base.text import size_text
from dvcx.model.ids import Kind, parse_object_id
from dvcx.operations.diff import DiffResult, FileDiff
from dvcx.operations.table_diff import FORMATS, TableDiff, compare_tables, require_polars
from dvcx.repo.record import Repo, open_cache
from dvcx.storage.cache import Cache

MOST_BYTES = 64 << 20
"""Of one version of a table: what is larger is not compared."""


def with_content(repo: Repo, result: DiffResult, key: Sequence[str] = (), examples: int = 5) -> DiffResult:
    """Gives `result` with what differs inside the tables that were modified, at most `examples` rows of each kind.

    Rows are matched by the columns `key`. What is not a table is passed over; one that is too large, damaged or not
    here comes with why it was not compared. Raises `UsageError` when polars is not installed, and for an unknown key.
    """
    require_polars()
    cache = open_cache(repo)
    try:
        return replace(result, tables=tuple(_tables(repo, result, cache, key, examples)))
    finally:
        cache.close()


def _tables(repo: Repo, result: DiffResult, cache: Cache, key: Sequence[str], examples: int) -> Iterator[TableDiff]:
    for change in result.changes:
        if change.change != "modified" or PurePosixPath(change.path).suffix.lower() not in FORMATS:
            continue
        if change.old_id == change.new_id or "folder" in (change.old_type, change.new_type):
            continue
        try:
            old = _content(cache, change, change.old_id, change.old_size)
            is_workspace = result.new_commit is None
            new = _here(repo, change) if is_workspace else _content(cache, change, change.new_id, change.new_size)
        except (DvcxError, OSError) as error:
            yield TableDiff(change.path, why_not=error.message if isinstance(error, DvcxError) else str(error))
            continue
        yield compare_tables(change.path, old, new, key, examples)


def _content(cache: Cache, change: FileDiff, name: str | None, size: int | None) -> bytes:
    if name is None:
        raise DvcxError("it is not a file on both sides")
    _check_size(size or 0)
    try:
        return cache.read(parse_object_id(name, Kind.BLOB, change.path).digest)
    except MissingData:
        raise DvcxError("one of its versions is not in the cache: `dvcx fetch --all-commits` takes it in") from None


def _here(repo: Repo, change: FileDiff) -> bytes:
    if change.new_type not in ("file", "executable"):
        raise DvcxError("it is not a file on both sides")
    _check_size(change.new_size or 0)
    path = repo.root / change.path
    # A large file may be a link into the cache; that is one which dvcx made.
    real = path.resolve() if path.is_symlink() and path.resolve().is_relative_to(repo.cache_dir.resolve()) else path
    return read_own_file(real, MOST_BYTES, change.path)


def _check_size(size: int) -> None:
    if size > MOST_BYTES:
        raise DvcxError(f"a version of it is larger than {size_text(MOST_BYTES)}")
