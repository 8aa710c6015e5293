from __future__ import annotations

import errno
import os
import time

import pytest

from dvcx.base.forking import run_forked, usable_processes


def test_each_part_is_worked_on_by_a_process_of_its_own_and_answers_come_in_order() -> None:
    answers = run_forked([1, 2, 3], lambda part: b"%d %d" % (part, os.getpid()))
    parts, processes = zip(*(answer.split() for answer in answers), strict=True)
    assert parts == (b"1", b"2", b"3")
    assert len(set(processes)) == 3
    assert processes[0] == b"%d" % os.getpid()


def test_nothing_to_do_gives_nothing() -> None:
    assert run_forked([], lambda part: b"x") == []


def test_long_answers_come_whole() -> None:
    assert run_forked([0, 1, 2], lambda part: bytes([part]) * 3_000_000) == [bytes([n]) * 3_000_000 for n in range(3)]


@pytest.mark.parametrize("failing", [0, 1])
def test_an_error_of_the_system_is_raised_here(failing: int) -> None:
    def work(part: int) -> bytes:
        if part == failing:
            raise OSError(errno.ENOSPC, "full", "/some/file")
        return b""

    with pytest.raises(OSError) as raised:
        run_forked([0, 1, 2], work)
    assert (raised.value.errno, raised.value.filename) == (errno.ENOSPC, "/some/file")


def test_a_process_that_is_killed_or_wrong_is_no_silent_loss() -> None:
    def work(part: int) -> bytes:
        if part == 1:
            os._exit(1)
        return b""

    with pytest.raises(RuntimeError, match="it was killed"):
        run_forked([0, 1], work)
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        run_forked([1, 0], lambda part: b"%d" % (1 // part))


def test_the_others_are_ended_when_one_fails_here() -> None:
    def work(part: int) -> bytes:
        if part:
            time.sleep(60)
        raise ValueError

    started = time.monotonic()
    with pytest.raises(ValueError):
        run_forked([0, 1, 2], work)
    assert time.monotonic() - started < 30
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_there_is_always_one_usable_process() -> None:
    assert usable_processes(1) == 1
    assert 1 <= usable_processes() <= 4
