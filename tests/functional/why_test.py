"""`dvcx why`: each kind of change, from what to what, and the commit that brought it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.project import Project

PIPELINE = """\
stages:
  prepare:
    cmd: cp raw.txt prepared.txt
    deps: [raw.txt]
    outs: [prepared.txt]
  train:
    cmd: cat prepared.txt code/train.sh data > model.txt
    deps: [prepared.txt, code, data]
    params: [lr]
    outs: [model.txt]
"""


@pytest.fixture
def done(project: Project) -> Project:
    """A pipeline that ran and is committed, and a commit after that which has nothing to do with it."""
    project.add({"data": "one"})
    project.write("dvcx.yaml", PIPELINE)
    project.write("raw.txt", "raw")
    project.write("code/train.sh", "code")
    project.write("params.yaml", "lr: 0.1\nother: 1\n")
    project.dvcx("repro").ok()
    project.commit(message="the run")
    project.write("README", "x")
    project.commit(message="beside the point")
    return project


def because(project: Project, stage: str = "train") -> list[tuple[Any, ...]]:
    (result,) = project.json("why", stage)
    return [
        (
            each["reason"]["cause"],
            each["reason"]["name"],
            each["commit"]["subject"] if each["commit"] else None,
            each["uncommitted"],
        )
        for each in result["because"]
    ]


def test_a_fresh_stage_tells_why_it_ran_last_and_where_that_is_recorded(done: Project) -> None:
    (result,) = done.json("why", "train")
    assert (result["state"], result["recorded_in"]["subject"]) == ("fresh", "the run")
    assert because(done) == [("never run", "", None, False)]
    done.write("params.yaml", "lr: 0.2\nother: 1\n")
    done.commit(message="slower")
    done.dvcx("repro").ok()
    done.commit(message="the second run")
    (result,) = done.json("why", "train")
    assert (result["state"], result["recorded_in"]["subject"]) == ("fresh", "the second run")
    assert because(done) == [("parameter", "params.yaml:lr", "slower", False)]


def test_a_parameter_names_the_commit_that_changed_it_not_one_that_touched_the_file(done: Project) -> None:
    done.write("params.yaml", "lr: 0.2\nother: 1\n")
    assert because(done) == [("parameter", "params.yaml:lr", None, True)]
    done.commit(message="slower")
    done.write("params.yaml", "lr: 0.2\nother: 2\n")
    done.commit(message="something else")
    (result,) = done.json("why", "train")
    (found,) = result["because"]
    assert (found["reason"]["old"], found["reason"]["new"]) == ("0.1", "0.2")
    assert found["commit"]["subject"] == "slower"


def test_a_file_of_git_a_folder_and_tracked_data_name_theirs(done: Project) -> None:
    done.write("code/train.sh", "better")
    assert because(done) == [("dependency", "code", None, True)]
    done.commit(message="better code")
    done.write("data", "two")
    assert [each[3] for each in because(done)] == [False, True]
    done.dvcx("add", "data").ok()
    done.commit(message="more data")
    assert because(done) == [
        ("dependency", "code", "better code", False),
        ("dependency", "data", "more data", False),
    ]


def test_a_command_names_the_commit_since_which_it_is_what_it_is(done: Project) -> None:
    done.write("dvcx.yaml", PIPELINE.replace("cat prepared", "cat -u prepared"))
    done.commit(message="unbuffered")
    done.write("dvcx.yaml", PIPELINE.replace("cat prepared", "cat -u prepared") + "\n# comment\n")
    done.commit(message="a comment")
    assert because(done) == [("command", "", "unbuffered", False)]


def test_what_an_earlier_stage_made_anew_names_that_stage(done: Project) -> None:
    done.write("raw.txt", "changed")
    done.commit(message="new raw data")
    (result,) = done.json("why", "train")
    assert (result["state"], result["upstream"], result["because"]) == ("behind", ["prepare"], [])
    done.dvcx("repro", "prepare").ok()
    (result,) = done.json("why", "train")
    (found,) = result["because"]
    assert (found["reason"]["name"], found["made_by"]) == ("prepared.txt", "prepare")
    assert "made by prepare" in done.dvcx("why", "train").out


def test_an_output_means_its_stage_and_a_word_that_means_nothing_is_told(done: Project) -> None:
    (result,) = done.json("why", "model.txt")
    assert result["stage"] == "train"
    run = done.dvcx("why", "trian")
    assert (run.code, "did you mean train" in run.err) == (2, True)


def test_a_stage_whose_file_does_not_load_is_told_what_is_wrong_with_the_file(plain_project: Project) -> None:
    plain_project.write("dvcx.yaml", "stages:\n  a:\n    cmd: [unclosed\n")
    plain_project.write("sub/dvcx.yaml", "stages:\n  b:\n    cmd: [unclosed\n")
    for words, file in ((["why", "a"], "dvcx.yaml"), (["why", "sub/dvcx.yaml:b"], "sub/dvcx.yaml")):
        run = plain_project.dvcx(*words)
        assert (run.code != 0, file in run.err, "there is no stage" in run.err) == (True, True, False)


def test_before_the_first_run_and_without_git_it_answers_too(plain_project: Project) -> None:
    plain_project.write("dvcx.yaml", "stages:\n  a:\n    cmd: echo a > a.txt\n    outs: [a.txt]\n")
    assert because(plain_project, "a") == [("never run", "", None, False)]
    plain_project.dvcx("repro").ok()
    plain_project.write("dvcx.yaml", "stages:\n  a:\n    cmd: echo b > a.txt\n    outs: [a.txt]\n")
    assert because(plain_project, "a") == [("command", "", None, False)]


def test_variables_and_packages_are_told_with_what_they_were_also_when_they_were_not_there(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DVCX_TEST_SEED", raising=False)
    project.write(
        "dvcx.yaml", "stages: {a: {cmd: echo > x, deps: ['env:DVCX_TEST_SEED', 'pkg:nonesuch'], outs: [x]}}\n"
    )
    project.dvcx("repro").ok()
    monkeypatch.setenv("DVCX_TEST_SEED", "secret")
    lock = project.path / "dvcx.lock"
    lock.write_text(lock.read_text().replace('"pkg:nonesuch": {"value": null}', '"pkg:nonesuch": {"value": "1.0"}'))
    told = project.dvcx("why", "a").ok().out
    assert re.search(r"dependency env:DVCX_TEST_SEED changed from unset to blake3:[0-9a-f]{8}$", told, re.MULTILINE)
    assert "dependency pkg:nonesuch changed from 1.0 to not installed\n" in told
    assert "secret" not in told


def test_it_runs_nothing(done: Project) -> None:
    done.write("dvcx.yaml", PIPELINE.replace("cp raw.txt", "touch ran; cp raw.txt"))
    done.dvcx("why", "prepare").ok()
    assert not (done.path / "ran").exists()
