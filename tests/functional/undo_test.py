from __future__ import annotations

from pathlib import Path

from tests.project import Project


def test_a_forced_checkout_over_unsaved_work_is_taken_back(project: Project) -> None:
    project.save({"data/a": "one"})
    project.write("data/a", "nobody has this")
    project.dvcx("checkout", "--force").ok()
    assert project.read("data/a") == b"one"
    result = project.json("undo")
    assert (result["operation"], result["restored"], result["left"]) == ("checkout", ["data/a"], [])
    assert project.read("data/a") == b"nobody has this"


def test_an_edit_that_only_a_refused_command_stored_can_be_brought_back(project: Project) -> None:
    project.save({"data/a": "one"})
    project.write("data.dvcx", project.read("data.dvcx") + b"frozen: true\n")
    project.write("data/a", "nobody can find this in the cache")
    assert project.dvcx("commit").code == 6
    project.dvcx("checkout").ok()
    assert project.read("data/a") == b"one"
    project.dvcx("undo").ok()
    assert project.read("data/a") == b"nobody can find this in the cache"


def test_a_second_undo_takes_the_first_one_back(project: Project) -> None:
    project.save({"data/a": "one"})
    project.write("data/a", "nobody has this")
    project.dvcx("checkout", "--force").ok()
    project.dvcx("undo").ok()
    project.dvcx("undo").ok()
    assert project.read("data/a") == b"one"


def test_an_undone_add_leaves_files_that_no_checkout_drops(project: Project) -> None:
    project.save({"model": "m"})
    project.add({"data/a": "one"})
    project.dvcx("undo").ok()
    assert not (project.path / "data.dvcx").exists()
    project.dvcx("checkout").ok()
    assert project.read("data/a") == b"one"


def test_an_undone_add_over_a_changed_file_leaves_the_change_as_unsaved_work(project: Project) -> None:
    project.save({"data/a": "one"})
    project.add({"data/a": "two"})
    project.dvcx("undo").ok()
    (output,) = project.json("status")["outputs"]
    assert [change["path"] for change in output["changes"]] == ["data/a"]


def test_the_list_shows_the_newest_first_and_any_entry_can_be_named(project: Project) -> None:
    project.save({"model": "m", "data/a": "one"})
    project.dvcx("remove", "--outs", "model").ok()
    project.dvcx("move", "data", "d2").ok()
    listed = project.json("undo", "--list")
    assert [entry["operation"] for entry in listed["entries"]] == ["move", "remove", "add"]
    removal = listed["entries"][1]
    assert (removal["bytes"], removal["here"], "model" in removal["names"]) == (1, True, True)
    assert removal["id"] in project.dvcx("undo", "--list").out

    project.dvcx("undo", removal["id"]).ok()

    assert project.read("model") == b"m"
    assert project.read("d2/a") == b"one"


def test_nothing_to_undo_and_an_unknown_entry_are_told(project: Project) -> None:
    for words in ([], ["20260101T000000.000000-add-00000000"], ["../../etc"]):
        run = project.dvcx("undo", *words)
        assert (run.code, "error:" in run.err) == (4, True), words
    assert project.json("undo", "--list")["entries"] == []
    assert project.dvcx("undo", "--list", "x").code == 2


def test_each_worktree_undoes_its_own_work(project: Project, tmp_path: Path) -> None:
    project.save({"model": "m"})
    other = tmp_path / "other"
    project.git("worktree", "add", "--quiet", str(other))
    second = Project(other)
    second.dvcx("checkout").ok()
    second.dvcx("move", "model", "m2").ok()
    project.dvcx("remove", "model").ok()
    listed = second.json("undo", "--list")["entries"]
    assert [(entry["operation"], entry["here"]) for entry in listed] == [
        ("remove", False),
        ("move", True),
        ("add", False),
    ]
    second.dvcx("undo").ok()
    assert second.read("model") == b"m"
    assert not (project.path / "model.dvcx").exists()


def test_undoing_an_undo_tells_what_went_away_again_and_names_each_path_once(project: Project) -> None:
    project.save({"data/a": "one", "data/b": "two"})
    project.dvcx("remove", "--outs", "data").ok()
    for gone in (False, True, False):
        done = project.json("undo")
        assert sorted(done["removed" if gone else "restored"]) == [".gitignore", "data", "data.dvcx"]
        assert done["restored" if gone else "removed"] == []
        assert (project.path / "data").exists() is not gone
    project.write("data/a", "mine")
    project.dvcx("checkout", "--force").ok()
    for _ in range(3):
        assert project.dvcx("undo").ok().lines == ["restored data/a"]


def test_what_cannot_be_restored_is_named_and_stays_in_the_trash(project: Project) -> None:
    project.save({"deep/model": "m"}, "deep/model")
    project.dvcx("remove", "--outs", "deep/model").ok()
    (project.path / "deep").rename(project.path / "elsewhere")
    (project.path / "deep").symlink_to("elsewhere")
    run = project.dvcx("undo", "--json")
    assert run.code in (4, 0)
    assert list((project.path / "elsewhere").glob("model")) == []  # never through a link


def test_it_works_without_git(plain_project: Project) -> None:
    plain_project.add({"data/a": "one"})
    plain_project.dvcx("remove", "--outs", "data").ok()
    plain_project.dvcx("undo").ok()
    assert plain_project.files("data") == {"a": b"one"}
