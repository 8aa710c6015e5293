"""`dvcx repro --interactive`: each stage is asked about, and where nobody can answer nothing is run."""

from __future__ import annotations

import pytest

from dvcx.cli.console import Console
from tests.project import Project

PIPELINE = """\
stages:
  a:
    cmd: echo a > a.txt
    outs: [a.txt]
  b:
    cmd: cat a.txt > b.txt
    deps: [a.txt]
    outs: [b.txt]
  c:
    cmd: echo c > c.txt
    outs: [c.txt]
"""


@pytest.fixture
def pipeline(project: Project) -> Project:
    project.write("dvcx.yaml", PIPELINE)
    return project


def test_where_nobody_can_answer_nothing_runs_and_the_hint_names_options_that_there_are(pipeline: Project) -> None:
    run = pipeline.dvcx("repro", "--interactive", stdin="y\ny\ny\n")
    assert (run.code, "nobody is here to answer: run a (never run)?" in run.err) == (6, True)
    assert "hint: see what would run with `dvcx repro --dry-run`, and run it without --interactive" in run.err
    assert not any((pipeline.path / name).exists() for name in ("a.txt", "c.txt"))


def test_a_stage_that_is_declined_and_what_needs_it_do_not_run(
    pipeline: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def confirm(console: Console, question: str, hint: str) -> bool:
        asked.append(question)
        return question.startswith("run c ")

    monkeypatch.setattr(Console, "confirm", confirm)
    stages = pipeline.json("repro", "-i")["stages"]
    assert asked == ["run a (never run)?", "run c (never run)?"]
    assert {each["stage"]: each["action"] for each in stages} == {"a": "declined", "b": "blocked", "c": "ran"}
