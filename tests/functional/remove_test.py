from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.functional.arranging import configure, edit_in_place, loose_files, use_store
from tests.project import Project
from tests.sudden_end import kill_at_every_step


def removed(result: dict[str, object]) -> dict[str, str]:
    listed = result["removed"]
    assert isinstance(listed, list)
    return {each["path"]: each["data"] for each in listed}


def test_the_data_stays_and_pointer_and_ignore_line_go(project: Project) -> None:
    project.save({"data/a": "one", "model": "m"})
    result = project.json("remove", "model")
    assert removed(result) == {"model": "kept"}
    assert result["changed_files"] == [".gitignore", "model.dvcx"]
    own = {name: project.read(name) for name in (".dvcxignore", ".gitattributes", "data.dvcx")}
    assert project.files() == own | {".gitignore": b"/data\n", "data/a": b"one", "model": b"m"}
    assert project.git("status", "--porcelain") == " M .gitignore\n D model.dvcx\n?? model"
    # A checkout must not take what stays for something of its own.
    project.dvcx("checkout").ok()
    assert project.read("model") == b"m"


def test_what_git_never_knew_is_not_named_for_git_add(project: Project) -> None:
    project.save({"data": "d"})
    project.write("model", "m")
    project.dvcx("add", "model").ok()
    run = project.dvcx("remove", "model").ok()
    assert "next: git add .gitignore\n" in run.err


def test_with_outs_the_data_goes_to_the_trash_and_undo_brings_all_of_it_back(project: Project) -> None:
    project.save({"data/a": "one", "data/deep/b": "two"})
    project.write("data/unsaved", "nobody has this")
    before = project.files()
    assert removed(project.json("remove", "--outs", "data")) == {"data": "trash"}
    assert not (project.path / "data").exists()
    assert not (project.path / "data.dvcx").exists()
    project.dvcx("undo").ok()
    assert project.files() == before


def test_data_that_is_not_here_is_no_obstacle(project: Project) -> None:
    project.save({"model": "m"})
    (project.path / "model").unlink()
    assert removed(project.json("remove", "--outs", "model")) == {"model": "absent"}
    assert not (project.path / "model.dvcx").exists()


def test_a_file_leaves_its_tracked_folder_and_goes_to_the_trash(project: Project) -> None:
    project.save({"data/a": "one", "data/deep/b": "two", "data/deep/c": "three"})
    before = project.files()
    assert removed(project.json("remove", "data/deep/b")) == {"data/deep/b": "trash"}
    assert project.dvcx("status", "--exit-code").code == 0
    assert project.files("data") == {"a": b"one", "deep/c": b"three"}
    # What is stored says the same as what is here.
    (project.path / "data/deep/c").unlink()
    project.dvcx("checkout").ok()
    assert project.files("data") == {"a": b"one", "deep/c": b"three"}
    project.dvcx("undo").ok()
    assert project.files() == before


def test_a_folder_leaves_its_tracked_folder_with_unsaved_work_in_it(project: Project) -> None:
    project.save({"data/a": "one", "data/deep/b": "two"})
    project.write("data/deep/unsaved", "nobody has this")
    project.dvcx("remove", "data/deep").ok()
    assert project.files("data") == {"a": b"one"}
    assert not (project.path / "data/deep").exists()
    project.dvcx("undo").ok()
    assert project.read("data/deep/unsaved") == b"nobody has this"


def test_the_rest_of_the_folder_need_not_be_here(project: Project) -> None:
    use_store(project)
    project.save({"data/a": "one", "data/deep/b": "two", "data/deep/c": "three"})
    project.dvcx("push").ok()
    clone = project.clone(project.path.parent / "clone")
    clone.dvcx("fetch", "data/a").ok()
    assert removed(clone.json("remove", "data/deep/b")) == {"data/deep/b": "absent"}  # takes the listing of deep

    clone.dvcx("pull").ok()
    assert clone.files("data") == {"a": b"one", "deep/c": b"three"}


def test_several_paths_go_in_one_step_that_one_undo_takes_back(project: Project) -> None:
    project.save({"data/a": "1", "data/b": "2", "data/c": "3", "model": "m", "other/x": "4"})
    before = project.files()
    result = project.json("remove", "--outs", "data/a", "data/b", "data/b", "model", "other/x", "other")
    assert removed(result) == {"data/a": "trash", "data/b": "trash", "model": "trash", "other": "trash"}
    assert project.files("data") == {"c": b"3"}
    project.dvcx("undo").ok()
    assert project.files() == before


