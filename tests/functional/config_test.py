from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.project import Project


def test_a_setting_is_set_read_and_removed(project: Project) -> None:
    assert project.dvcx("config", "trash.keep_days").ok().lines == ["30"]
    project.dvcx("config", "trash.keep_days", "7").ok()
    assert project.dvcx("config", "trash.keep_days").ok().lines == ["7"]
    assert "keep_days = 7" in project.read(".dvcx/config.toml").decode()
    project.dvcx("config", "--unset", "trash.keep_days").ok()
    assert project.dvcx("config", "trash.keep_days").ok().lines == ["30"]
    assert "trash" not in project.read(".dvcx/config.toml").decode()


def test_a_setting_without_a_value_ends_with_1(project: Project) -> None:
    run = project.dvcx("config", "core.remote")
    assert (run.code, run.out) == (1, "") and "core.remote is not set" in run.err
    assert project.dvcx("config", "--local", "trash.keep_days").code == 1, "a default is not in that file"


def test_the_stronger_level_wins_and_the_origin_is_shown(project: Project, home: Path) -> None:
    for level, days in (("--global", "1"), ("--project", "2"), ("--local", "3")):
        project.dvcx("config", level, "trash.keep_days", days).ok()
        assert project.dvcx("config", level, "trash.keep_days").ok().lines == [days]
    assert project.dvcx("config", "trash.keep_days").ok().lines == ["3"]
    shown = project.dvcx("config", "--show-origin", "trash.keep_days").ok().lines
    assert shown == [f"local {project.path}/.dvcx/config.local.toml  trash.keep_days=3"]
    with_variable = project.dvcx("config", "trash.keep_days", environment={"DVCX_TRASH_KEEP_DAYS": "4"})
    assert with_variable.lines == ["4"]
    assert (home / ".config/dvcx/config.toml").is_file()
    assert ".dvcx/config.local.toml" not in project.git("status", "--porcelain", "--untracked-files=all")


def test_all_that_is_set_is_listed(project: Project) -> None:
    project.dvcx("config", "cache.type", "hardlink,copy").ok()
    assert project.dvcx("config", "--list").ok().lines == [
        "cache.type=hardlink,copy",
        "core.format=1",
        "core.hash=blake3",
    ]
    assert project.dvcx("config", "--list", "--local").ok().out == ""
    found = {each["key"]: each for each in project.json("config", "--list")}
    assert found["cache.type"]["value"] == ["hardlink", "copy"] and found["cache.type"]["level"] == "project"


def test_without_a_name_all_that_is_in_force_is_listed_with_where_it_comes_from(project: Project) -> None:
    project.dvcx("config", "--local", "trash.keep_days", "7").ok()
    lines = project.dvcx("config").ok().lines
    own = next(line for line in lines if "trash.keep_days" in line)
    assert own.split() == ["local", f"{project.path}/.dvcx/config.local.toml", "trash.keep_days=7"]
    assert next(line for line in lines if "core.durability" in line).split() == ["default", "core.durability=full"]
    found = {each["key"]: each for each in project.json("config")}
    assert found["trash.keep_days"]["level"] == "local" and found["core.durability"]["level"] == "default"
    assert [each["key"] for each in project.json("config", "--local")] == ["trash.keep_days"]


def test_a_default_remote_that_is_not_set_up_is_told(project: Project) -> None:
    project.dvcx("remote", "add", "store", "../store").ok()
    run = project.dvcx("config", "core.remote", "stroe").ok()
    assert "there is no remote called stroe yet: did you mean store?" in run.err
    assert "dvcx remote add cloud URL" in project.dvcx("config", "--local", "core.remote", "cloud").ok().err
    assert "warning" not in project.dvcx("config", "core.remote", "store").ok().err
    assert "warning" not in project.dvcx("config", "--global", "core.remote", "elsewhere").ok().err


def test_comments_in_the_file_stay(project: Project) -> None:
    file = project.path / ".dvcx/config.toml"
    file.write_text(file.read_text() + "\n# why: the disk is slow\n[cache]\ntype = ['copy'] # only this\n")
    project.dvcx("config", "core.durability", "fast").ok()
    assert "# why: the disk is slow" in file.read_text() and "# only this" in file.read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["core.remot"], "did you mean core.remote?"),
        (["core.lock_timeout", "soon"], "it takes a number"),
        (["core.hash", "sha256"], "cannot change"),
        (["--unset", "core.hash"], "cannot change"),
        (["--unset", "core.remote"], "is not set"),
        (["--global", "--local", "core.remote", "x"], "two different files"),
        (["--list", "core.remote"], "takes no name"),
        (["--unset"], "takes the name"),
        (["remote.store.password", "x"], "--local"),
    ],
)
def test_what_cannot_work_says_what_can(project: Project, words: list[str], said: str) -> None:
    before = project.read(".dvcx/config.toml")
    run = project.dvcx("config", *words)
    assert run.code in (2, 6) and said in run.err
    assert project.read(".dvcx/config.toml") == before


def test_outside_of_projects_only_the_own_configuration_can_be_changed(tmp_path: Path) -> None:
    outside = Project(tmp_path)
    run = outside.dvcx("config", "trash.keep_days", "3")
    assert run.code == 2 and "--global" in run.err
    outside.dvcx("config", "--global", "trash.keep_days", "3").ok()
    assert outside.dvcx("config", "trash.keep_days").ok().lines == ["3"]


def test_the_project_s_file_is_changed_from_a_subfolder(project: Project) -> None:
    (project.path / "a/b").mkdir(parents=True)
    run = project.dvcx("config", "trash.keep_days", "5", cwd="a/b").ok()
    assert os.path.join("..", "..", ".dvcx", "config.toml") in run.err
    assert project.dvcx("-C", str(project.path / "a"), "config", "trash.keep_days", cwd="..").ok().lines == ["5"]


def test_secrets_are_never_shown(project: Project) -> None:
    project.dvcx("remote", "add", "store", "s3://bucket/x").ok()
    project.dvcx("config", "--local", "remote.store.secret", "hunter2-hunter2").ok()
    for words in (
        ("config", "-l"),
        ("config", "remote.store.secret"),
        ("config", "-l", "--json"),
        ("remote", "list"),
        ("remote", "list", "--json"),
        ("doctor", "--json"),
        ("config", "--local", "remote.store.secret", "hunter2-hunter2"),
    ):
        run = project.dvcx(*words).ok()
        assert "hunter2" not in run.out + run.err
    assert (project.path / ".dvcx/config.local.toml").stat().st_mode & 0o077 == 0


def test_projects_without_git_have_settings_too(plain_project: Project) -> None:
    plain_project.dvcx("config", "trash.keep_days", "5").ok()
    plain_project.dvcx("config", "--local", "trash.keep_days", "6").ok()
    assert plain_project.dvcx("config", "trash.keep_days").ok().lines == ["6"]
