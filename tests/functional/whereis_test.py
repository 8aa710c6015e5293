"""`dvcx whereis`: which stores hold tracked data."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.functional.push_test import remotes
from tests.project import Project


def states(project: Project, *words: str) -> dict[str, dict[str, str]]:
    found = project.dvcx("whereis", *words, "--json")
    return {each["path"]: {h["store"]: h["state"] for h in each["holdings"]} for each in found.json["places"]}


def test_it_tells_for_each_path_which_store_has_it(project: Project) -> None:
    remotes(project, "one", "two")
    project.save({"data/a": "a", "data/b": "b", "model": "m"})
    project.dvcx("push").ok()
    project.dvcx("push", "-r", "two", "data/a").ok()
    assert states(project) == {
        "data": {"cache": "all", "one": "all", "two": "part"},
        "model": {"cache": "all", "one": "all", "two": "none"},
    }
    assert states(project, "data/a") == {"data/a": {"cache": "all", "one": "all", "two": "all"}}
    shown = project.dvcx("whereis", "data").ok()
    assert "2 of 3  without data/b" in shown.out


def test_a_fresh_clone_asks_the_remotes_for_what_folders_hold(project: Project, tmp_path: Path) -> None:
    remotes(project, "one")
    project.save({"data/sub/a": "a"})
    project.dvcx("push").ok()
    project.commit(message="remotes")
    clone = project.clone(tmp_path / "clone")
    assert states(clone) == {"data": {"cache": "none", "one": "all"}}


def test_what_is_nowhere_is_named_and_ends_with_4(project: Project) -> None:
    remotes(project, "one")
    project.save({"data/a": "a", "data/b": "b"})
    project.dvcx("push", "data/a").ok()
    shutil.rmtree(project.own_folder / "cache")
    result = project.dvcx("whereis")
    assert result.code == 4 and "data/b" in result.err and "data/a" not in result.err


def test_a_remote_that_does_not_answer_does_not_hide_the_others(project: Project) -> None:
    _, two = remotes(project, "one", "two")
    project.save({"data": "a"})
    project.dvcx("push", "--all-remotes").ok()
    shutil.rmtree(two)
    result = project.dvcx("whereis", "--json")
    assert result.code == 5 and "two" in result.err
    assert {h["store"]: h["state"] for h in result.json["places"][0]["holdings"]} == {
        "cache": "all",
        "one": "all",
        "two": "unknown",
    }


def test_the_data_of_a_revision_can_be_asked_for(project: Project) -> None:
    remotes(project, "one")
    project.save({"data": "old"}, tag="v1")
    project.dvcx("push").ok()
    project.save({"data": "new"})
    assert states(project, "--rev", "v1")["data"]["one"] == "all"
    assert states(project)["data"]["one"] == "none"
