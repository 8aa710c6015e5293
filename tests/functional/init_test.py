"""`dvcx init` in a folder that is a project already."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.project import Project


def test_a_project_made_without_git_moves_into_a_git_repository_as_init_says(plain_project: Project) -> None:
    project = plain_project
    project.write("data/a", b"one")
    project.dvcx("add", "data").ok()
    project.git("init", "--quiet")
    said = project.dvcx("init").ok().err
    assert "it was made without Git" in said and f"mv .dvcx/local {project.path}/.git/dvcx && dvcx init" in said
    shutil.move(project.path / ".dvcx/local", project.path / ".git/dvcx")
    assert "without Git" not in project.dvcx("init").ok().err
    project.dvcx("commit").ok()
    assert project.json("status")["outputs"][0]["state"] == "clean"
    assert project.git("status", "--porcelain", "data") == "" and not Path(project.path, ".dvcx/local").exists()
    project.dvcx("undo").ok()
