"""`dvcx repro` as a process of its own: at once, interrupted, killed, and with others at work."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from dvcx.pipeline import orphans
from tests.project import Project, program

TWO = """\
stages:
  quick:
    cmd: echo q > quick.txt
    outs: [quick.txt]
  slow:
    cmd: echo started; touch started; sleep 30; echo s > slow.txt
    deps: [quick.txt]
    outs: [slow.txt]
"""


@pytest.fixture
def two(project: Project) -> Project:
    """A quick stage and one that waits; `started` shows that it does."""
    project.write("dvcx.yaml", TWO)
    project.write(".gitignore", "started\n")
    project.commit(message="pipeline")
    return project


def start(project: Project, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        program(["repro", *words]), cwd=project.path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def wait_for(is_so: Callable[[], bool], seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.02)


def test_control_c_ends_the_commands_and_the_next_one_goes_on(two: Project) -> None:
    running = start(two)
    wait_for((two.path / "started").exists)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=20)
    assert running.returncode == 130, err
    assert b"interrupted" in err
    assert "quick:" in two.read("dvcx.lock").decode()
    assert not is_sleeping()
    two.write("dvcx.yaml", TWO.replace("sleep 30", "sleep 0"))
    result = two.json("repro")
    assert [(each["stage"], each["action"]) for each in result["stages"]] == [("quick", "skip"), ("slow", "ran")]


def test_what_a_job_system_sends_does_the_same(two: Project) -> None:
    running = start(two)
    wait_for((two.path / "started").exists)
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=20)
    assert running.returncode == 130
    assert not is_sleeping()


def test_killed_it_takes_its_commands_along_and_leaves_nothing_that_the_next_one_minds(two: Project) -> None:
    running = start(two)
    wait_for((two.path / "started").exists)
    wait_for((two.path / "dvcx.lock").exists)
    assert is_sleeping()
    running.kill()
    running.communicate()
    wait_for(lambda: not is_sleeping())
    two.write("dvcx.yaml", TWO.replace("sleep 30", "sleep 0"))
    assert [each["action"] for each in two.json("repro")["stages"]] == ["skip", "ran"]
    assert not (two.path / ".git/dvcx/running").exists()


def test_a_command_that_outlived_its_dvcx_is_named_and_not_run_twice(
    two: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = start(two)
    wait_for((two.path / "started").exists)
    wait_for(is_sleeping)
    end_watchdogs(running.pid)
    running.kill()
    running.communicate()
    monkeypatch.setattr("dvcx.operations.repro.still_running", partial(orphans.still_running, wait=0.1))
    busy = two.dvcx("repro")
    (orphan,) = sleeping()
    assert busy.code == 75
    assert f"the stage slow of a dvcx that was killed is still running (process group {os.getpgid(orphan)})" in busy.err
    assert two.dvcx("repro", "--dry-run").code == 0
    os.killpg(os.getpgid(orphan), signal.SIGKILL)
    two.write("dvcx.yaml", TWO.replace("sleep 30", "sleep 0"))
    two.dvcx("repro").ok()


def end_watchdogs(parent: int) -> None:
    """Kills the children of a process that are not commands of stages."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(stat[1]) == parent and b"while read -r what group" in (folder / "cmdline").read_bytes():
                os.kill(int(folder.name), signal.SIGKILL)
        except OSError:
            continue


def test_others_read_and_write_while_it_runs_and_a_second_one_is_told_who_is_at_work(two: Project) -> None:
    two.save({"data": "one"})
    running = start(two)
    try:
        wait_for((two.path / "started").exists)
        wait_for(lambda: (two.path / "dvcx.lock").exists() and b"quick:" in two.read("dvcx.lock"))
        began = time.monotonic()
        assert [each["stage"] for each in two.json("status")["stages"]] == ["slow"]
        two.write("data", "two")
        for words in (["ls"], ["why", "slow"], ["add", "data"], ["diff"], ["repro", "--dry-run"]):
            two.dvcx(*words).ok()
        assert time.monotonic() - began < 10
        busy = two.dvcx("repro")
        assert busy.code == 75
        assert f"pid {running.pid}" in busy.err
    finally:
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=20)


def test_independent_stages_run_at_once(project: Project) -> None:
    project.write(
        "dvcx.yaml",
        "stages:\n"
        + "".join(
            f"  s{n}:\n    cmd: date +%s.%N > b{n}; sleep 0.7; date +%s.%N > e{n}\n    outs: [b{n}, e{n}]\n"
            for n in (1, 2)
        ),
    )
    project.dvcx("repro", "-j", "2").ok()
    times = {name: float(project.read(name)) for name in ("b1", "b2", "e1", "e2")}
    assert max(times["b1"], times["b2"]) < min(times["e1"], times["e2"])
    for name in ("b1", "b2", "e1", "e2"):
        (project.path / name).unlink()
    project.dvcx("repro", "-j", "1", "--no-run-cache").ok()
    times = {name: float(project.read(name)) for name in ("b1", "b2", "e1", "e2")}
    assert max(times["b1"], times["b2"]) >= min(times["e1"], times["e2"])


@pytest.mark.parametrize("limit", ["mutex: card", "resources: {cpu: 1000}", "resources: {licence: 1}"])
def test_stages_that_exclude_one_another_or_want_it_all_do_not_run_at_once(project: Project, limit: str) -> None:
    cmd = "test ! -e held && touch held && sleep 0.3 && rm held && echo > o{n}"
    stage = f"  s{{n}}:\n    cmd: {cmd}\n    outs: [o{{n}}]\n    {{limit}}\n"
    project.write("dvcx.yaml", "stages:\n" + "".join(stage.format(n=n, limit=limit) for n in (1, 2, 3)))
    project.dvcx("repro", "-j", "3").ok()


def test_a_setting_tells_how_much_there_is_of_a_resource(project: Project) -> None:
    cmd = "touch x{n}; for i in $(seq 100); do test -e x{m} && break; sleep 0.1; done; test -e x{m} && echo > o{n}"
    stage = f"  s{{n}}:\n    cmd: {cmd}\n    outs: [o{{n}}]\n    resources: {{{{licence: 1, cpu: 0}}}}\n"
    project.write("dvcx.yaml", "stages:\n" + stage.format(n=1, m=2) + stage.format(n=2, m=1))
    project.dvcx("config", "repro.resources", "licence=2").ok()
    project.dvcx("repro", "-j", "2").ok()
    refused = project.dvcx("config", "repro.resources", "licence=many")
    assert (refused.code, "gpu=2 and memory=32GiB" in refused.err) == (2, True)


def test_lines_of_stages_carry_their_names(project: Project) -> None:
    project.write("dvcx.yaml", "stages:\n  a:\n    cmd: echo from a; echo to err >&2\n    always_changed: true\n")
    run = project.dvcx("repro").ok()
    assert "a: from a\na: to err\n" in run.err
    assert project.dvcx("repro", "-q").ok().err == ""


def sleeping() -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (folder / "cmdline").read_bytes() == b"sleep\x0030\x00" and str(os.getpid()) and _is_ours(folder):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def _is_ours(folder: Path) -> bool:
    """Whether it was started below this test's own temporary folder: other tests sleep, too."""
    return "DVCX_STAGE=slow" in (folder / "environ").read_bytes().decode(errors="replace") and _HERE in os.readlink(
        folder / "cwd"
    )


_HERE = ""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "_HERE", str(tmp_path))


def is_sleeping() -> bool:
    return bool(sleeping())
