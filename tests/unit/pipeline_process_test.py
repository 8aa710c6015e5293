"""Running command lines: output, ends, and what is left behind."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from dvcx.pipeline import process
from dvcx.pipeline.process import CommandRun, Ending, Lines, Stop, run_command


def run(
    line: str, folder: Path, *, timeout: float | None = None, stop: Stop | None = None
) -> tuple[CommandRun, str, list[str]]:
    told: list[str] = []
    log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        ended = run_command(line, folder, dict(os.environ), log, timeout=timeout, stop=stop, tell=told.append)
    finally:
        os.close(log)
    return ended, (folder / "log").read_text(), told


def test_what_it_writes_is_in_the_log_as_it_came_and_told_line_by_line(tmp_path: Path) -> None:
    ended, log, told = run("echo one; echo two >&2; printf three", tmp_path)
    assert ended.worked
    assert log == "one\ntwo\nthree"
    assert told == ["one", "two", "three"]


def test_exit_code_time_and_peak_memory_are_known(tmp_path: Path) -> None:
    ended, _, _ = run("sleep 0.2; exit 3", tmp_path)
    assert (ended.code, ended.ending, ended.worked) == (3, Ending.ITSELF, False)
    assert 0.2 <= ended.seconds < 5
    assert ended.peak_memory == 0  # less than this process has had


def test_a_signal_shows_as_a_negative_code(tmp_path: Path) -> None:
    ended, _, _ = run("kill -9 $$", tmp_path)
    assert (ended.code, ended.ending) == (-9, Ending.ITSELF)


def test_after_the_timeout_the_whole_group_is_gone(tmp_path: Path) -> None:
    ended, log, _ = run("sleep 77 & echo $!; sleep 77", tmp_path, timeout=0.3)
    assert (ended.ending, ended.worked) == (Ending.TIMEOUT, False)
    assert ended.seconds < 4
    assert ends(int(log))


def test_a_stop_reaches_children_as_control_c_does(tmp_path: Path) -> None:
    stop = Stop()
    threading.Timer(0.3, stop.ask).start()
    ended, log, _ = run("trap 'echo told; exit 5' INT; sleep 77 & wait", tmp_path, stop=stop)
    assert (ended.ending, ended.code, log) == (Ending.STOPPED, 5, "told\n")


def test_what_does_not_listen_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "GRACE", 0.4)
    stop = Stop()
    threading.Timer(0.3, stop.ask).start()
    began = time.monotonic()
    ended, _, _ = run("trap '' INT TERM; sleep 77; sleep 77", tmp_path, stop=stop)
    assert (ended.ending, ended.code) == (Ending.STOPPED, -9)
    assert time.monotonic() - began < 10


def test_a_stop_that_came_before_ends_it_at_once(tmp_path: Path) -> None:
    stop = Stop()
    stop.ask()
    ended, _, _ = run("sleep 77", tmp_path, stop=stop)
    assert ended.ending is Ending.STOPPED


def test_something_left_in_the_background_does_not_keep_it_waiting_and_is_ended(tmp_path: Path) -> None:
    ended, log, _ = run("sleep 77 & echo $!", tmp_path)
    assert ended.worked
    assert ended.seconds < 5
    time.sleep(0.1)
    assert ends(int(log))


def test_it_reads_nothing_and_other_open_files_do_not_reach_it(tmp_path: Path) -> None:
    ended, log, _ = run("cat; ls /proc/self/fd | wc -l", tmp_path)
    assert ended.worked
    assert int(log) <= 4


def test_of_a_line_that_is_written_over_the_last_state_is_told() -> None:
    told: list[str] = []
    lines = Lines(told.append)
    lines.take(b"10%\r50%\r100%\nnext\r\n\xff")
    lines.end()
    assert told == ["100%", "next", "\\xff"]


def test_a_line_without_end_does_not_take_the_memory() -> None:
    told: list[str] = []
    lines = Lines(told.append)
    for _ in range(10):
        lines.take(b"x" * 50_000)
    assert len(told) == 5


def ends(pid: int) -> bool:
    """Tells whether a process that was killed is gone soon: the system takes a moment for that."""
    until = time.monotonic() + 10
    while is_running(pid) and time.monotonic() < until:
        time.sleep(0.01)
    return not is_running(pid)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
