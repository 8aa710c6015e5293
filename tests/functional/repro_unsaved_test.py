"""`dvcx repro` with tracked data that was edited and not added: it takes that in, and where it cannot, it warns."""

from __future__ import annotations

import os

import pytest

from dvcx.cli.console import Console
from tests.functional.arranging import use_store
from tests.project import Project

PIPELINE = """\
stages:
  part:
    cmd: cat data/a other/x > part.txt
    deps: [data/a, other/x]
    outs: [part.txt]
  whole:
    cmd: cat part.txt deep/*/* > whole.txt
    deps: [part.txt, deep]
    outs: [whole.txt]
"""


@pytest.fixture
def done(project: Project) -> Project:
    """Stages that ran with tracked data: a file of a folder, and a folder of Git with tracked data below it."""
    project.add({"data/a": "1", "data/b": "1", "deep/in/c": "1"}, "data", "deep/in")
    project.write("other/x", "x")
    project.write("dvcx.yaml", PIPELINE)
    result = project.json("repro")
    assert (result["unsaved"], result["added"]) == ([], [])
    project.commit(message="ran")
    return project


def states(project: Project) -> dict[str, str]:
    return {each["path"]: each["state"] for each in project.json("status")["outputs"]}


def test_what_was_edited_is_added_before_stages_run_with_it(done: Project) -> None:
    done.write("data/a", "2")
    done.write("deep/in/c", "2")
    planned = done.json("repro", "--dry-run")
    assert planned["added"] == ["data/a", "deep/in"]
    assert "data.dvcx" not in done.git("status", "--porcelain")
    assert "add  data/a   the data was edited, and stages depend on it" in done.dvcx("repro", "-n").out
    run = done.dvcx("repro").ok()
    assert "added  data/a" in run.out
    assert "warning" not in run.err
    changed = done.git("status", "--porcelain").split()
    assert {"data.dvcx", "deep/in.dvcx", "dvcx.lock"} <= set(changed)
    assert set(states(done).values()) == {"clean"}
    again = done.json("repro")
    assert ({each["action"] for each in again["stages"]}, again["added"]) == ({"skip"}, [])
    assert done.json("status")["stages"] == []
    use_store(done)
    done.dvcx("push").ok()
    clone = done.clone(done.path.parent / "clone")
    clone.dvcx("pull").ok()
    assert clone.json("status")["stages"] == []  # the lock names what the pointers name, and anybody can get it


def test_only_what_stages_depend_on_is_added(done: Project) -> None:
    done.write("data/b", "2")
    done.write("other/x", "y")
    result = done.json("repro")
    assert (result["added"], result["unsaved"]) == ([], [])
    done.write("data/a", "2")
    assert done.json("repro")["added"] == ["data/a"]
    (data,) = [each for each in done.json("status")["outputs"] if each["path"] == "data"]
    assert [change["path"] for change in data["changes"]] == ["data/b"]


def test_both_the_old_and_the_new_data_can_be_had_afterwards_and_undo_takes_the_pointer_back(done: Project) -> None:
    old = done.read("data.dvcx")
    done.write("data/a", "2")
    done.dvcx("repro").ok()
    new = done.read("data.dvcx")
    for pointer, data in ((old, b"1"), (new, b"2")):
        done.write("data.dvcx", pointer)
        done.dvcx("checkout", "data").ok()
        assert done.read("data/a") == data
    done.write("data/a", "3")
    assert done.json("repro", "--no-run-cache")["added"] == ["data/a"]
    assert "add" in done.dvcx("undo", "--list").out
    done.dvcx("undo").ok()
    assert (done.read("data.dvcx"), done.read("data/a")) == (new, b"3")


def test_also_when_every_stage_is_up_to_date(done: Project) -> None:
    done.write("data/a", "2")
    done.dvcx("repro", "--no-commit").ok()
    result = done.json("repro")
    assert ({each["action"] for each in result["stages"]}, result["added"]) == ({"skip"}, ["data/a"])
    assert states(done)["data"] == "clean"


def test_with_no_commit_it_is_not_added_and_warned_of_until_it_is(done: Project) -> None:
    done.write("data/a", "2")
    done.write("deep/in/c", "2")
    run = done.dvcx("repro", "--no-commit").ok()
    for path in ("data", "deep/in"):
        assert f"{path} has changes that are not added: dvcx.lock names what nobody else can get" in run.err
    assert "next: dvcx add data deep/in" in run.err
    assert states(done)["data"] == "changed"
    part = done.dvcx("commit", "part.txt").ok()
    assert "data has changes that are not added: dvcx.lock names what nobody else can get" in part.err
    assert "deep/in" not in part.err
    assert done.json("commit")["unsaved"] == []
    assert set(states(done).values()) == {"clean"}


def test_frozen_data_and_what_cannot_be_tracked_are_not_added_and_warned_of(done: Project) -> None:
    done.dvcx("freeze", "data").ok()
    done.write("data/a", "2")
    done.write("deep/in/c", "2")
    os.mkfifo(done.path / "deep/in/pipe")
    done.write("dvcx.yaml", PIPELINE.replace("deep/*/*", "deep/in/c"))
    assert "data/a" not in done.json("repro", "--dry-run")["added"], "what is told must be what is done"
    result = done.json("repro")
    assert ({each["action"] for each in result["stages"]}, result["added"]) == ({"ran"}, [])
    assert result["unsaved"] == ["data", "deep/in"]
    (done.path / "deep/in/pipe").unlink()
    assert done.json("repro")["added"] == ["deep/in"]


def test_it_is_asked_for_with_interactive(done: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    done.write("data/a", "2")
    refused = done.dvcx("repro", "-i")
    assert (refused.code, "nobody is here to answer: add the changes of data/a?" in refused.err) == (6, True)
    monkeypatch.setattr(Console, "confirm", lambda console, question, hint: not question.startswith("add "))
    result = done.json("repro", "-i", "part")
    assert (result["added"], result["unsaved"]) == ([], ["data"])


def test_data_that_a_checkout_has_yet_to_bring_and_data_of_frozen_stages_is_not_added(done: Project) -> None:
    done.write("data/a", "2")
    done.dvcx("add", "data").ok()
    done.commit(message="more")
    done.git("checkout", "-q", "HEAD~1", "--", "data.dvcx")
    result = done.json("repro")
    assert (result["added"], result["unsaved"]) == ([], [])
    done.dvcx("freeze", "whole").ok()
    done.write("deep/in/c", "2")
    assert done.json("repro", "whole")["added"] == []
