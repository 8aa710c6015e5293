"""A project with some data and a remote, as everybody's first day leaves it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with the tag v1: the folder data, the file model.bin, and an empty remote called store."""
    project = Project.make(tmp_path / "project")
    (tmp_path / "store").mkdir()
    project.dvcx("remote", "add", "-d", "store", "../store").ok()
    project.save(FIRST, tag="v1")
    return project


FIRST: dict[str, str | bytes] = {
    "data/small": "small one",
    "data/sub/deep": "deep one",
    "data/large": b"large one" * 20_000,
    "model.bin": b"model one" * 200_000,
}
SECOND: dict[str, str | bytes] = {
    "data/small": "small two",
    "data/sub/new": "new in two",
    "model.bin": b"model two" * 200_000,
}


def as_bytes(files: dict[str, str | bytes]) -> dict[str, bytes]:
    """Gives the files as they come back from the disk."""
    return {name: text.encode() if isinstance(text, str) else text for name, text in files.items()}


def data_of(project: Project) -> dict[str, bytes]:
    """Gives the tracked data in the workspace."""
    return {
        name: text
        for name, text in project.files().items()
        if name.startswith(("data/", "model.bin")) and not name.endswith(".dvcx")
    }