def test_what_is_not_tracked_is_an_error_and_nothing_is_removed(project: Project) -> None:
    project.save({"data/a": "one", "model": "m"})
    project.write("data/new", "n")
    before = project.files()
    for path in ("data/new", "modle", "data/no/such"):
        assert project.dvcx("remove", "model", path).code == 2, path
    assert project.files() == before


def test_files_that_were_links_into_the_cache_are_own_copies_afterwards(project: Project) -> None:
    configure(project, '[cache]\ntype = ["symlink", "copy"]\n')
    project.save({"big": b"x" * 100_000, "data/big": b"y" * 100_000})
    assert os.path.islink(project.path / "big")
    project.dvcx("remove", "big", "data").ok()
    for file in loose_files(project):
        file.unlink()
    assert not os.path.islink(project.path / "big")
    assert (project.read("big"), project.read("data/big")) == (b"x" * 100_000, b"y" * 100_000)


def test_a_link_whose_object_is_damaged_stays_and_is_named(project: Project) -> None:
    configure(project, '[cache]\ntype = ["hardlink"]\n')
    project.save({"big": b"x" * 100_000})
    edit_in_place(project.path / "big", b"edited")
    result = project.json("remove", "big")
    assert result["still_linked"] == ["big"]
    assert project.read("big").startswith(b"edited")


def test_a_pointer_that_cannot_be_read_can_go_and_come_back(project: Project) -> None:
    project.save({"model": "m"})
    project.write("model.dvcx", "<<<<<<< ours\n")
    assert removed(project.json("remove", "model")) == {"model": "kept"}
    assert not (project.path / "model.dvcx").exists()
    assert project.read("model") == b"m"
    project.dvcx("undo").ok()
    assert project.read("model.dvcx") == b"<<<<<<< ours\n"


def test_names_that_need_care_come_out_of_gitignore(project: Project) -> None:
    names = ["with space ", "#hash", "!bang", "star*[x]?", "ümlaut", "back\\slash"]
    project.save({f"d/{name}": name for name in names}, *(f"d/{name}" for name in names))
    project.dvcx("remove", *(f"d/{name}" for name in names)).ok()
    assert not (project.path / "d/.gitignore").exists()
    assert project.files("d") == {name: name.encode() for name in names}


def test_it_works_without_git_and_in_a_project_in_a_subfolder(plain_project: Project, project: Project) -> None:
    plain_project.add({"data/a": "one", "data/b": "two"})
    plain_project.dvcx("remove", "data/a").ok()
    assert plain_project.files("data") == {"b": b"two"}
    plain_project.dvcx("remove", "data").ok()
    assert not (plain_project.path / "data.dvcx").exists()

    (project.path / "sub").mkdir()
    project.dvcx("init", "--subdir", cwd="sub").ok()
    project.write("sub/model", "m")
    project.dvcx("add", "model", cwd="sub").ok()
    project.dvcx("remove", "model", cwd="sub").ok()
    assert not (project.path / "sub/.gitignore").exists()


def test_the_objects_of_older_commits_stay(project: Project) -> None:
    project.save({"data/a": "one"}, tag="v1")
    project.dvcx("remove", "--outs", "data").ok()
    project.commit()
    project.git("checkout", "--quiet", "v1")
    project.dvcx("checkout").ok()
    assert project.files("data") == {"a": b"one"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["--outs", "data", "model"], id="whole"),
        pytest.param(["data/deep/b", "model"], id="inside"),
    ],
)
def test_killed_anywhere_the_same_command_finishes_it(tmp_path: Path, words: list[str], stride: int) -> None:
    template = tmp_path / "template"
    Project.make(template / "project").save({"data/a": "one", "data/deep/b": "two", "model": "m"})

    def arrange(place: Path) -> None:
        shutil.copytree(template, place, symlinks=True, dirs_exist_ok=True)

    def remove(place: Path) -> None:
        assert Project(place / "project").dvcx("remove", *words).code == 0

    def check(place: Path) -> None:
        project = Project(place / "project")
        again = project.dvcx("remove", *words)
        assert again.code == 0 or (again.code == 2 and "not" in again.err)
        assert not (project.path / "model.dvcx").exists()
        if "data" in words:
            assert not (project.path / "data").exists()
            assert not (project.path / ".gitignore").exists()
        else:
            assert project.files("data") == {"a": b"one"}
            assert project.dvcx("status", "--exit-code").code == 0
        in_trash = [file.read_bytes() for file in project.own_folder.glob("trash/*/files/**/*") if file.is_file()]
        assert b"two" in in_trash

    assert kill_at_every_step(tmp_path / "runs", arrange, remove, check, stride=stride) > 10
