"""Files of metrics as values by name: JSON, YAML, TOML and CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from typing import Any

from dvcx.base.errors import DamagedData
from dvcx.formats.params_text import parse_params

MAX_BYTES = 64 << 20
"""A file of metrics larger than this (bytes) is refused."""
_TABLES = {"csv": ",", "tsv": "\t"}
_NUMBER = re.compile(r"\s*[-+]?(?:[0-9]{1,18}|(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][-+]?[0-9]{1,3})?)\s*\Z")


def parse_metrics(data: bytes, where: str) -> Mapping[str, Any]:
    """Gives the metrics in the file `where` by name, those inside mappings with dots in their names, in their order.

    Of a table with one row that is the row, of one with more rows the last: where a training ended. A table of two
    columns whose first holds words is one of names and values. Raises `DamagedData` for what cannot be read.
    """
    if len(data) > MAX_BYTES:
        raise DamagedData(f"{where} is too large for a file of metrics ({len(data)} bytes)")
    delimiter = _TABLES.get(where.rpartition(".")[2].lower())
    values = _table(data, where, delimiter) if delimiter else parse_params(data, where)
    return dict(flat(values))


def flat(values: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Gives each value that is no mapping, with the names that lead to it joined by dots."""
    if not isinstance(values, Mapping):
        yield above, values
        return
    for key, value in values.items():
        yield from flat(value, f"{above}.{key}" if above else str(key))


def _table(data: bytes, where: str, delimiter: str) -> dict[str, Any]:
    try:
        text = data.decode("utf-8-sig")
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DamagedData(f"{where} is not a table in UTF-8: {error}") from error
    if not rows:
        return {}
    head, *body = rows
    if (
        len(head) == 2
        and all(len(row) == 2 for row in rows)
        and body
        and not any(_NUMBER.match(row[0]) for row in body)
    ):
        pairs = rows if _NUMBER.match(head[1]) else body
        return {name: _value(value) for name, value in pairs}
    if not body:
        return {}
    return {name: _value(value) for name, value in zip(head, body[-1], strict=False)}


def _value(text: str) -> Any:
    if not _NUMBER.match(text):
        return text
    return int(text) if re.fullmatch(r"\s*[-+]?[0-9]+\s*", text) else float(text)
