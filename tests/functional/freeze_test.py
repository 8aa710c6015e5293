from __future__ import annotations

import pytest

from tests.project import Project


def test_frozen_data_does_not_change_until_it_is_unfrozen(project: Project) -> None:
    project.save({"data/a": "one", "model": "m"})
    run = project.dvcx("freeze", "data").ok()
    assert (run.out, run.err) == ("frozen   data\n", "next: git add data.dvcx\n")
    assert b"\nfrozen: true\n" in project.read("data.dvcx")
    project.write("data/a", "two")
    before = project.read("data.dvcx")
    for words in (["add", "data"], ["add", "data/a"], ["commit"], ["remove", "data/a"], ["move", "data/a", "out"]):
        run = project.dvcx(*words)
        assert (run.code, "`dvcx unfreeze data`" in run.err) == (6, True), words
    assert project.read("data.dvcx") == before
    project.dvcx("checkout", "--force").ok()
    assert project.read("data/a") == b"one"
    project.write("data/a", "two")
    project.dvcx("unfreeze", "data").ok()
    project.dvcx("add", "data").ok()
    assert b"frozen" not in project.read("data.dvcx")


def test_force_changes_frozen_data_which_stays_frozen(project: Project) -> None:
    project.add({"data/a": "one"})
    project.dvcx("freeze", "data").ok()
    project.write("data/a", "two")
    project.dvcx("add", "--force", "data").ok()
    assert b"frozen: true" in project.read("data.dvcx")
    assert project.dvcx("status", "--exit-code").code == 0


def test_a_folder_of_the_project_means_all_data_in_it_and_what_is_so_already_is_said(project: Project) -> None:
    project.add({"sub/a": "a", "sub/b": "b"}, "sub/a", "sub/b")
    project.dvcx("freeze", "a", cwd="sub").ok()
    result = project.json("freeze", ".", cwd="sub")
    assert (result["changed"], result["unchanged"], result["changed_files"]) == (["sub/b"], ["sub/a"], ["sub/b.dvcx"])
    assert "sub/a was frozen already" in project.dvcx("freeze", "sub/a").ok().err
    assert project.json("unfreeze", "sub")["changed"] == ["sub/a", "sub/b"]
    assert "sub/a was not frozen" in project.dvcx("unfreeze", "sub/a").ok().err


def test_undo_takes_it_back(project: Project) -> None:
    project.add({"data/a": "one"})
    before = project.read("data.dvcx")
    project.dvcx("freeze", "data").ok()
    project.dvcx("undo").ok()
    assert project.read("data.dvcx") == before


@pytest.mark.parametrize("verb", ["freeze", "unfreeze"])
def test_a_path_inside_a_folder_and_one_that_is_not_tracked_are_told(project: Project, verb: str) -> None:
    project.add({"data/a": "one"})
    run = project.dvcx(verb, "data/a")
    assert (run.code, f"`dvcx {verb} data`" in run.err) == (2, True)
    run = project.dvcx(verb, "nothing")
    assert (run.code, "nothing is not tracked" in run.err) == (2, True)


PIPELINE = """\
stages:
  make:  # a comment
    cmd: cp raw.txt made.txt
    deps: [raw.txt]
    outs: [made.txt]
  many:
    foreach: [a, b]
    do:
      cmd: echo ${item} > ${item}.txt
      outs: ["${item}.txt"]
"""


def test_a_frozen_stage_does_not_run_until_it_is_unfrozen(project: Project) -> None:
    project.write("dvcx.yaml", PIPELINE)
    project.write("raw.txt", "one")
    project.dvcx("repro").ok()
    run = project.dvcx("freeze", "make").ok()
    assert (run.out, run.err) == ("frozen   make\n", "next: git add dvcx.yaml\n")
    project.write("raw.txt", "two")
    assert [each["action"] for each in project.json("repro")["stages"]] == ["skip", "skip", "skip"]
    assert project.read("made.txt") == b"one"
    assert project.json("freeze", "make")["unchanged"] == ["make"]
    project.dvcx("unfreeze", "made.txt").ok()
    assert project.read("dvcx.yaml").decode() == PIPELINE
    assert project.json("repro")["stages"][0]["action"] == "ran"


def test_a_group_of_stages_is_frozen_as_a_whole_and_folders_mean_data(project: Project) -> None:
    project.add({"data": "d"})
    project.write("dvcx.yaml", PIPELINE)
    project.write("raw.txt", "one")
    project.dvcx("repro").ok()
    assert project.dvcx("freeze", "many@a").code == 2
    assert project.json("freeze", "many", "make")["changed"] == ["many", "make"]
    assert b"    do:\n      frozen: true\n" in project.read("dvcx.yaml")
    assert project.json("freeze", ".")["changed"] == ["data"]
    assert not (project.path / "made.txt.dvcx").exists()
    project.dvcx("undo").ok()
