"""What differs between two versions of a table: columns and rows. The one place that imports polars."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from dvcx.base.errors import DvcxError, UsageError

if TYPE_CHECKING:
    import polars as pl

FORMATS: Mapping[str, str] = {
    ".csv": "CSV",
    ".tsv": "TSV",
    ".parquet": "Parquet",
    ".pq": "Parquet",
    ".jsonl": "JSON Lines",
    ".ndjson": "JSON Lines",
}
"""The files that can be compared, by the ending of their names."""

_MOST_CELLS = 20_000_000
"""Of one table: a Parquet file of a few KiB can claim billions."""
_MOST_TEXT = 200

Row = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class ChangedRow:
    """A row that both versions have by its `key`; `cells` are what differs in it, old and new."""

    key: Row
    cells: Mapping[str, tuple[str | None, str | None]]


@dataclass(frozen=True, slots=True)
class TableDiff:
    """What differs between two versions of the table at `path`; numbers of rows, and some of the rows as examples.

    Without a key a row that changed counts as one that was removed and one that was added. `why_not` says why the
    versions were not compared; then all else is empty.
    """

    path: str
    old_rows: int = 0
    new_rows: int = 0
    columns_added: tuple[str, ...] = ()
    columns_removed: tuple[str, ...] = ()
    types_changed: Mapping[str, tuple[str, str]] | None = None
    rows_added: int = 0
    rows_removed: int = 0
    rows_changed: int = 0
    added: tuple[Row, ...] = ()
    removed: tuple[Row, ...] = ()
    changed: tuple[ChangedRow, ...] = ()
    why_not: str | None = None


def require_polars() -> None:
    """Raises `UsageError` when polars is not installed."""
    try:
        import polars  # noqa: F401
    except ImportError as error:
        raise UsageError(
            "comparing the content of tables needs polars", "install it: `pip install 'git-dvcx[content]'`"
        ) from error


def compare_tables(path: str, old: bytes, new: bytes, key: Sequence[str] = (), examples: int = 5) -> TableDiff:
    """Gives what differs between two versions of the file at `path`, whose ending tells what it is.

    With the columns `key`, rows are matched by them, else by all that they hold. What cannot be compared comes with
    its `why_not`. Raises `UsageError` for a key that is not in both.
    """
    try:
        before, after = _read(path, old), _read(path, new)
    except DvcxError as error:
        return TableDiff(path, why_not=error.message)
    missing = [name for name in key if name not in before.columns or name not in after.columns]
    if missing:
        raise UsageError(
            f"{path} has no column {missing[0]!r} in both versions", f"it has: {', '.join(after.columns[:20])}"
        )
    common = [name for name in after.columns if name in before.columns]
    types = {
        name: (str(before.schema[name]), str(after.schema[name]))
        for name in common
        if before.schema[name] != after.schema[name]
    }
    head = TableDiff(
        path,
        before.height,
        after.height,
        tuple(name for name in after.columns if name not in before.columns),
        tuple(name for name in before.columns if name not in after.columns),
        types,
    )
    if not common:
        return _with_rows(head, after.height, before.height)
    first, second = (_comparable(table.select(common), types) for table in (before, after))
    if key:
        return _by_key(head, first, second, list(key), examples)
    return _by_content(head, first, second, examples)


def _read(path: str, data: bytes) -> pl.DataFrame:
    """Reads a table. Raises `DvcxError` with what is wrong with it."""
    import polars as pl

    ending = PurePosixPath(path).suffix.lower()
    kind = FORMATS[ending]
    if not data:
        return pl.DataFrame()
    try:
        if kind == "Parquet":
            lazy = pl.scan_parquet(io.BytesIO(data))
            rows = int(lazy.select(pl.len()).collect().item())
            if rows * max(1, len(lazy.collect_schema())) > _MOST_CELLS:
                raise DvcxError(f"it has {rows:,} rows, too many to compare here")
            return lazy.collect()
        if kind == "JSON Lines":
            return pl.read_ndjson(io.BytesIO(data), infer_schema_length=None)
        # Cells of text files are compared as the texts that they are, so that no guess of a type hides a change.
        separator = "\t" if kind == "TSV" else ","
        return pl.read_csv(io.BytesIO(data), separator=separator, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError, ValueError, OverflowError) as error:
        first_line = (str(error).splitlines() or [""])[0]
        raise DvcxError(f"it cannot be read as {kind}: {first_line[:_MOST_TEXT]}") from error
    except BaseException as error:
        # A panic in polars' own code is no Exception; what stopped us on purpose still does.
        if isinstance(error, Exception) or type(error).__name__ != "PanicException":
            raise
        raise DvcxError(f"it cannot be read as {kind}") from error


def _comparable(table: pl.DataFrame, types: Mapping[str, object]) -> pl.DataFrame:
    """Gives the table with nested values, and those whose type changed, as texts."""
    import polars as pl

    def as_text(column: pl.Series) -> pl.Series:
        values = [None if value is None else str(value) for value in column.to_list()]
        return pl.Series(column.name, values, dtype=pl.String)

    return table.with_columns(
        [as_text(column) for column in table.iter_columns() if column.name in types or column.dtype.is_nested()]
    )


def _by_content(head: TableDiff, old: pl.DataFrame, new: pl.DataFrame, examples: int) -> TableDiff:
    """Compares rows as a bag: how often each one is there."""
    import polars as pl

    names = old.columns
    counts = [
        table.group_by(names, maintain_order=True).agg(pl.len().cast(pl.Int64).alias(mark))
        for table, mark in ((old, "\0old"), (new, "\0new"))
    ]
    both = counts[0].join(counts[1], on=names, how="full", coalesce=True, nulls_equal=True, maintain_order="right_left")
    both = both.with_columns(pl.col("\0old", "\0new").fill_null(0))
    added = both.filter(pl.col("\0new") > pl.col("\0old"))
    removed = both.filter(pl.col("\0old") > pl.col("\0new"))
    return _with_rows(
        head,
        int((added["\0new"] - added["\0old"]).sum()),
        int((removed["\0old"] - removed["\0new"]).sum()),
        added=_rows(added.select(names), examples),
        removed=_rows(removed.select(names), examples),
    )


def _by_key(head: TableDiff, old: pl.DataFrame, new: pl.DataFrame, key: list[str], examples: int) -> TableDiff:
    import polars as pl

    for table, which in ((old, "old"), (new, "new")):
        if table.select(key).is_duplicated().any():
            raise UsageError(
                f"{head.path} has several rows with one {', '.join(key)} in its {which} version",
                "name more columns: --key A --key B",
            )
    added = new.join(old, on=key, how="anti", nulls_equal=True, maintain_order="left")
    removed = old.join(new, on=key, how="anti", nulls_equal=True, maintain_order="left")
    others = [name for name in old.columns if name not in key]
    after = new.select(*key, *(pl.col(name).alias(f"\0{name}") for name in others))
    both = old.join(after, on=key, how="inner", nulls_equal=True, maintain_order="left")
    differs = [pl.col(name).ne_missing(pl.col(f"\0{name}")) for name in others]
    changed = both.filter(pl.any_horizontal(differs)) if differs else both.clear()
    shown = []
    for row in changed.head(examples).iter_rows(named=True):
        cells = {name: (_text(row[name]), _text(row[f"\0{name}"])) for name in others if row[name] != row[f"\0{name}"]}
        shown.append(ChangedRow({name: _text(row[name]) for name in key}, cells))
    return _with_rows(
        head,
        added.height,
        removed.height,
        changed.height,
        _rows(added, examples),
        _rows(removed, examples),
        tuple(shown),
    )


def _with_rows(
    head: TableDiff,
    rows_added: int,
    rows_removed: int,
    rows_changed: int = 0,
    added: tuple[Row, ...] = (),
    removed: tuple[Row, ...] = (),
    changed: tuple[ChangedRow, ...] = (),
) -> TableDiff:
    return TableDiff(
        head.path,
        head.old_rows,
        head.new_rows,
        head.columns_added,
        head.columns_removed,
        head.types_changed,
        rows_added,
        rows_removed,
        rows_changed,
        added,
        removed,
        changed,
    )


def _rows(table: pl.DataFrame, most: int) -> tuple[Row, ...]:
    return tuple({name: _text(value) for name, value in row.items()} for row in table.head(most).iter_rows(named=True))


def _text(value: object) -> str | None:
    if value is None:
        return None
    text = str(value)
    return text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]}…"
