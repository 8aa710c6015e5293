from __future__ import annotations

from tests.project import Project


def test_added_without_a_checkout_the_pointer_names_what_is_here_and_says_so(project: Project) -> None:
    project.save({"data/same": "same", "data/deleted": "gone"}, tag="v1")
    (project.path / "data/deleted").unlink()
    project.save({"data/new": "new"}, "data")
    project.git("checkout", "-q", "v1")
    run = project.dvcx("add", "data").ok()
    assert "data had not been checked out since its pointer changed" in run.err and "2 files" in run.err
    assert [entry["path"] for entry in project.json("ls", "-R", "data")["entries"]] == ["data/new", "data/same"]
    assert project.dvcx("status", "--exit-code").code == 0
    project.dvcx("undo").ok()
    project.dvcx("checkout").ok()
    assert "data/deleted" in {f"data/{name}" for name in project.files("data")}


def test_adding_one_file_leaves_what_another_revision_brought(project: Project) -> None:
    project.save({"data/a": "one", "data/b": "one", "data/c": "only in v1"}, tag="v1")
    (project.path / "data/c").unlink()
    project.save({"data/b": "two, longer"}, "data")
    project.git("checkout", "-q", "v1")
    project.write("data/a", "my edit")
    assert "checked out since" not in project.dvcx("add", "data/a").ok().err
    (output,) = project.json("status")["outputs"]
    assert (output["state"], [change["path"] for change in output["outdated"]]) == ("outdated", ["data/b", "data/c"])
    project.dvcx("checkout").ok()
    assert project.files("data") == {"a": b"my edit", "b": b"one", "c": b"only in v1"}


def test_a_move_and_a_remove_inside_leave_what_another_revision_brought(project: Project) -> None:
    project.save({"data/a": "one", "data/b": "one", "data/c": "only in v1", "data/d": "d"}, tag="v1")
    (project.path / "data/c").unlink()
    project.save({"data/b": "two, longer"}, "data")
    project.git("checkout", "-q", "v1")
    project.dvcx("move", "data/a", "data/moved").ok()
    project.dvcx("remove", "data/d").ok()
    (output,) = project.json("status")["outputs"]
    assert (output["state"], [change["path"] for change in output["outdated"]]) == ("outdated", ["data/b", "data/c"])
    project.dvcx("checkout").ok()
    assert project.files("data") == {"moved": b"one", "b": b"one", "c": b"only in v1"}


def test_what_git_has_to_take_in_is_told_from_where_the_user_stands_and_only_with_git(
    project: Project, plain_project: Project
) -> None:
    project.write("sub/data/a", "one")
    run = project.dvcx("add", "data", cwd="sub").ok()
    assert run.err == "next: git add .gitignore data.dvcx\n"
    project.git("add", "-A")
    assert project.dvcx("move", "data", "other", cwd="sub").err == (
        "next: git add -A -- .gitignore data.dvcx other.dvcx\n"
    )
    for words in (["add", "data"], ["commit"], ["move", "data", "other"], ["remove", "other"]):
        plain_project.write("data/a", words[0])
        assert "git" not in plain_project.dvcx(*words).ok().err


def test_names_that_differ_in_case_only_are_refused_with_both_choices(project: Project) -> None:
    project.write("data/a", "one")
    project.write("data/A", "two")
    run = project.dvcx("add", "data")
    assert run.code == 6
    assert "rename one of them" in run.err and "`dvcx config core.portable_names false`" in run.err
    project.dvcx("config", "core.portable_names", "false").ok()
    project.dvcx("add", "data").ok()


def test_a_new_note_is_told_as_such_and_bytes_are_stored_once(project: Project) -> None:
    project.write("data/a", b"one")
    first = project.dvcx("add", "--no-commit", "--desc", "cats", "data").ok()
    assert first.out.startswith("added") and "dvcx commit: store the bytes" in first.err
    again = project.dvcx("add", "--desc", "dogs", "data").ok()
    assert again.out.startswith("described data") and "git add data.dvcx" in again.err
    assert "store the bytes" not in again.err
    noted = project.dvcx("add", "--no-commit", "--desc", "birds", "data").ok()
    assert noted.out.startswith("described data") and "store the bytes" not in noted.err, "they are stored already"
    same = project.dvcx("add", "--no-commit", "--desc", "birds", "data").ok()
    assert same.out.startswith("unchanged data") and same.err == ""
    project.write("data/b", b"two")
    assert "store the bytes" in project.dvcx("add", "--no-commit", "data/b").ok().err
