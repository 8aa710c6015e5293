from __future__ import annotations

from pathlib import Path

import pytest

from dvcx import __version__
from tests.project import Project


def test_the_report_names_versions_project_cache_links_and_remotes(project: Project, tmp_path: Path) -> None:
    project.add({"data/a": "one"})
    project.dvcx("remote", "add", "-d", "store", str(tmp_path / "store")).ok()
    project.dvcx("remote", "add", "far", str(tmp_path / "no/disk")).ok()
    project.dvcx("push").ok()
    found = project.json("doctor")
    assert found["dvcx"] == __version__ and found["git"] and found["libraries"]["blake3"]
    inside = found["project"]
    assert (inside["root"], inside["tracked"], inside["hash"], inside["git"]) == (str(project.path), 1, "blake3", True)
    assert set(inside["links"]) == {"reflink", "hardlink", "symlink", "copy"}
    assert inside["links"]["copy"] is None and inside["links"]["symlink"] is None
    assert inside["cache"]["objects"] == 2
    states = {each["name"]: (each["state"], each["writable"], each["default"]) for each in inside["remotes"]}
    assert states == {"store": ("ready", True, True), "far": ("unreachable", False, False)}
    assert any("no is not there" in note for note in found["notes"])


def test_the_text_has_a_line_for_everything(project: Project, tmp_path: Path) -> None:
    project.dvcx("remote", "add", "store", str(tmp_path / "store")).ok()
    run = project.dvcx("doctor").ok()
    names = {line.split("  ")[0] for line in run.lines}
    assert {"dvcx", "python", "git", "libraries", "project", "cache", "links", "remote"} <= names
    assert "store new" in run.out and run.err == ""


def test_nothing_is_left_behind(project: Project, tmp_path: Path) -> None:
    project.dvcx("remote", "add", "store", str(tmp_path / "store")).ok()
    before = sorted(project.path.rglob("*"))
    project.dvcx("doctor").ok()
    assert sorted(project.path.rglob("*")) == before
    assert not (tmp_path / "store").exists() and not (project.own_folder / "cache").exists()


def test_it_works_outside_of_projects_and_where_one_is_broken(tmp_path: Path, project: Project) -> None:
    outside = Project(tmp_path)
    assert outside.json("doctor")["project"] is None
    project.write(".dvcx/config.toml", "[core\n")
    found = project.json("doctor")
    assert found["project"] is None and any("config.toml" in note for note in found["notes"])


def test_without_the_git_program_it_says_so(project: Project) -> None:
    run = project.dvcx("doctor", environment={"PATH": str(project.path)}).ok()
    assert ["git", "not", "found"] in [line.split() for line in run.lines]
    assert [line.split()[0] for line in run.lines if "install Git" in line] == ["note"]


def test_an_algorithm_that_guards_against_accidents_only_is_told(tmp_path: Path) -> None:
    project = Project.make(tmp_path / "project", "--hash", "xxh128")
    found = project.json("doctor")
    assert found["project"]["accident_only"] and any("accident-only" in note for note in found["notes"])


def test_projects_without_git_are_reported(plain_project: Project) -> None:
    found = plain_project.json("doctor")["project"]
    assert (found["git"], found["git_settings"]) == (False, {})


def test_a_read_only_folder_is_told_not_a_failure(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied", str(project.path / ".dvcx"))

    monkeypatch.setattr("dvcx.base.link_trial.tempfile.mkdtemp", refuse)
    found = project.json("doctor")["project"]
    assert found["links"] == {} and "permission denied" in found["link_error"]


def test_passwords_in_urls_are_stars(project: Project) -> None:
    project.dvcx("remote", "add", "--local", "far", "ftp://me:hunter2@127.0.0.1:1/x").ok()
    run = project.dvcx("doctor")
    assert "hunter2" not in run.out + run.err and "unreachable" in run.out
