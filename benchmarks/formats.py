"""Files of formats that people keep data in, and the small edits that programs make to them.

python benchmarks/formats.py NAME FILE make|edit MIB      # NAME: csv, sqlite, tar, safetensors, parquet
"""

from __future__ import annotations

import csv
import io
import json
import random
import sqlite3
import struct
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

MIB = 1 << 20


def _rows(count: int) -> Iterator[list[str]]:
    numbers = random.Random(1)
    for number in range(count):
        values = [f"{numbers.gauss(0, 1):.6f}" for _ in range(10)]
        yield [str(number), f"user-{numbers.randrange(10**6):06}", *values]


def make_csv(path: Path, size: int) -> None:
    """A table of twelve columns as text, about 115 bytes a row."""
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(_rows(size // 115))


def edit_csv(path: Path) -> None:
    """Ten cells here and there get another value, five rows are inserted in the middle."""
    lines = path.read_text().splitlines(keepends=True)
    numbers = random.Random(2)
    for at in numbers.sample(range(len(lines)), 10):
        lines[at] = lines[at].replace(lines[at].split(",")[3], "0.5", 1)
    middle = len(lines) // 2
    lines[middle:middle] = [f"new-{number},user,{'1.5,' * 9}2\n" for number in range(5)]
    path.write_text("".join(lines))


def make_sqlite(path: Path, size: int) -> None:
    """A table with an index."""
    with sqlite3.connect(path) as db:
        db.execute("create table events (id integer primary key, user text, payload blob)")
        db.execute("create index by_user on events (user)")
        numbers = random.Random(1)
        rows = ((n, f"user-{numbers.randrange(10**5):05}", numbers.randbytes(400)) for n in range(size // 460))
        db.executemany("insert into events values (?, ?, ?)", rows)
    db.close()


def edit_sqlite(path: Path) -> None:
    """Twenty rows are updated, ten are added."""
    with sqlite3.connect(path) as db:
        (count,) = db.execute("select count(*) from events").fetchone()
        numbers = random.Random(2)
        for at in numbers.sample(range(count), 20):
            db.execute("update events set payload = ? where id = ?", (numbers.randbytes(400), at))
        db.executemany("insert into events values (?, 'new', ?)", ((count + n, b"x" * 400) for n in range(10)))
    db.close()


def _members(size: int) -> Iterator[tuple[str, bytes]]:
    numbers = random.Random(1)
    for number in range(size // 100_000):
        yield f"images/{number:05}.jpg", numbers.randbytes(numbers.randrange(50_000, 150_000))


def _write_tar(path: Path, members: Iterator[tuple[str, bytes]]) -> None:
    with tarfile.open(path, "w") as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def make_tar(path: Path, size: int) -> None:
    """An archive of images of about 100 KB, not compressed."""
    _write_tar(path, _members(size))


def edit_tar(path: Path) -> None:
    """The archive is written anew with one image replaced by a larger one and one more at the end."""
    with tarfile.open(path) as tar:
        members = [(each.name, tar.extractfile(each).read()) for each in tar.getmembers()]  # type: ignore[union-attr]
    numbers = random.Random(2)
    members[len(members) // 3] = (members[len(members) // 3][0], numbers.randbytes(200_000))
    members.append(("images/new.jpg", numbers.randbytes(90_000)))
    _write_tar(path, iter(members))


LAYERS = 48


def _write_safetensors(path: Path, layers: list[bytes], metadata: dict[str, str]) -> None:
    header: dict[str, object] = {"__metadata__": metadata}
    at = 0
    for number, data in enumerate(layers):
        header[f"layers.{number}.weight"] = {
            "dtype": "F16",
            "shape": [len(data) // 2],
            "data_offsets": [at, at + len(data)],
        }
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.writelines(layers)


def _layers(size: int) -> list[bytes]:
    numbers = random.Random(1)
    return [numbers.randbytes(size // LAYERS // 2 * 2) for _ in range(LAYERS)]


def make_safetensors(path: Path, size: int) -> None:
    """A model of 48 layers of random weights."""
    _write_safetensors(path, _layers(size), {"step": "1000"})


def edit_safetensors(path: Path) -> None:
    """The last layer was trained further, and the header says so."""
    layers = _layers(path.stat().st_size // MIB * MIB)
    layers[-1] = random.Random(2).randbytes(len(layers[-1]))
    _write_safetensors(path, layers, {"step": "1000", "tuned": "the head, 200 steps more"})


def _table(size: int, first: int = 0, count: int | None = None):  # type: ignore[no-untyped-def]
    import pyarrow

    numbers = random.Random(first + 1)
    count = count or size // 44
    data = {
        "id": list(range(first, first + count)),
        "value": [numbers.random() for _ in range(count)],
        "other": [numbers.random() for _ in range(count)],
        "name": [f"user-{numbers.randrange(10**6)}" for _ in range(count)],
    }
    return pyarrow.table(data)


def make_parquet(path: Path, size: int) -> None:
    """A table of four columns in row groups of 50,000, compressed with snappy, as pyarrow writes it."""
    import pyarrow.parquet

    pyarrow.parquet.write_table(_table(size), path, row_group_size=50_000)


def edit_parquet(path: Path) -> None:
    """A hundred rows are added at the end and one value in the middle changes; the file is written anew."""
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(path)
    middle = table.num_rows // 2
    changed = table.slice(middle, 1).set_column(1, "value", pyarrow.array([0.5]))
    parts = [table.slice(0, middle), changed, table.slice(middle + 1), _table(0, table.num_rows, 100)]
    pyarrow.parquet.write_table(pyarrow.concat_tables(parts), path, row_group_size=50_000)


MAKE: dict[str, Callable[[Path, int], None]] = {
    "csv": make_csv,
    "sqlite": make_sqlite,
    "tar": make_tar,
    "safetensors": make_safetensors,
    "parquet": make_parquet,
}
EDIT: dict[str, Callable[[Path], None]] = {
    "csv": edit_csv,
    "sqlite": edit_sqlite,
    "tar": edit_tar,
    "safetensors": edit_safetensors,
    "parquet": edit_parquet,
}

if __name__ == "__main__":
    name, file, what, mebibytes = sys.argv[1:]
    if what == "make":
        MAKE[name](Path(file), int(mebibytes) * MIB)
    else:
        EDIT[name](Path(file))
