"""No edit hides: not one in the tick of the clock in which the file was hashed, nor one whose times were put back."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dvcx.base.hashing import ALGORITHMS
from dvcx.workspace.scan import ScanRules, scan
from dvcx.workspace.state import State, is_settled
from tests.behaviours.conftest import FIRST, as_bytes, data_of
from tests.project import Project


def is_changed(project: Project, path: str = "") -> bool:
    """Tells whether status sees a change."""
    run = project.dvcx("status", "--exit-code", *([path] if path else []))
    assert run.code in (0, 1), run.err
    return run.code == 1


def test_an_edit_of_the_same_size_right_after_add_is_seen(project: Project) -> None:
    for round_ in range(15):
        project.write("data/small", f"before {round_:04}")
        project.dvcx("add", "data").ok()
        project.write("data/small", f"after! {round_:04}")
        assert is_changed(project), f"round {round_}"


def test_an_edit_of_the_same_size_right_after_checkout_is_seen(project: Project) -> None:
    for round_ in range(15):
        (project.path / "data/small").unlink()
        project.dvcx("checkout").ok()
        with (project.path / "data/small").open("r+b") as file:
            file.write(b"%09d" % round_)
        assert is_changed(project), f"round {round_}"
        project.dvcx("checkout", "--force").ok()
        assert not is_changed(project)


def test_an_edit_between_two_looks_is_seen(project: Project) -> None:
    path = project.path / "data/small"
    for round_ in range(15):
        assert not is_changed(project)
        path.write_bytes(b"%09d" % round_)
        assert is_changed(project), f"round {round_}"
        path.write_bytes(b"small one")


def test_an_edit_in_the_tick_of_the_clock_in_which_the_file_was_hashed_is_seen(tmp_path: Path) -> None:
    """Commands are too slow for that; their scan is not. A tick of the clock of a file system is some milliseconds."""
    path = tmp_path / "file"
    state = State(tmp_path / "state.db")
    rules = ScanRules(ALGORITHMS["blake3"])
    same_tick = 0
    for round_ in range(300):
        path.write_bytes(b"before %04d" % round_)
        written = path.stat()
        first = scan(tmp_path, "file", state, rules)
        path.write_bytes(b"after! %04d" % round_)
        same_tick += path.stat().st_ctime_ns == written.st_ctime_ns
        second = scan(tmp_path, "file", state, rules)
        assert first is not None and second is not None
        assert second.entry.digest == ALGORITHMS["blake3"].of(b"after! %04d" % round_)
    if not same_tick:  # Linux from 6.13 on gives a finer time to a file whose time was looked at
        pytest.skip("this kernel never gives two writes the same time")


def test_a_file_written_a_moment_ago_is_not_believed_by_its_times(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x")
    status = path.stat()
    written = max(status.st_mtime_ns, status.st_ctime_ns)
    assert not is_settled(status, written)
    assert not is_settled(status, written + 5_000_000)
    assert not is_settled(status, written - 3_600 * 10**9), "the clock was set back"
    assert is_settled(status, written + 50_000_000)
    # A file system that keeps whole seconds only.
    coarse: Any = SimpleNamespace(st_mtime_ns=1_700_000_000 * 10**9, st_ctime_ns=1_700_000_000 * 10**9)
    assert not is_settled(coarse, 1_700_000_001 * 10**9)
    assert is_settled(coarse, 1_700_000_003 * 10**9)


def _in_place(path: Path, content: bytes) -> None:
    with path.open("r+b") as file:
        file.write(content)


def _by_renaming(path: Path, content: bytes) -> None:
    beside = path.with_name("beside")
    beside.write_bytes(content)
    beside.rename(path)


@pytest.mark.parametrize("edit", [_in_place, _by_renaming])
@pytest.mark.parametrize("settle", [0.0, 0.1])
def test_times_that_were_put_back_hide_nothing(
    project: Project, edit: Callable[[Path, bytes], None], settle: float
) -> None:
    path = project.path / "data/small"
    time.sleep(settle)
    assert not is_changed(project)
    before = path.stat()
    edit(path, b"SMALL ONE")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert is_changed(project)
    project.dvcx("add", "data").ok()
    shutil.rmtree(project.path / "data")
    project.dvcx("checkout").ok()
    assert path.read_bytes() == b"SMALL ONE"


@pytest.mark.parametrize("when", [0, 1, 2**31 - 1, 4_000_000_000, -1000])
def test_times_that_no_clock_shows_hide_nothing(project: Project, when: int) -> None:
    path = project.path / "data/small"
    os.utime(path, (when, when))
    assert not is_changed(project)
    assert not is_changed(project)
    path.write_bytes(b"SMALL ONE")
    os.utime(path, (when, when))
    assert is_changed(project)


@pytest.mark.parametrize("jump", [-3600, 3600])
def test_a_clock_that_jumps_hides_nothing(project: Project, jump: int, monkeypatch: pytest.MonkeyPatch) -> None:
    true_ns, true = time.time_ns, time.time
    path = project.path / "data/small"
    for round_ in range(5):
        path.write_bytes(b"before %02d" % round_)
        monkeypatch.setattr(time, "time_ns", lambda: true_ns() + jump * 10**9)
        monkeypatch.setattr(time, "time", lambda: true() + jump)
        project.dvcx("add", "data").ok()
        assert not is_changed(project)
        monkeypatch.setattr(time, "time_ns", true_ns)
        monkeypatch.setattr(time, "time", true)
        if jump < 0:
            path.write_bytes(b"after! %02d" % round_)
        else:
            # The clock was ahead when the file was hashed: only what was written before can look settled.
            time.sleep(0.03)
            path.write_bytes(b"after! %02d" % round_)
        assert is_changed(project), f"round {round_}"


def test_an_old_state_database_hides_nothing(project: Project) -> None:
    time.sleep(0.1)
    assert not is_changed(project)
    state = project.own_folder / "state.db"
    old = {file: file.read_bytes() for file in project.own_folder.glob("state.db*")}
    path = project.path / "data/small"
    before = path.stat()
    path.write_bytes(b"SMALL ONE")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    project.dvcx("add", "data").ok()
    for file in project.own_folder.glob("state.db*"):
        file.unlink()
    for file, data in old.items():
        file.write_bytes(data)
    assert state.exists()
    assert not is_changed(project)
    path.write_bytes(b"small one")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert is_changed(project)


@pytest.mark.parametrize("kind", ["hardlink", "symlink"])
def test_a_linked_file_that_a_program_edited_in_place_is_noticed_and_mended(
    project: Project, tmp_path: Path, kind: str
) -> None:
    project.dvcx("config", "cache.type", kind).ok()
    project.dvcx("push").ok()
    (project.path / "model.bin").unlink()
    project.dvcx("checkout").ok()
    path = project.path / "model.bin"
    assert path.is_symlink() if kind == "symlink" else path.stat().st_nlink > 1
    os.chmod(path, 0o644)
    _in_place(path, b"MODEL")
    run = project.dvcx("status", "--exit-code")
    assert run.code == 1
    assert "model.bin" in run.out and "damaged" in run.out
    assert project.dvcx("push").code in (0, 3)
    assert project.dvcx("fsck").code == 3
    project.dvcx("fsck", "--repair").ok()
    project.dvcx("checkout", "--force").ok()
    assert data_of(project) == as_bytes(FIRST)
    assert not is_changed(project)


def test_the_mode_and_the_times_of_an_object_prove_nothing(project: Project) -> None:
    (loose,) = (p for p in project.own_folder.glob("cache/loose/*/??/*") if p.stat().st_size == 9 * 200_000)
    status = loose.stat()
    loose.chmod(0o644)
    _in_place(loose, b"MODEL")
    os.utime(loose, ns=(status.st_atime_ns, status.st_mtime_ns))
    loose.chmod(status.st_mode & 0o777)
    (project.path / "model.bin").unlink()
    assert project.dvcx("checkout").code == 3
    assert project.dvcx("push").code == 3
