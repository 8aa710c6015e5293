from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from dvcx.formats.pointer_text import parse_pointer
from tests.functional.get_test import FILES, address, source  # noqa: F401 - a fixture
from tests.project import Project


@pytest.fixture
def target(tmp_path: Path) -> Project:
    """A project that takes data from another one."""
    return Project.make(tmp_path / "target")


def origin(target: Project, name: str) -> dict[str, Any]:
    return dict(parse_pointer(target.read(f"{name}.dvcx"), name).source or {})


def test_the_pointer_remembers_where_the_data_came_from(source: Project, target: Project) -> None:  # noqa: F811
    target.dvcx("import", address(source), "data", "--rev", "v1").ok()
    assert target.read("data/a.txt") == b"one\n" and target.read("data/big.bin") == b"b" * 200_000
    assert origin(target, "data") == {
        "repo": address(source),
        "path": "data",
        "rev": "v1",
        "commit": source.git("rev-parse", "v1"),
    }
    assert "/data\n" in target.read(".gitignore").decode()
    assert target.dvcx("status", "--exit-code").code == 0
    there = parse_pointer(source.git("show", "v1:data.dvcx").encode() + b"\n", "data.dvcx")
    assert parse_pointer(target.read("data.dvcx"), "data.dvcx").id == there.id


def test_a_part_of_a_folder_under_another_name(source: Project, target: Project) -> None:  # noqa: F811
    result = target.json("import", "../project", "data/sub", "-o", "raw/part", "--desc", "a part")
    assert target.read("raw/part/b.txt") == b"two\n"
    assert (result["path"], result["files"], result["change"]) == ("raw/part", 1, "added")
    assert origin(target, "raw/part")["repo"] == "../project", "a folder is remembered as it was typed"
    assert "a part" in target.read("raw/part.dvcx").decode()
    target.dvcx("import", address(source), "params.yaml").ok()
    assert target.read("params.yaml") == b"lr: 1\n"


def test_imported_data_is_pushed_and_pulled_like_any_other(
    source: Project,  # noqa: F811
    target: Project,
    tmp_path: Path,
) -> None:
    use_folder = tmp_path / "target-store"
    target.dvcx("remote", "add", "-d", "own", str(use_folder)).ok()
    target.dvcx("import", address(source), "data").ok()
    target.commit(message="imported")
    target.dvcx("push").ok()
    source.path.rename(tmp_path / "gone")
    clone = target.clone(tmp_path / "clone")
    clone.dvcx("pull").ok()
    assert clone.read("data/a.txt") == b"two\n"


def test_what_is_in_the_way_is_refused(source: Project, target: Project) -> None:  # noqa: F811
    target.write("data", "mine")
    run = target.dvcx("import", address(source), "data")
    assert run.code == 6 and target.read("data") == b"mine" and not (target.path / "data.dvcx").exists()
    target.dvcx("import", "-f", address(source), "data").ok()
    assert target.read("data/a.txt") == b"two\n"
    again = target.dvcx("import", address(source), "data")
    assert again.code == 6 and "dvcx update data" in again.err
    inside = target.dvcx("import", address(source), "params.yaml", "-o", "data/params.yaml")
    assert inside.code == 6 and "another name: `--out PATH`" in inside.err
    assert target.dvcx("import", address(source), ".").code == 2


def test_one_undo_takes_a_new_import_back(source: Project, target: Project) -> None:  # noqa: F811
    target.commit(message="before")
    target.dvcx("import", address(source), "data").ok()
    target.dvcx("undo").ok()
    assert not (target.path / "data.dvcx").exists()


def test_without_a_download_only_the_pointer_is_written(source: Project, target: Project) -> None:  # noqa: F811
    run = target.dvcx("import", "--no-download", address(source), "data").ok()
    assert (target.path / "data.dvcx").exists() and not (target.path / "data").exists()
    assert "dvcx update data" in run.err
    target.dvcx("update", "data").ok()
    assert target.read("data/a.txt") == b"two\n"


def test_two_kinds_of_names_do_not_mix(source: Project, tmp_path: Path) -> None:  # noqa: F811
    other = Project.make(tmp_path / "other", "--hash", "sha256")
    run = other.dvcx("import", address(source), "data")
    assert run.code == 6 and "sha256" in run.err and "dvcx get" in run.err


def test_update_takes_what_is_new(source: Project, target: Project) -> None:  # noqa: F811
    target.dvcx("import", address(source), "data").ok()
    target.commit(message="imported")
    assert target.json("update", "--check")["outputs"][0]["change"] == "unchanged"
    source.write("data/new.txt", "new\n")
    source.save({"data/a.txt": "three\n"}, "data")
    source.dvcx("push").ok()
    check = target.dvcx("update", "--check", "--json")
    (found,) = check.json["outputs"]
    assert (check.code, found["change"]) == (1, "outdated")
    assert [(file["change"], file["path"], file["old_size"], file["new_size"]) for file in found["files"]] == [
        ("modified", "data/a.txt", 4, 6),
        ("added", "data/new.txt", None, 4),
    ]
    assert target.read("data/a.txt") == b"two\n" and not target.git("status", "--porcelain")
    shown = target.dvcx("update", "--check").out
    assert "1 file added, 1 file modified" in shown and "    added    data/new.txt" in shown
    target.dvcx("update").ok()
    assert (target.read("data/a.txt"), target.read("data/new.txt")) == (b"three\n", b"new\n")
    assert origin(target, "data")["commit"] == source.head()
    assert target.json("update")["outputs"][0]["change"] == "unchanged"


def test_update_moves_to_another_revision(source: Project, target: Project) -> None:  # noqa: F811
    target.dvcx("import", address(source), "data").ok()
    target.dvcx("update", "--rev", "v1", "data").ok()
    assert target.read("data/a.txt") == b"one\n" and origin(target, "data")["rev"] == "v1"
    assert target.json("update")["outputs"][0]["change"] == "unchanged", "a tag stays where it is"


def test_update_loses_nothing_that_nobody_saved(source: Project, target: Project) -> None:  # noqa: F811
    target.dvcx("import", address(source), "data", "--rev", "v1").ok()
    before = target.read("data.dvcx")
    target.write("data/a.txt", "edited")
    run = target.dvcx("update", "--rev", "v2", "data")
    assert run.code == 6 and "data/a.txt" in run.err
    assert (target.read("data/a.txt"), target.read("data.dvcx")) == (b"edited", before)
    target.dvcx("update", "--force", "--rev", "v2", "data").ok()
    assert target.read("data/a.txt") == b"two\n"


def test_only_imported_data_can_be_updated(source: Project, target: Project) -> None:  # noqa: F811
    target.add({"own": "mine"})
    assert target.dvcx("update", "own").code == 2
    run = target.dvcx("update").ok()
    assert "no data here was imported" in run.err


def test_one_source_that_is_gone_does_not_keep_the_others_back(
    source: Project,  # noqa: F811
    target: Project,
    tmp_path: Path,
) -> None:
    shutil.copytree(source.path, tmp_path / "second", symlinks=True)
    target.dvcx("import", "../second", "data/sub", "-o", "a-part").ok()
    target.dvcx("import", address(source), "data").ok()
    shutil.rmtree(tmp_path / "second")
    source.save({"data/a.txt": "three\n"}, "data")
    source.dvcx("push").ok()
    run = target.dvcx("update")
    assert run.code == 4 and "a-part" in run.err and target.read("data/a.txt") == b"three\n"
