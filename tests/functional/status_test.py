from __future__ import annotations

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
