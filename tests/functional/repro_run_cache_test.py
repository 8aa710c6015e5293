"""The run cache: what ran before with the same command and inputs is restored, not run, here and elsewhere."""

from __future__ import annotations

import pytest

from tests.functional.arranging import use_store
from tests.functional.two_stages import actions, runs, write_two_stages
from tests.project import Project

NO_INPUTS = """\
stages:
  start:
    cmd: date +%N > start.txt; echo ran >> start.log
    outs: [start.txt]
  next:
    cmd: cp start.txt next.txt; echo ran >> next.log
    deps: [start.txt]
    outs: [next.txt]
"""


@pytest.fixture
def pipeline(project: Project) -> Project:
    return write_two_stages(project)


@pytest.fixture
def start(project: Project) -> Project:
    """A pipeline that begins with nothing but a command, and ran once."""
    project.write("dvcx.yaml", NO_INPUTS)
    project.write(".gitignore", "*.log\n")
    project.commit(message="pipeline")
    assert actions(project.json("repro")) == {"start": "ran", "next": "ran"}
    return project


def test_what_ran_before_with_the_same_inputs_is_restored_not_run(pipeline: Project) -> None:
    pipeline.dvcx("repro").ok()
    pipeline.write("raw.txt", "other\n")
    pipeline.dvcx("repro").ok()
    assert runs(pipeline) == (2, 2)
    pipeline.write("raw.txt", "hello\n")
    assert actions(pipeline.json("repro")) == {"upper": "restored", "count": "restored"}
    assert pipeline.read("upper.txt") == b"HELLO\n"
    assert runs(pipeline) == (2, 2)


def test_without_the_run_cache_it_runs_again(pipeline: Project) -> None:
    pipeline.dvcx("repro").ok()
    (pipeline.path / "upper.txt").unlink()
    assert actions(pipeline.json("repro", "--no-run-cache"))["upper"] == "ran"


def test_the_run_cache_travels_so_that_a_second_machine_runs_nothing(pipeline: Project) -> None:
    use_store(pipeline)
    for text in ("one\n", "two\n"):
        pipeline.write("raw.txt", text)
        pipeline.dvcx("repro").ok()
    pipeline.commit(message="ran")
    (pipeline.path / "raw.txt").write_text("one\n")
    assert pipeline.json("push", "--run-cache")["runs"] == 4
    assert pipeline.json("push", "--run-cache")["runs"] == 0
    clone = pipeline.clone(pipeline.path.parent / "clone")
    clone.write(".gitignore", "*.log\n/upper.txt\n/count.txt\n")
    clone.write("raw.txt", "one\n")
    assert clone.json("pull", "--run-cache")["fetched"]["runs"] == 4
    assert clone.json("pull", "--run-cache")["fetched"]["runs"] == 0
    assert actions(clone.json("repro")) == {"upper": "restored", "count": "restored"}
    assert runs(clone) == (0, 0)
    assert clone.read("upper.txt") == b"ONE\n"
    assert clone.read("m.json") == b'{"n": 4 }\n'


def test_a_run_whose_outputs_are_gone_is_not_pushed_and_a_broken_file_of_runs_does_no_harm(pipeline: Project) -> None:
    store = use_store(pipeline)
    pipeline.dvcx("repro").ok()
    pipeline.dvcx("push", "--run-cache").ok()
    (file,) = (store / "runs").iterdir()
    file.write_bytes(b"broken")
    clone = pipeline.clone(pipeline.path.parent / "clone")
    assert clone.json("fetch", "--run-cache")["runs"] == 0


def test_a_second_machine_runs_no_stage_also_where_the_first_has_no_inputs(start: Project) -> None:
    use_store(start)
    assert start.json("push", "--run-cache")["runs"] == 2
    clone = start.clone(start.path.parent / "clone")
    (clone.path / "dvcx.lock").unlink()  # nothing but the run cache tells what the stages made
    clone.dvcx("pull", "--run-cache").ok()
    assert actions(clone.json("repro")) == {"start": "restored", "next": "restored"}
    assert runs(clone, "start", "next") == (0, 0)
    assert clone.read("next.txt") == start.read("start.txt")
    assert actions(clone.json("repro")) == {"start": "skip", "next": "skip"}


def test_a_stage_without_inputs_is_known_by_its_command(start: Project) -> None:
    made = start.read("start.txt")
    start.write("dvcx.yaml", NO_INPUTS.replace("%N", "%N-%s"))
    assert actions(start.json("repro"))["start"] == "ran"
    start.write("dvcx.yaml", NO_INPUTS)
    assert actions(start.json("repro")) == {"start": "restored", "next": "restored"}
    assert (start.read("start.txt"), start.read("next.txt")) == (made, made)


def test_a_stage_without_inputs_comes_back_as_it_was_and_runs_when_told_to(start: Project) -> None:
    made = start.read("start.txt")
    (start.path / "start.txt").unlink()
    assert actions(start.json("repro")) == {"start": "restored", "next": "skip"}
    assert start.read("start.txt") == made
    assert actions(start.json("repro", "--force", "start")) == {"start": "ran"}
    newer = start.read("start.txt")
    assert newer != made
    (start.path / "dvcx.lock").unlink()
    assert actions(start.json("repro", "start")) == {"start": "restored"}
    assert start.read("start.txt") == newer  # the last run counts
    (start.path / "start.txt").unlink()
    assert actions(start.json("repro", "--no-run-cache", "start")) == {"start": "ran"}
    assert runs(start, "start") == (3,)


def test_the_same_command_without_inputs_is_another_one_in_another_folder_or_stage(start: Project) -> None:
    program = "stages:\n  one:\n    cmd: sh make.sh > out.txt\n    outs: [out.txt]\n"
    for folder in ("a", "b"):
        start.write(f"{folder}/make.sh", f"echo {folder}")
        start.write(f"{folder}/dvcx.yaml", program)
    start.dvcx("repro", "-P").ok()
    assert (start.read("a/out.txt"), start.read("b/out.txt")) == (b"a\n", b"b\n")
    start.write("a/dvcx.yaml", program.replace("one:", "two:"))
    start.write("a/make.sh", "echo two")
    start.dvcx("repro", "-P").ok()
    assert start.read("a/out.txt") == b"two\n"


def test_always_changed_without_inputs_runs_every_time(start: Project) -> None:
    start.write("dvcx.yaml", NO_INPUTS.replace("  start:\n", "  start:\n    always_changed: true\n"))
    (start.path / "dvcx.lock").unlink()
    for _ in range(2):
        assert actions(start.json("repro", "start")) == {"start": "ran"}
