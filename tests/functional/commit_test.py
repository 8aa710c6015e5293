from __future__ import annotations

import pytest

from tests.functional.arranging import use_store
from tests.project import Project


def outputs(result: dict[str, object]) -> dict[str, str]:
    listed = result["outputs"]
    assert isinstance(listed, list)
    return {each["path"]: each["change"] for each in listed}


def test_content_that_add_left_out_is_stored(project: Project) -> None:
    project.write("data/a", "one")
    project.write("data/big", b"x" * 100_000)
    project.dvcx("add", "--no-commit", "data").ok()
    assert project.json("status")["outputs"][0]["not_cached"] == ["data/a", "data/big"]
    pointer = project.read("data.dvcx")

    assert outputs(project.json("commit")) == {"data": "stored"}

    assert project.read("data.dvcx") == pointer
    assert project.json("status")["outputs"][0]["not_cached"] == []
    (project.path / "data/a").unlink()
    (project.path / "data/big").unlink()
    project.dvcx("checkout").ok()
    assert project.files("data") == {"a": b"one", "big": b"x" * 100_000}


def test_what_changed_since_an_add_that_stored_nothing_is_known_file_by_file(project: Project) -> None:
    project.write("data/a", "one")
    project.write("data/b", "one")
    project.dvcx("add", "--no-commit", "data").ok()
    project.write("data/a", "two")
    (output,) = project.json("status")["outputs"]
    assert [(change["change"], change["path"]) for change in output["changes"]] == [("modified", "data/a")]


def test_edits_are_taken_in_and_what_has_not_changed_stays(project: Project) -> None:
    project.save({"data/a": "one", "model": "m"})
    project.write("data/a", "two")
    result = project.json("commit")
    assert outputs(result) == {"data": "updated", "model": "unchanged"}
    assert result["changed_files"] == ["data.dvcx"]
    project.write("data/a", "three")
    project.dvcx("checkout", "--force").ok()
    assert project.read("data/a") == b"two"


def test_only_the_named_file_of_a_folder_is_taken_in(project: Project) -> None:
    project.save({"data/a": "one", "data/b": "one"})
    project.write("data/a", "two")
    project.write("data/b", "two")
    project.dvcx("commit", "data/a").ok()
    (output,) = project.json("status")["outputs"]
    assert [change["path"] for change in output["changes"]] == ["data/b"]


def test_data_that_is_not_here_is_passed_over_and_its_pointer_stays(project: Project) -> None:
    project.save({"data/a": "one", "model": "m"})
    (project.path / "model").unlink()
    pointer = project.read("model.dvcx")
    result = project.json("commit")
    assert (result["absent"], outputs(result)) == (["model"], {"data": "unchanged"})
    assert project.read("model.dvcx") == pointer


@pytest.mark.parametrize("path", ["model", "data/a"])
def test_a_named_path_that_is_not_here_is_an_error_that_names_the_choices(project: Project, path: str) -> None:
    project.save({"data/a": "one", "data/b": "one", "model": "m"})
    (project.path / path).unlink()
    pointer = project.read("data.dvcx")
    run = project.dvcx("commit", path)
    assert run.code == 2
    assert f"dvcx remove {path}" in run.err
    assert project.read("data.dvcx") == pointer


def test_untracked_files_are_not_taken_in(project: Project) -> None:
    project.save({"model": "m"})
    project.write("other", "o")
    assert project.dvcx("commit", "other").code == 2
    assert outputs(project.json("commit")) == {"model": "unchanged"}


def test_files_that_were_never_fetched_stay_in_the_folder(project: Project) -> None:
    use_store(project)
    project.save({"data/a": "one", "data/b": "two"})
    project.dvcx("push").ok()
    clone = project.clone(project.path.parent / "clone")
    clone.dvcx("pull", "data/a").ok()
    clone.write("data/a", "changed")
    clone.dvcx("add", "--no-commit", "data").ok()
    clone.write("data/a", "changed again")

    (output,) = clone.json("commit")["outputs"]

    assert (output["change"], output["files"], output["unfetched"]) == ("updated", 2, 1)


def test_frozen_data_that_changed_needs_force(project: Project) -> None:
    project.save({"data/a": "one", "model": "m"})
    frozen = project.read("data.dvcx") + b"frozen: true\n"
    project.write("data.dvcx", frozen)
    assert outputs(project.json("commit")) == {"data": "unchanged", "model": "unchanged"}
    project.write("data/a", "two")
    project.write("model", "n")
    for words in (["commit"], ["add", "data/a"], ["remove", "data/a"]):
        run = project.dvcx(*words)
        assert (run.code, "frozen" in run.err) == (6, True), words
    assert project.read("data.dvcx") == frozen
    assert project.read("data/a") == b"two"
    assert outputs(project.json("commit", "--force")) == {"data": "updated", "model": "updated"}


def test_an_undo_takes_the_pointers_back(project: Project) -> None:
    project.save({"data/a": "one"})
    project.write("data/a", "two")
    before = project.read("data.dvcx")
    project.dvcx("commit").ok()
    project.dvcx("undo").ok()
    assert project.read("data.dvcx") == before
    assert project.read("data/a") == b"two"


def test_it_works_without_git_and_in_a_project_in_a_subfolder(plain_project: Project, project: Project) -> None:
    (project.path / "sub").mkdir()
    project.dvcx("init", "--subdir", cwd="sub").ok()
    project.write("sub/model", "m")
    project.dvcx("add", "model", cwd="sub").ok()
    project.write("sub/model", "n")
    assert outputs(project.json("commit", "model", cwd="sub")) == {"model": "updated"}

    plain_project.add({"model": "m"})
    plain_project.write("model", "n")
    assert outputs(plain_project.json("commit")) == {"model": "updated"}


def test_an_ignore_line_that_a_killed_add_did_not_write_comes_with_the_next_one(project: Project) -> None:
    project.save({"model": "m"})
    (project.path / ".gitignore").unlink()
    project.dvcx("commit").ok()
    assert project.read(".gitignore") == b"/model\n"


def test_an_ignore_line_of_the_user_s_own_is_left_to_do_its_work(project: Project) -> None:
    project.save({"model": "m"})
    project.write(".gitignore", "mod*\n!*.dvcx\n")
    project.write("model", "n")
    project.dvcx("commit").ok()
    assert project.read(".gitignore") == b"mod*\n!*.dvcx\n"
