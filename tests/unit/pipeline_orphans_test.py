"""What becomes of commands when dvcx is killed: the watchdog ends them, and what it misses is known."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dvcx.pipeline.orphans import Guard, guarding, started_at, still_running

PARENT = """
import subprocess, sys, time
from pathlib import Path
import pytest

from dvcx.pipeline.orphans import Guard
guard = Guard(Path(sys.argv[1]))
for line in sys.argv[2:]:
    child = subprocess.Popen(["/bin/bash", "-c", line], process_group=0)
    guard.enter(child.pid, "a stage")
    print(child.pid, flush=True)
time.sleep(60)
"""


def parent(record: Path, *lines: str) -> tuple[subprocess.Popen[str], list[int]]:
    """Starts a process that runs command lines; gives it, and their groups."""
    started = subprocess.Popen([sys.executable, "-c", PARENT, str(record), *lines], stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    return started, [int(started.stdout.readline()) for _ in lines]


def gone(group: int, seconds: float = 10.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def test_when_we_are_killed_whole_groups_end(tmp_path: Path) -> None:
    started, groups = parent(tmp_path / "record", "sleep 60 & sleep 60", "sleep 61")
    started.kill()
    started.wait()
    assert started.stdout is not None
    started.stdout.close()
    assert all(gone(group) for group in groups)
    assert still_running(tmp_path / "record", 0) == []


@pytest.mark.slow  # it waits seven seconds
def test_what_does_not_listen_is_killed(tmp_path: Path) -> None:
    started, (group,) = parent(tmp_path / "record", "trap '' TERM; sleep 60; sleep 60; sleep 60")
    time.sleep(0.2)
    began = time.monotonic()
    started.kill()
    started.wait()
    assert started.stdout is not None
    started.stdout.close()
    assert [name for _, name in still_running(tmp_path / "record", 0)] == ["a stage"]
    assert still_running(tmp_path / "record") == [], "it waits for the watchdog"
    assert time.monotonic() - began > 3
    assert gone(group)


def test_what_ended_before_is_left_alone(tmp_path: Path) -> None:
    other = subprocess.Popen(["sleep", "60"], process_group=0)
    with guarding(tmp_path / "record") as guard:
        guard.enter(other.pid, "a")
        guard.enter(other.pid + 1_000_000, "b")
        guard.leave(other.pid)
        assert [name for _, name in still_running(tmp_path / "record", 0)] == []
    assert other.poll() is None
    assert not (tmp_path / "record").exists()
    other.kill()
    other.wait()


def test_another_process_of_that_number_is_not_taken_for_it(tmp_path: Path) -> None:
    record = tmp_path / "record"
    other = subprocess.Popen(["sleep", "60"], process_group=0)
    group = other.pid
    host = os.uname().nodename
    record.write_text(f"{host}\n+ {group} {started_at(group)} a stage\n")
    assert still_running(record, 0) == [(group, "a stage")]
    record.write_text(f"{host}\n+ {group} 17 a stage\n")
    assert still_running(record, 0) == []
    record.write_text(f"elsewhere\n+ {group} {started_at(group)} a stage\n")
    assert still_running(record, 0) == []
    record.write_bytes(b"\xff\n+\n+ x y z\n- \n")
    assert still_running(record, 0) == []
    other.kill()
    other.wait()


def test_a_watchdog_that_somebody_ended_does_no_harm(tmp_path: Path) -> None:
    guard = Guard(tmp_path / "record")
    guard.enter(1_000_000, "a")
    assert guard._watchdog is not None
    os.kill(guard._watchdog.pid, signal.SIGKILL)
    guard._watchdog.wait()
    guard.leave(1_000_000)
    guard.close()
