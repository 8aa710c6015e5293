"""`dvcx stage log`: what is kept of runs."""

from __future__ import annotations

import pytest

from tests.project import Project


def pipeline(project: Project, cmd: str, more: str = "") -> None:
    project.write("dvcx.yaml", f"stages:\n  a:\n    cmd: {cmd}\n    always_changed: true\n{more}")


def test_exit_code_time_memory_and_output_of_each_run_are_kept(project: Project) -> None:
    pipeline(project, "echo one")
    project.dvcx("repro").ok()
    pipeline(project, "echo two >&2; exit 3")
    assert project.dvcx("repro").code == 7
    result = project.json("stage", "log", "a")
    assert [(run["code"], run["ending"], run["tries"]) for run in result["runs"]] == [
        (3, "itself", 1),
        (0, "itself", 1),
    ]
    assert all(0 <= run["seconds"] < 60 for run in result["runs"])
    assert result["output"] == "$ echo two >&2; exit 3\ntwo\n"
    assert project.json("stage", "log", "a", "--run", "2")["output"] == "$ echo one\none\n"
    shown = project.dvcx("stage", "log", "a", "--list").ok()
    assert len(shown.lines) == 2
    assert "exit code 3" in shown.lines[0]


def test_peak_memory_is_that_of_the_largest_process(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    # A process begins with the peak of the one that started it by vfork, and with the memory of now by fork. The tests
    # before may have taken more than the command does.
    monkeypatch.setattr("subprocess._USE_VFORK", False)
    pipeline(project, "python3 -c 'x = bytearray(700_000_000); x[::4096] = x[::4096]'")
    project.spawn("repro").ok()
    (run,) = project.json("stage", "log", "a")["runs"]
    assert run["peak_memory"] > 690_000_000


def test_logs_lie_under_the_git_directory_and_are_not_kept_for_ever(project: Project) -> None:
    pipeline(project, "echo $RANDOM")
    for _ in range(25):
        project.dvcx("repro").ok()
    assert len(list((project.path / ".git/dvcx/logs/a").glob("*.log"))) <= 25
    assert project.git("status", "--porcelain", "--", "*.log") == ""


def test_a_stage_that_may_be_tried_again_is_and_all_tries_are_in_the_log(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dvcx.pipeline.job._PAUSE", 0.01)
    pipeline(project, "test -e there || { touch there; echo failed; exit 1; }", "    retries: 2\n")
    project.dvcx("repro").ok()
    result = project.json("stage", "log", "a")
    assert [(run["code"], run["tries"]) for run in result["runs"]] == [(0, 2)]
    assert "failed\n# dvcx: try 1 of 3 ended with exit code 1; trying again\n" in result["output"]


def test_a_timeout_is_told(project: Project) -> None:
    pipeline(project, "sleep 77", "    timeout: 0.3\n")
    run = project.dvcx("repro")
    assert (run.code, "no end after 0.3 s" in run.err) == (7, True)
    assert project.json("stage", "log", "a")["runs"][0]["ending"] == "timeout"


def test_a_stage_that_never_ran_and_a_run_that_is_not_kept_are_told(project: Project) -> None:
    pipeline(project, "echo one")
    run = project.dvcx("stage", "log", "a")
    assert (run.code, "dvcx repro a" in run.err) == (2, True)
    project.dvcx("repro").ok()
    assert project.dvcx("stage", "log", "a", "--run", "2").code == 2
    assert project.dvcx("stage", "log", "b").code == 2
