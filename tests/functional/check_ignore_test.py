from __future__ import annotations

import pytest

from tests.project import Project


@pytest.fixture
def ignoring(project: Project) -> Project:
    """A project that leaves out `*.log`, except `keep.log`, and the folder `data/tmp`."""
    project.write(".dvcxignore", "# comment\n*.log\n!keep.log\n")
    project.write("data/.dvcxignore", "tmp/\n")
    return project


def test_ignored_paths_are_printed_and_decide_the_exit_code(ignoring: Project) -> None:
    run = ignoring.dvcx("check-ignore", "data/a.log", "data/b", "data/keep.log", "data/tmp/")
    assert (run.code, run.lines) == (0, ["data/a.log", "data/tmp/"])
    assert ignoring.dvcx("check-ignore", "data/b", "data/tmp").code == 1
    (ignoring.path / "data/tmp").mkdir()
    assert ignoring.dvcx("check-ignore", "data/tmp", "data/tmp/deep/x").lines == ["data/tmp", "data/tmp/deep/x"]


def test_details_name_the_line(ignoring: Project) -> None:
    run = ignoring.dvcx("check-ignore", "-d", "-n", "data/a.log", "data/b", "data/tmp/x")
    assert run.lines == [".dvcxignore:2:*.log  data/a.log", "::  data/b", "data/.dvcxignore:1:tmp/  data/tmp/x"]
    (found,) = ignoring.json("check-ignore", "data/a.log")
    assert found == {"path": "data/a.log", "ignored": True, "file": ".dvcxignore", "line": 2, "pattern": "*.log"}


def test_paths_come_from_stdin_and_count_from_the_current_folder(ignoring: Project) -> None:
    run = ignoring.dvcx("check-ignore", "--stdin", stdin="a.log\nb\n\ntmp/x\n", cwd="data")
    assert (run.code, run.lines) == (0, ["a.log", "tmp/x"])


def test_pointer_files_are_paths_like_others(ignoring: Project) -> None:
    ignoring.write(".dvcxignore", "x.dvcx\n")
    assert ignoring.dvcx("check-ignore", "x.dvcx", "x").lines == ["x.dvcx"]


def test_what_cannot_work_is_a_usage_error(ignoring: Project) -> None:
    for words in ((), ("--stdin", "a"), ("-n", "a"), ("/etc/passwd",), ("../x",)):
        assert ignoring.dvcx("check-ignore", *words).code == 2


def test_it_agrees_with_what_add_leaves_out(ignoring: Project) -> None:
    ignoring.add({"data/a.log": "1", "data/keep.log": "2", "data/tmp/x": "3", "data/b": "4"})
    added = ignoring.dvcx("ls", "-R", "data").ok().lines
    ignored = ignoring.dvcx("check-ignore", "data/a.log", "data/keep.log", "data/tmp/x", "data/b").lines
    assert (added, ignored) == ([".dvcxignore", "b", "keep.log"], ["data/a.log", "data/tmp/x"])
