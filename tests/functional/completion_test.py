from __future__ import annotations

import pytest

from tests.project import Project


@pytest.fixture
def known(project: Project) -> Project:
    """A project with a tag, a remote and tracked data."""
    project.save({"data/one": "1", "data/sub/two": "2", "model.bin": "3"}, tag="v1")
    project.dvcx("remote", "add", "store", "/mnt/x").ok()
    return project


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["ls", ""], ["data/", "model.bin"]),
        (["log", "data/"], ["data/one", "data/sub/"]),
        (["checkout", "data/sub/t"], ["data/sub/two"]),
        (["diff", "v"], ["v1"]),
        (["diff", "--targets", "m"], ["model.bin"]),
        (["ls", "--rev", "ma"], ["main"]),
        (["push", "-r", "s"], ["store"]),
        (["remote", "remove", ""], ["store"]),
        (["remote", "modify", "store", "c"], ["compression"]),
        (["config", "remote.store.u"], ["remote.store.url"]),
    ],
)
def test_the_tab_key_offers_what_the_project_knows(known: Project, words: list[str], offered: list[str]) -> None:
    assert known.dvcx("__complete", "bash", *words).ok().lines == offered


def test_paths_are_those_from_the_current_folder(known: Project) -> None:
    assert known.dvcx("__complete", "bash", "ls", "../m", cwd="data").lines == ["../model.bin"]
    assert known.dvcx("__complete", "bash", "ls", "o", cwd="data").lines == ["one"]


def test_outside_of_projects_nothing_is_offered_and_nothing_fails(known: Project) -> None:
    for words in (["ls", ""], ["push", "-r", ""], ["diff", ""]):
        run = known.dvcx("__complete", "bash", *words, cwd="..")
        assert (run.code, run.out, run.err) == (0, "", "")
