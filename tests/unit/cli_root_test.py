from __future__ import annotations

import json
from pathlib import Path

import pytest

from dvcx.cli.app import run
from tests.git_repository import GitRepository

Captured = pytest.CaptureFixture[str]


def test_root_is_the_folder_of_the_project(git_repo: GitRepository, capsys: Captured) -> None:
    (git_repo.path / ".dvcx").mkdir()
    (git_repo.path / ".dvcx" / "config.toml").write_text("[core]\nformat = 1\n")
    (git_repo.path / "a" / "b").mkdir(parents=True)
    assert run(["-C", str(git_repo.path / "a" / "b"), "root"]) == 0
    assert capsys.readouterr().out == f"{git_repo.path}\n"
    assert run(["root", "-C", str(git_repo.path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"root": str(git_repo.path)}


def test_outside_of_a_project_the_hint_is_init(tmp_path: Path, capsys: Captured) -> None:
    assert run(["-C", str(tmp_path), "root"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "dvcx init" in printed.err
