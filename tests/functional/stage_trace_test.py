"""`dvcx stage trace`: what a command reads and writes, and the stage that follows from it."""

from __future__ import annotations

import shutil
import sys
from typing import Any

import pytest

from tests.project import Project

WORK = (
    "cat raw.txt > x.tmp; mv x.tmp moved.txt; mkdir -p made/deep; cp code/a.sh made/deep/a; "
    "grep lr params.yaml > /dev/null; cat /etc/hostname > /dev/null; rm -f never"
)

strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not here")


@pytest.fixture
def traced(project: Project) -> Project:
    project.add({"data/one": "1", "data/two": "2"})
    project.write("raw.txt", "raw")
    project.write("code/a.sh", "code")
    project.write("params.yaml", "lr: 1\n")
    return project


def trace(project: Project, *words: str) -> Any:
    return project.dvcx("stage", "trace", "--json", *words).ok().json


@strace
def test_what_is_read_and_made_is_told_and_nothing_is_written_into_the_pipeline(traced: Project) -> None:
    result = trace(traced, "--", WORK)
    assert result["method"] == "strace"
    assert result["reads"] == ["code/a.sh", "params.yaml", "raw.txt"]
    assert result["writes"] == ["made", "moved.txt"]
    assert not (traced.path / "dvcx.yaml").exists()
    shown = traced.dvcx("stage", "trace", "--", "cp raw.txt copy.txt").ok()
    assert "dvcx stage add -n NAME -d raw.txt -o copy.txt -- 'cp raw.txt copy.txt'" in shown.out


def test_a_folder_of_many_files_that_are_all_made_anew_is_one_output(traced: Project) -> None:
    made = "mkdir -p made/a made/b; for i in 1 2 3 4 5 6 7 8; do echo > made/a/$i; done; echo > made/b/x"
    assert trace(traced, "--", made)["writes"] == ["made"]
    assert trace(traced, "--", made)["writes"] == ["made"], "also when the command ran before"
    traced.write("made/mine", "not of the command")
    assert trace(traced, "--", made)["writes"] == ["made/a", "made/b/x"]
    traced.write("made/a/0", "of an earlier version of the command")
    assert trace(traced, "--", f"rm -rf made; {made}")["writes"] == ["made"]


@strace
def test_with_write_the_stage_is_added_and_runs(traced: Project) -> None:
    traced.dvcx("stage", "trace", "-n", "work", "--write", "--", WORK).ok()
    result = traced.json("repro")
    assert [(each["stage"], each["action"]) for each in result["stages"]] == [("work", "ran")]
    traced.write("params.yaml", "lr: 2\n")
    assert traced.json("repro", "-n")["stages"][0]["action"] == "run"


@strace
def test_files_of_tracked_folders_mean_the_folder(traced: Project) -> None:
    assert trace(traced, "--", "cat data/one > all.txt")["reads"] == ["data"]


@strace
def test_in_a_subfolder_paths_are_those_of_its_pipeline(traced: Project) -> None:
    (traced.path / "sub").mkdir()
    traced.dvcx("stage", "trace", "-n", "up", "--write", "--", "cp ../raw.txt here.txt", cwd="sub").ok()
    text = traced.read("sub/dvcx.yaml").decode()
    assert "../raw.txt" in text
    assert "here.txt" in text


def test_without_strace_python_programs_are_watched(traced: Project) -> None:
    script = 'open("out.txt", "w").write(open("raw.txt").read())'
    result = trace(traced, "--no-strace", "--", sys.executable, "-c", script)
    assert (result["method"], result["reads"], result["writes"]) == ("python", ["raw.txt"], ["out.txt"])


def test_a_command_that_fails_and_one_that_is_not_there_are_told(traced: Project) -> None:
    run = traced.dvcx("stage", "trace", "--", "exit 3")
    assert (run.code, "exit code 3" in run.err) == (7, True)
    assert traced.dvcx("stage", "trace").code == 2
    assert traced.dvcx("stage", "trace", "--write", "--", "true").code == 2
