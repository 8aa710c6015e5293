from __future__ import annotations

from tests.project import Project


def test_notes_stand_on_the_pointer_and_stay_when_the_data_changes(project: Project) -> None:
    project.save({"data/a": "one"}, "data")
    project.dvcx("note", "data", "--desc", "owls", "--label", "raw", "--label", "v1", "--meta", "n=500").ok()
    project.dvcx("note", "data", "--meta", "by=Ada", "--meta", 'tags=["x", 1]', "--unlabel", "v1").ok()
    project.save({"data/a": "two"}, "data")
    found = project.json("note", "data")
    assert (found["desc"], found["labels"], found["meta"]) == (
        *("owls", ["raw"]),
        {"n": 500, "by": "Ada", "tags": ["x", 1]},
    )
    assert project.dvcx("note", "data").lines == [
        *("desc       owls", "labels     raw", "meta.n     500", "meta.by    Ada", 'meta.tags  ["x", 1]'),
    ]
    assert project.dvcx("status", "--exit-code").code == 0


def test_notes_can_be_taken_away_and_brought_back(project: Project) -> None:
    project.save({"a": "one"}, "a")
    before = project.read("a.dvcx")
    project.dvcx("note", "a", "--desc", "x", "--meta", "k=1").ok()
    project.dvcx("note", "a", "--desc", "", "--unset", "k").ok()
    assert project.read("a.dvcx") == before
    project.dvcx("undo").ok()
    assert project.json("note", "a")["desc"] == "x"


def test_what_cannot_be_meant_is_told(project: Project) -> None:
    project.save({"data/a": "one"}, "data")
    for words, hint in (
        (["data/a", "--desc", "x"], "name data"),
        (["."], "dvcx ls"),
        (["nothing"], "dvcx add"),
        (["data", "--unset", "k"], "dvcx note data"),
        (["data", "--meta", "k"], "accuracy"),
    ):
        run = project.dvcx("note", *words)
        assert run.code == 2 and hint in run.err, run.err
    assert "no notes" in project.dvcx("note", "data").ok().err


def test_hostile_notes_do_not_act_on_the_terminal(project: Project) -> None:
    project.save({"a": "one"}, "a")
    project.dvcx("note", "a", "--desc", "\x1b[31mred\ndvcx: 2").ok()
    assert "\x1b" not in project.dvcx("note", "a").out
    assert project.json("note", "a")["desc"] == "\x1b[31mred\ndvcx: 2"
