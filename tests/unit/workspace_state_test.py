from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dvcx.workspace.placed import Placed
from dvcx.workspace.state import FolderRows, Seen, State, is_settled, seen

ROWS = {"a": Seen(1, 2, 3, 4, b"d" * 32), "ü\n": Seen(2**62, -1, 0, 7, b"e" * 32)}


def written(path: Path, rows: dict[str, FolderRows]) -> None:
    state = State(path)
    for folder, each in rows.items():
        state.remember(folder, each)
    state.close()


def read(path: Path, folder: str) -> FolderRows:
    state = State(path)
    rows = dict(state.folder(folder))
    state.close()
    return rows


def test_what_was_remembered_is_there_next_time(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "state.db"
    written(path, {"": ROWS, "data/x": {}})
    written(path, {"data/x": {"a": ROWS["a"]}})
    assert (read(path, ""), read(path, "data/x"), read(path, "other")) == (ROWS, {"a": ROWS["a"]}, {})


def test_opening_and_asking_writes_nothing(tmp_path: Path) -> None:
    state = State(tmp_path / "sub" / "state.db")
    assert (state.folder(""), state.baseline("x"), state.baselines(), state.follows_links("x")) == ({}, None, {}, False)
    state.close()
    assert list(tmp_path.iterdir()) == []


def test_what_was_noted_is_seen_before_it_is_saved(tmp_path: Path) -> None:
    state = State(tmp_path / "state.db")
    assert state.folder("x") == {}
    state.remember("x", ROWS)
    assert state.folder("x") == ROWS
    state.save()
    assert state.folder("x") == ROWS
    state.close()


@pytest.mark.parametrize(
    "damage",
    ["garbage", "cut off", "empty", "folder", "other version", "no table"],
)
def test_a_database_that_cannot_be_used_reads_as_empty_and_is_made_anew(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "state.db"
    written(path, {"x": ROWS})
    data = path.read_bytes()
    for each in tmp_path.iterdir():
        each.unlink()
    if damage == "garbage":
        path.write_bytes(os.urandom(len(data)))
    elif damage == "cut off":
        path.write_bytes(data[: len(data) // 2])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "folder":
        path.mkdir()
    else:
        with sqlite3.connect(path) as connection:
            connection.execute(f"PRAGMA user_version = {1 if damage == 'other version' else 2}")
    assert read(path, "x") == {}
    written(path, {"x": ROWS})
    written(path, {"x": ROWS})  # the first one may only have cleared the way
    assert read(path, "x") == (ROWS if damage not in ("folder", "no table") else {})


def test_no_flipped_bit_changes_what_is_remembered(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    written(path, {"x": ROWS, "y": ROWS})
    with sqlite3.connect(path) as connection:
        (blob,) = connection.execute("SELECT files FROM folders WHERE path = 'x'").fetchone()
        for at in range(len(blob)):
            damaged = bytearray(blob)
            damaged[at] ^= 1
            connection.execute("UPDATE folders SET files = ? WHERE path = 'x'", (bytes(damaged),))
            connection.commit()
            assert read(path, "x") == {}, at
        connection.execute("UPDATE folders SET path = 'z' WHERE path = 'y'")
    assert read(path, "z") == {}


def test_a_database_in_use_makes_nobody_wait_long_and_nothing_fail(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    written(path, {"x": ROWS})
    connection = sqlite3.connect(path)
    connection.execute("BEGIN EXCLUSIVE")
    started = time.monotonic()
    assert read(path, "x") in ({}, ROWS)
    written(path, {"x": {}})
    connection.rollback()
    connection.close()
    assert time.monotonic() - started < 15
    assert read(path, "x") == ROWS


def _write(file: Path) -> None:
    file.write_bytes(b"54321")


def _touch(file: Path) -> None:
    os.utime(file, ns=(10**18, 10**18 + 1))


def _chmod(file: Path) -> None:
    file.chmod(0o600)


def _replace(file: Path) -> None:
    file.rename(file.with_name("old"))
    file.write_bytes(b"12345")


@pytest.mark.parametrize("change", [_write, _touch, _chmod, _replace])
def test_a_row_fits_only_a_file_that_looks_the_same(tmp_path: Path, change: Callable[[Path], None]) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"12345")
    os.utime(file, ns=(10**18, 10**18))
    row = seen(file.stat(), b"d")
    assert row.fits(file.stat())
    time.sleep(0.02)
    change(file)
    assert not row.fits(file.stat())
    os.utime(file, ns=(10**18, 10**18))
    assert not row.fits(file.stat())  # touch -r does not hide it


def test_a_file_is_believed_only_when_it_was_quiet_for_longer_than_a_tick(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    status = file.stat()
    changed = max(status.st_mtime_ns, status.st_ctime_ns)
    assert not is_settled(status, changed + 1_000_000)
    assert not is_settled(status, changed - 1)  # a clock that was set back
    assert is_settled(status, changed + 2_000_000_001)


def test_what_dvcx_put_where_is_recorded(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "placed.json"
    placed = Placed(path)
    placed.set("data", b"\1\2")
    placed.set("model", b"\3")
    placed.set("model", None)
    placed.set_follows("data", True)
    placed.set_follows("gone", True)
    placed.set("part", b"\4", tracked=b"\5")
    placed.save()
    again = Placed(path)
    assert (again.tracked("part"), again.tracked("data"), again.tracked("model")) == (b"\5", b"\1\2", None)
    assert sorted(again.listings()) == [("data", b"\1\2"), ("part", b"\4"), ("part", b"\5")]
    placed.set("part", None)
    placed.save()
    again = Placed(path)
    assert (again.all(), again.get("data"), again.get("model")) == ({"data": b"\1\2"}, b"\1\2", None)
    assert (again.follows("data"), again.follows("gone")) == (True, False)
    again.set_follows("data", False)
    again.save()
    assert not Placed(path).follows("data")


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"version":1,"paths":{"a":"xyz"}}', b'{"version":1,"paths":[]}'])
def test_a_damaged_record_reads_as_empty(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "placed.json"
    path.write_bytes(data)
    assert Placed(path).all() == {}


def test_a_record_without_what_came_later_is_read(tmp_path: Path) -> None:
    path = tmp_path / "placed.json"
    path.write_bytes(b'{"version":1,"paths":{"a":"00"},"later":1}')
    assert (Placed(path).all(), Placed(path).follows("a")) == ({"a": b"\0"}, False)


def test_nothing_is_written_when_nothing_changed(tmp_path: Path) -> None:
    placed = Placed(tmp_path / "placed.json")
    placed.set("a", None)
    placed.set_follows("a", False)
    placed.save()
    assert list(tmp_path.iterdir()) == []
