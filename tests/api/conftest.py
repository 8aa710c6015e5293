"""Projects for tests of the Python interface."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A new project in a Git repository, in `tmp_path/project`, with a remote in the folder `tmp_path/store`."""
    project = Project.make(tmp_path / "project")
    project.dvcx("remote", "add", "-d", "store", str(tmp_path / "store")).ok()
    project.commit(message="a remote")
    return project


def drop_cache(project: Project) -> None:
    """Has the project's cache forget everything, as in a fresh clone."""
    shutil.rmtree(project.own_folder / "cache")


def far_away(project: Project) -> None:
    """Pushes all data, and leaves of it neither a cached copy nor one in the workspace."""
    project.dvcx("push").ok()
    drop_cache(project)
    for pointer in project.path.glob("?*.dvcx"):
        data = pointer.with_suffix("")
        shutil.rmtree(data) if data.is_dir() else data.unlink(missing_ok=True)
