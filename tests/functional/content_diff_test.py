from __future__ import annotations

from pathlib import Path

import pytest

from tests.functional.arranging import use_store
from tests.project import Project


def test_tables_are_compared_between_revisions_and_with_the_workspace(project: Project) -> None:
    project.save({"data/t.csv": "id,x\n1,a\n2,b\n", "data/other.txt": "1", "m.jsonl": '{"a": 1}\n'}, tag="v1")
    project.save({"data/t.csv": "id,x\n1,a\n2,c\n", "data/other.txt": "2"}, "data", tag="v2")
    run = project.dvcx("diff", "--content", "--key", "id", "v1", "v2").ok()
    assert "content of data/t.csv  (2 -> 2 rows)" in run.out
    assert "rows: 1 changed" in run.out and "~ id=2: x b -> c" in run.out
    project.write("data/t.csv", "id,x\n1,a\n2,c\n3,d\n")
    tables = project.json("diff", "--content")["tables"]
    assert [(each["path"], each["rows_added"]) for each in tables] == [("data/t.csv", 1)]
    assert project.json("diff")["tables"] is None


def test_cells_cannot_act_on_the_terminal(project: Project) -> None:
    project.save({"t.csv": "x\n1\n"})
    project.write("t.csv", "x\n\x1b[2Jboo\n")
    run = project.dvcx("diff", "--content").ok()
    assert "boo" in run.out and "\x1b" not in run.out


def test_versions_that_are_not_here_are_told(project: Project, tmp_path: Path) -> None:
    use_store(project)
    project.save({"data/t.csv": "x\n1\n"}, tag="v1")
    project.save({"data/t.csv": "x\n2\n"}, "data")
    project.dvcx("push", "--all-commits").ok()
    clone = project.clone(tmp_path / "clone")
    clone.dvcx("pull").ok()
    run = clone.dvcx("diff", "--content", "-r", "store", "v1", "HEAD").ok()
    assert "not compared" in run.out and "fetch --all-commits" in run.out


def test_where_nothing_is_a_table_that_is_said(project: Project) -> None:
    project.save({"a.txt": "1"})
    project.write("a.txt", "2")
    assert "no table was modified" in project.dvcx("diff", "--content").ok().err


def test_without_polars_the_error_says_what_to_install(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    project.save({"t.csv": "x\n1\n"})
    monkeypatch.setitem(sys.modules, "polars", None)
    run = project.dvcx("diff", "--content")
    assert run.code == 2 and "git-dvcx[content]" in run.err
