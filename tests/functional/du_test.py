from __future__ import annotations

from pathlib import Path

from tests.project import Project

FILES = {"data/a": "x" * 1000, "data/sub/b": "x" * 1000, "data/sub/c": "y" * 24, "model.bin": "z" * 70_000}


def test_each_entry_has_its_size_and_the_sum_comes_last(project: Project) -> None:
    project.add(FILES)
    run = project.dvcx("du").ok()
    assert [line.split() for line in run.lines] == [
        ["2.0", "KiB", "3", "files", "data/"],
        ["68.4", "KiB", "model.bin"],
        ["70.3", "KiB", "4", "files", "total"],
    ]
    assert [line.split()[-1] for line in project.dvcx("du", "data").ok().lines] == ["a", "sub/", "total"]
    assert len(project.dvcx("du", "-s", "data").ok().lines) == 1


def test_content_that_stands_in_two_places_counts_once_in_what_is_stored(project: Project) -> None:
    project.add(FILES)
    found = project.json("du")
    assert (found["size"], found["files"]) == (72_024, 4)
    assert (found["distinct_size"], found["distinct_files"]) == (71_024, 3)
    assert found["cached_size"] == 71_024 and 0 < found["stored_size"] <= 71_024
    assert "1000 B of it stands in several places" in project.dvcx("du").err


def test_another_revision_and_a_file_are_summed_up(project: Project) -> None:
    project.save(FILES, tag="v1")
    project.write("model.bin", "small")
    project.dvcx("add", "model.bin").ok()
    assert project.json("du", "model.bin")["size"] == 5
    assert project.json("du", "--rev", "v1", "model.bin")["size"] == 70_000
    assert project.json("du", "data/sub/c")["size"] == 24


def test_what_is_not_known_is_counted_by_its_pointer(project: Project, tmp_path: Path) -> None:
    project.save(FILES)
    project.dvcx("remote", "add", "-d", "store", str(tmp_path / "store")).ok()
    project.commit(message="remote")
    project.dvcx("push").ok()
    clone = project.clone(tmp_path / "clone")
    run = clone.dvcx("du")
    assert run.code == 4 and run.lines[-1].split() == ["70.3", "KiB", "4", "files", "total"]
    found = clone.json("du", "-r", "store")
    assert (found["distinct_size"], found["cached_size"], found["unread"]) == (71_024, 0, [])


def test_a_path_that_is_not_tracked_is_an_error(project: Project) -> None:
    assert project.dvcx("du", "nope").code == 2
    assert project.dvcx("du").ok().lines == ["0 B  0 files  total"]
