"""`dvcx repro` with tracked data that was edited and not added: the record names what only this workspace has."""

from __future__ import annotations

import pytest

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
    assert project.json("repro")["unsaved"] == []
    project.commit(message="ran")
    return project


def test_what_was_edited_and_not_added_is_warned_of_until_it_is_added(done: Project) -> None:
    done.write("data/a", "2")
    done.write("deep/in/c", "2")
    run = done.dvcx("repro").ok()
    for path in ("data", "deep/in"):
        assert f"{path} has changes that are not added: dvcx.lock names what nobody else can get" in run.err
    assert "next: dvcx add data deep/in" in run.err
    again = done.json("repro")
    assert ({each["action"] for each in again["stages"]}, again["unsaved"]) == ({"skip"}, ["data", "deep/in"])
    done.dvcx("add", "data", "deep/in").ok()
    added = done.json("repro")
    assert (added["stages"][0]["action"], added["unsaved"]) == ("skip", [])


def test_a_change_that_no_stage_saw_and_what_git_keeps_are_not_warned_of(done: Project) -> None:
    done.write("data/b", "2")
    done.write("other/x", "y")
    assert done.json("repro")["unsaved"] == []
    done.write("data/a", "2")
    assert done.json("repro", "--dry-run")["unsaved"] == []
    done.write("dvcx.yaml", PIPELINE.replace("cat data/a", "false data/a"))
    failed = done.dvcx("repro", "part", "--json")
    assert (failed.code, '"unsaved": []' in failed.out or '"unsaved":[]' in failed.out) == (7, True)


def test_data_that_a_checkout_has_yet_to_bring_is_not_warned_of(done: Project) -> None:
    done.write("data/a", "2")
    done.dvcx("add", "data").ok()
    done.commit(message="more")
    done.git("checkout", "-q", "HEAD~1", "--", "data.dvcx")
    assert done.json("repro")["unsaved"] == []
