"""Projects for functional tests; see `tests/project.py` for what they can do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A new project in a Git repository, in `tmp_path/project`; its first commit has dvcx's own files."""
    return Project.make(tmp_path / "project")


@pytest.fixture
def plain_project(tmp_path: Path) -> Project:
    """A new project without Git, in `tmp_path/plain`."""
    return Project.make(tmp_path / "plain", git=False)
