from __future__ import annotations

import io
import json
from collections.abc import Callable

import polars as pl
import pytest

from dvcx.base.errors import UsageError
from dvcx.operations.table_diff import ChangedRow, TableDiff, compare_tables

Make = Callable[[pl.DataFrame], bytes]


def as_csv(table: pl.DataFrame) -> bytes:
    return table.write_csv().encode()


def as_parquet(table: pl.DataFrame) -> bytes:
    file = io.BytesIO()
    table.write_parquet(file)
    return file.getvalue()


def as_lines(table: pl.DataFrame) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in table.to_dicts()).encode()


OLD = pl.DataFrame({"id": [1, 2, 3], "name": ["a", "b", "c"], "old": [0, 0, 0]})
NEW = pl.DataFrame({"id": [1, 2, 4], "name": ["a", "B", "d"], "new": [9, 9, 9]})
EACH = pytest.mark.parametrize(("path", "make"), [("t.csv", as_csv), ("t.parquet", as_parquet), ("t.jsonl", as_lines)])


@EACH
def test_columns_and_rows_that_changed_are_told(path: str, make: Make) -> None:
    found = compare_tables(path, make(OLD), make(NEW))
    assert (found.columns_added, found.columns_removed, found.types_changed) == (("new",), ("old",), {})
    assert (found.old_rows, found.new_rows, found.rows_added, found.rows_removed) == (3, 3, 2, 2)
    assert found.added == ({"id": "2", "name": "B"}, {"id": "4", "name": "d"})
    assert found.removed == ({"id": "2", "name": "b"}, {"id": "3", "name": "c"})


@EACH
def test_with_a_key_rows_are_matched(path: str, make: Make) -> None:
    found = compare_tables(path, make(OLD), make(NEW), ["id"])
    assert (found.rows_added, found.rows_removed, found.rows_changed) == (1, 1, 1)
    assert found.changed == (ChangedRow({"id": "2"}, {"name": ("b", "B")}),)


@EACH
def test_the_order_of_rows_does_not_count_but_how_often_they_are_there(path: str, make: Make) -> None:
    assert compare_tables(path, make(OLD), make(OLD.reverse())) == TableDiff(path, 3, 3, types_changed={})
    twice = compare_tables(path, make(OLD), make(pl.concat([OLD, OLD.head(1)])))
    assert (twice.rows_added, twice.rows_removed) == (1, 0)


def test_types_nulls_and_nested_values() -> None:
    old = pl.DataFrame({"a": [1, None], "b": [[1], [2, 3]]})
    new = pl.DataFrame({"a": [1.0, None], "b": [[1], [2, 4]]})
    found = compare_tables("t.parquet", as_parquet(old), as_parquet(new))
    assert found.types_changed == {"a": ("Int64", "Float64")}
    assert (found.rows_added, found.rows_removed) == (2, 2)
    same = compare_tables("t.parquet", as_parquet(old), as_parquet(old.clone()), ["b"])
    assert (same.rows_added, same.rows_removed, same.rows_changed) == (0, 0, 0)


def test_a_cell_of_text_is_not_taken_for_a_number() -> None:
    found = compare_tables("t.csv", b"a\n1\n", b"a\n1.0\n")
    assert (found.rows_added, found.rows_removed) == (1, 1)


def test_examples_are_few_and_short() -> None:
    rows = "".join(f"{number}\n" for number in range(1000))
    found = compare_tables("t.csv", b"a\n", ("a\n" + rows + "x" * 10_000 + "\n").encode(), examples=3)
    assert found.rows_added == 1001 and len(found.added) == 3
    assert all(len(cell or "") <= 201 for row in found.added for cell in row.values())


@pytest.mark.parametrize(
    ("path", "data"),
    [("t.parquet", b"PAR1 no"), ("t.jsonl", b'{"a": 1\n'), ("t.csv", b'a,b\n"1'), ("t.csv", b"a,b\n1,2,3\n")],
)
def test_what_cannot_be_read_is_told(path: str, data: bytes) -> None:
    assert "cannot be read as" in (compare_tables(path, b"", data).why_not or "")


def test_a_small_file_that_claims_billions_of_cells_is_not_unfolded() -> None:
    table = pl.DataFrame({f"c{number}": pl.repeat(0, 3_000_000, eager=True) for number in range(8)})
    data = as_parquet(table)
    assert len(data) < 1_000_000
    assert "too many" in (compare_tables("t.parquet", data, data).why_not or "")


def test_a_key_that_is_not_there_or_not_unique() -> None:
    with pytest.raises(UsageError, match="no column 'x'"):
        compare_tables("t.csv", b"a\n1\n", b"a\n2\n", ["x"])
    with pytest.raises(UsageError, match="several rows"):
        compare_tables("t.csv", b"a\n1\n", b"a\n2\n2\n", ["a"])
