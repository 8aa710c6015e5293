from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dvcx import __version__
from tests.project import Project

HEAVY = {"rich", "yaml", "fsspec", "git", "networkx", "msgspec", "pathspec", "tomlkit", "blake3", "importlib.metadata"}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A new project."""
    return Project.make(tmp_path / "project")


def imported_by(*words: str, cwd: Path | None = None) -> set[str]:
    """The modules that a command imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "dvcx", *words], capture_output=True, text=True, cwd=cwd
    )
    assert done.returncode == 0, done.stderr
    return {line.rsplit("|", 1)[1].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}


@pytest.mark.parametrize("word", ["--version", "-V", "version"])
def test_the_version_is_told_before_anything_is_imported(word: str) -> None:
    imported = imported_by(word)
    assert {name for name in imported if name.startswith("dvcx.")} == set()
    assert not imported & {"typer", "dataclasses", "enum"}


def test_the_version_is_printed() -> None:
    for words in (["--version"], ["version"], ["version", "-q"], ["-V", "--color=never"]):
        done = subprocess.run([sys.executable, "-m", "dvcx", *words], capture_output=True, text=True)
        assert (done.returncode, done.stdout, done.stderr) == (0, f"dvcx {__version__}\n", "")


@pytest.mark.parametrize("words", [["--help"], ["completion", "--help"], ["completion", "bash"]])
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    imported = imported_by(*words)
    assert "typer" in imported
    assert not imported & HEAVY


def test_completing_a_command_does_not_import_typer() -> None:
    assert not imported_by("__complete", "bash", "co") & {*HEAVY, "typer"}


def test_what_git_calls_imports_neither_typer_nor_what_is_heavy(project: Project) -> None:
    project.save({"data/a": "1"})
    heavy = HEAVY - {"msgspec", "blake3", "pathspec"} | {"typer", "polars"}
    pointer = str(project.path / "data.dvcx")
    for words in (
        ("textconv", pointer),
        ("hook", "post-merge", "0"),
        ("merge", pointer, pointer, pointer, "7", "data.dvcx"),
    ):
        assert not imported_by("__git", *words, cwd=project.path) & heavy


def test_modules_in_the_current_folder_are_not_imported(tmp_path: Path) -> None:
    for name in ("typer.py", "msgspec.py", "inspect.py", "sitecustomize.py"):
        (tmp_path / name).write_text("raise SystemExit('code of the repository was run')")
    done = subprocess.run([sys.executable, "-m", "dvcx", "--help"], capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_streams_that_are_closed_do_no_harm() -> None:
    command = f'exec "{sys.executable}" -m dvcx version -q >&- 2>&-'
    assert subprocess.run(["sh", "-c", command], env=os.environ).returncode == 0
