from __future__ import annotations

import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dvcx.base.errors import Busy
from dvcx.base.locks import FileLock
from dvcx.base.scratch import scratch_folder

HOLDER = """
import sys, time
from pathlib import Path
from dvcx.base.locks import FileLock
from dvcx.base.scratch import scratch_folder
kind, path = sys.argv[1:]
if kind == "scratch":
    context = scratch_folder(Path(path))
else:
    context = getattr(FileLock(Path(path), "it"), kind)()
with context as given:
    print(given or "held", flush=True)
    time.sleep(60)
"""


def held_elsewhere(kind: str, path: Path) -> tuple[subprocess.Popen[str], str]:
    """Gives a process that holds a lock or a scratch folder, and what it said of it."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, kind, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def test_who_waits_in_vain_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    process, _ = held_elsewhere("exclusive", tmp_path / "lock")
    try:
        started = time.monotonic()
        with pytest.raises(Busy) as raised, FileLock(tmp_path / "lock", "the project x").exclusive(0.2):
            pass
        assert 0.2 <= time.monotonic() - started < 5
        assert re.fullmatch(
            rf"the project x is in use by `-c exclusive` \(pid {process.pid} on \S+, for \d+ s\) "
            rf"\(lock file {re.escape(str(tmp_path))}/lock\)",
            raised.value.message,
        )
        with pytest.raises(Busy), FileLock(tmp_path / "lock", "x").shared(0.0):
            pass
    finally:
        end(process)


def test_a_lock_goes_with_its_process_however_it_ends(tmp_path: Path) -> None:
    process, _ = held_elsewhere("exclusive", tmp_path / "lock")
    os.kill(process.pid, signal.SIGKILL)
    end(process)
    with FileLock(tmp_path / "lock", "it").exclusive(0.0):
        pass


def test_shared_holders_stand_beside_each_other_but_beside_no_exclusive_one(tmp_path: Path) -> None:
    process, _ = held_elsewhere("shared", tmp_path / "lock")
    try:
        with FileLock(tmp_path / "lock", "it").shared(0.0):
            pass
        with pytest.raises(Busy, match="in use by another process"), FileLock(tmp_path / "lock", "it").exclusive(0.0):
            pass
    finally:
        end(process)


def test_a_lock_is_given_back_when_its_block_fails_and_its_file_stays_empty(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "deep" / "lock", "it")
    with pytest.raises(ValueError), lock.exclusive():
        raise ValueError
    assert (tmp_path / "deep" / "lock").read_bytes() == b""
    with lock.exclusive(0.0):
        assert (tmp_path / "deep" / "lock").read_text().split("\n")[0] == str(os.getpid())


def test_waiting_ends_when_the_lock_is_free(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=_hold_for_a_moment, args=(tmp_path / "lock", ready))
    process.start()
    try:
        assert ready.wait(30)
        with FileLock(tmp_path / "lock", "it").exclusive(30.0):
            pass
    finally:
        process.join()


def _hold_for_a_moment(path: Path, ready: object) -> None:
    with FileLock(path, "it").exclusive():
        ready.set()  # type: ignore[attr-defined]
        time.sleep(0.3)


def test_a_scratch_folder_is_gone_afterwards_with_all_that_is_in_it(tmp_path: Path) -> None:
    with pytest.raises(ValueError), scratch_folder(tmp_path / "root") as folder:
        (folder / "deep").mkdir()
        (folder / "deep" / "file").touch()
        raise ValueError
    assert list((tmp_path / "root").iterdir()) == []


def test_the_scratch_of_a_killed_process_is_cleared_and_that_of_a_running_one_stays(tmp_path: Path) -> None:
    killed, left = held_elsewhere("scratch", tmp_path)
    running, used = held_elsewhere("scratch", tmp_path)
    (tmp_path / "foreign").mkdir()
    end(killed)
    try:
        with scratch_folder(tmp_path) as own:
            assert sorted(tmp_path.iterdir()) == sorted([Path(used), own, tmp_path / "foreign"])
        assert not Path(left).exists()
    finally:
        end(running)


def test_a_folder_killed_before_it_was_locked_is_cleared_too(tmp_path: Path) -> None:
    (tmp_path / ".work-1-abcdef").mkdir()
    (tmp_path / ".work-1-abcdef" / "rest").touch()
    with scratch_folder(tmp_path) as own:
        assert list(tmp_path.iterdir()) == [own]
