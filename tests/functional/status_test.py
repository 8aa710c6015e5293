from __future__ import annotations

from pathlib import Path

from tests.functional.arranging import use_store
from tests.project import Project


def test_what_was_just_added_is_clean(project: Project) -> None:
    project.add({"data/a": "one", "data/b": "two"})
    run = project.dvcx("status", "--exit-code")
    assert (run.code, run.out) == (0, "")


def test_a_project_without_git_works_too(plain_project: Project) -> None:
    plain_project.add({"data/a": "one"})
    plain_project.write("data/a", "two")
    (output,) = plain_project.json("status")["outputs"]
    assert (output["state"], [change["path"] for change in output["changes"]]) == ("changed", ["data/a"])


def test_the_program_itself_runs_as_a_process(project: Project) -> None:
    project.add({"data/a": "one"})
    assert project.spawn("status", "--exit-code").code == 0


def test_after_a_git_checkout_the_workspace_is_outdated_not_changed_and_nothing_is_unfetched(project: Project) -> None:
    two_versions(project)
    project.git("checkout", "-q", "v1")
    run = project.dvcx("status", "--exit-code")
    assert (run.code, "fetch" in run.err) == (1, False)
    (output,) = project.json("status")["outputs"]
    assert (output["state"], output["changes"], output["not_fetched"]) == ("outdated", [], 0)
    assert [(c["change"], c["path"]) for c in output["outdated"]] == [
        ("modified", "data/changed"),
        ("added", "data/deleted"),
        ("deleted", "data/new"),
    ]
    project.write("data/mine", "my own")
    project.write("data/same", "my edit")
    (output,) = project.json("status")["outputs"]
    assert (output["state"], len(output["outdated"])) == ("changed", 3)
    assert [(c["change"], c["path"]) for c in output["changes"]] == [("added", "data/mine"), ("modified", "data/same")]


def test_a_folder_that_is_changed_and_outdated_is_not_said_to_be_safe_from_a_checkout(project: Project) -> None:
    two_versions(project)
    project.save({"more": "1"}, tag="v3")
    project.save({"more": "2"})
    project.git("checkout", "-q", "v1", "--", "data.dvcx")
    project.git("checkout", "-q", "v3", "--", "more.dvcx")
    project.write("data/same", "my edit")
    told = project.dvcx("status").err
    assert "next: dvcx checkout --force data: bring" in told and "dvcx add PATH" not in told
    assert "next: dvcx checkout more: bring what the pointers name now; nothing of your own is replaced" in told
    run = project.dvcx("checkout")
    assert run.code == 6 and "hint: `dvcx checkout --force data` replaces them" in run.err
    project.dvcx("checkout", "more").ok()
    assert project.read("more") == b"1"
    assert "hint: `dvcx add data` keeps them; `dvcx checkout --force data`" in _edited_again(project)


def _edited_again(project: Project) -> str:
    project.dvcx("checkout", "--force").ok()
    project.write("data/same", "my edit of now")
    return project.dvcx("checkout").err


def test_a_checkout_brings_what_is_outdated(project: Project) -> None:
    two_versions(project)
    project.git("checkout", "-q", "v1")
    project.dvcx("checkout").ok()
    assert project.dvcx("status", "--exit-code").code == 0
    assert sorted(project.files("data")) == ["changed", "deleted", "same"]


def test_a_part_that_was_never_fetched_stays_so_when_the_pointer_changes(project: Project, tmp_path: Path) -> None:
    store = use_store(project)
    two_versions(project)
    project.dvcx("push", "--all-tags").ok()
    clone = project.clone(tmp_path / "clone")
    assert store.is_dir()
    clone.dvcx("pull", "data/changed").ok()
    clone.git("checkout", "-q", "v1")
    clone.dvcx("fetch", "data/changed").ok()
    (output,) = clone.json("status")["outputs"]
    # data/same was never here; data/deleted is not in what this clone knew as the whole folder.
    assert (output["state"], output["not_fetched"]) == ("outdated", 1)
    assert [(c["change"], c["path"]) for c in output["outdated"]] == [
        ("modified", "data/changed"),
        ("added", "data/deleted"),
    ]


def test_what_only_a_pull_can_bring_is_outdated_too(project: Project, tmp_path: Path) -> None:
    use_store(project)
    project.save({"data/a": "one"})
    project.dvcx("push").ok()
    clone = project.clone(tmp_path / "clone")
    clone.dvcx("pull").ok()
    project.save({"data/b": "two"}, "data")
    project.dvcx("push").ok()
    clone.git("pull", "-q")
    run = clone.dvcx("status", "--exit-code")
    assert (run.code, run.out.split()[:2]) == (1, ["outdated", "data"])
    assert "dvcx pull" in run.err
    clone.dvcx("pull").ok()
    assert clone.dvcx("status", "--exit-code").code == 0


def two_versions(project: Project) -> None:
    project.save({"data/same": "same", "data/changed": "one", "data/deleted": "gone"}, tag="v1")
    (project.path / "data/deleted").unlink()
    project.save({"data/changed": "two, longer", "data/new": "new"}, "data", tag="v2")


def test_a_pointer_in_the_middle_of_a_merge_is_broken_with_what_to_do_about_that(project: Project) -> None:
    project.save({"data/a": "one"})
    project.write("data.dvcx", "<<<<<<< HEAD\nid: a\n=======\nid: b\n>>>>>>> other\n")
    run = project.dvcx("status")
    assert run.out.startswith("broken    data.dvcx: ")
    assert "dvcx resolve --ours data" in run.err
