"""Commands that are typed inside the folder `.git`, where Git sees no work tree."""

from __future__ import annotations

import pytest

from tests.project import Project


@pytest.mark.parametrize("folder", [".git", ".git/refs", ".git/dvcx"])
def test_inside_the_git_folder_a_project_stays_one_with_git(project: Project, folder: str) -> None:
    project.save({"data/a": "one"})
    assert project.json("status", cwd=folder)["outputs"][0]["state"] == "clean"
    assert len(project.json("log", cwd=folder)["commits"]) == 1
    project.dvcx("checkout", cwd=folder).ok()
    assert project.dvcx("add", "config", cwd=folder).code == 6
    assert not (project.path / ".dvcx/local").exists()
