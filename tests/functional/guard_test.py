from __future__ import annotations

import pytest

from dvcx.base.errors import UsageError
from dvcx.cli.sizes import parse_size
from tests.functional.arranging import configure
from tests.project import Project


def test_large_binary_and_tracked_files_are_named(project: Project) -> None:
    project.save({"data/a": "1"})
    project.write("large.txt", "x" * 6_000_000)
    project.write("binary.png", b"\0" * 600_000)
    project.write("text.txt", "x" * 600_000)
    project.git("add", "large.txt", "binary.png", "text.txt")
    project.git("add", "--force", "data/a")
    run = project.dvcx("guard", "--json")
    assert run.code == 6
    assert {each["path"]: each["why"] for each in run.json["files"]} == {
        "binary.png": "binary",
        "data/a": "tracked",
        "large.txt": "large",
    }
    assert "git rm --cached" in run.err


def test_limits_come_from_options_and_settings(project: Project) -> None:
    project.write("a.txt", "x" * 2000)
    project.git("add", "a.txt")
    project.dvcx("guard").ok()
    assert project.dvcx("guard", "--limit", "1KiB").code == 6
    configure(project, "[git]\nguard_limit = 1000\nguard_binary_limit = 0\n")
    project.write("b.txt", "x" * 2000)
    project.write("b.bin", b"\0" * 700)
    project.git("add", "b.txt", "b.bin")
    run = project.dvcx("guard")
    assert run.code == 6 and "b.txt" in run.err and "b.bin" not in run.err
    project.dvcx("guard", "--limit", "0").ok()


def test_patterns_let_files_pass(project: Project) -> None:
    configure(project, '[git]\nguard_allow = ["docs/**/*.png"]\n')
    for name in ("docs/in/a.png", "b.png"):
        project.write(name, b"\0" * 600_000)
    project.git("add", "docs", "b.png")
    assert [each["path"] for each in project.dvcx("guard", "--json").json["files"]] == ["b.png"]


def test_before_the_first_commit_all_files_are_looked_at(tmp_path: object, project: Project) -> None:
    project.git("checkout", "--quiet", "--orphan", "new")
    assert project.json("guard")["looked_at"] == 4


@pytest.mark.parametrize(
    ("text", "size"), [("0", 0), ("500", 500), ("1KiB", 1024), ("1.5 M", 1_572_864), ("2gb", 2_147_483_648)]
)
def test_sizes_as_people_type_them(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "five", "-1", "1 parsec", "1" * 40])
def test_what_is_no_size_is_told(text: str) -> None:
    with pytest.raises(UsageError):
        parse_size(text)
