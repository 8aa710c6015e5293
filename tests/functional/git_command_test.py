"""dvcx as `git dvcx`, and projects in folders, inside each other and in submodules."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project import Project


def git_dvcx(folder: Path, *words: str, before: tuple[str, ...] = ()) -> str:
    """Gives what `git dvcx WORDS` prints."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["git", *before, "dvcx", *words], cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def nested(tmp_path: Path) -> Project:
    """A project at the top of a repository, and one in its folder `in/ner`."""
    top = Project.make(tmp_path / "top")
    (top.path / "in/ner").mkdir(parents=True)
    top.dvcx("init", "--subdir", cwd="in/ner").ok()
    top.commit(message="inner")
    return top


def test_git_dvcx_does_what_dvcx_does(project: Project) -> None:
    project.save({"data/a": "1", "sub/code.py": ""}, "data")
    assert git_dvcx(project.path, "ls", "-R", "data") == project.dvcx("ls", "-R", "data").out
    assert git_dvcx(project.path / "sub", "ls", "-R", "../data") == "a\n"
    assert git_dvcx(project.path.parent, "root", before=("-C", str(project.path / "sub"))) == f"{project.path}\n"
    assert git_dvcx(project.path, "-h").startswith("Usage: dvcx")
    named = ("--git-dir", str(project.path / ".git"), "--work-tree", str(project.path))
    assert git_dvcx(project.path, "root", before=named) == f"{project.path}\n"


@pytest.mark.skipif(shutil.which("man") is None, reason="shows the manual page with man")
def test_git_dvcx_help_shows_the_manual_page_that_lies_beside_the_program(project: Project, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git-dvcx").symlink_to(Path(sys.executable).with_name("git-dvcx"))
    shutil.copytree(Path(__file__).parents[2] / "docs/man", tmp_path / "share/man")
    environment = {"HOME": os.environ["HOME"], "PATH": f"{tmp_path}/bin:/usr/bin:/bin", "TERM": "dumb", "LC_ALL": "C"}
    for words in (["git", "dvcx", "--help"], ["git", "help", "dvcx"], ["man", "dvcx"]):
        done = subprocess.run(words, cwd=project.path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "data and model version control over Git" in done.stdout and "dvcx stage trace" in done.stdout


def test_projects_inside_each_other_keep_to_themselves(nested: Project) -> None:
    inner = Project(nested.path / "in/ner")
    nested.save({"data/a": "1"})
    inner.save({"data/b": "2"})
    assert git_dvcx(nested.path, "ls") == "data/\n"
    assert git_dvcx(inner.path, "ls", "-R", "data") == "b\n"
    assert git_dvcx(inner.path, "ls", "--rev", "HEAD", "-R", "data") == "b\n"
    assert "data/b" in git_dvcx(inner.path, "blame", "data")
    (inner.path / "data/b").write_text("3")
    assert git_dvcx(nested.path, "status", "--json").count('"clean"') == 1
    assert "data/b" in git_dvcx(inner.path, "status")


def test_a_submodule_is_a_project_of_its_own(project: Project, tmp_path: Path) -> None:
    project.save({"data/a": "1"})
    outer = Project.make(tmp_path / "outer")
    outer.save({"data/o": "1"})
    outer.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(project.path), "sub")
    outer.commit(message="submodule")
    assert git_dvcx(outer.path, "ls") == "data/\n"
    assert git_dvcx(outer.path / "sub", "root") == f"{outer.path / 'sub'}\n"
    assert git_dvcx(outer.path / "sub", "log", "data").count("\n") >= 1
    assert "sub" not in git_dvcx(outer.path, "status")
