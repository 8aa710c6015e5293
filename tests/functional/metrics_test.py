"""`dvcx metrics` and `dvcx params`: values of the workspace and of revisions, and what differs."""

from __future__ import annotations

from typing import Any

import pytest

from dvcx.base.errors import DamagedData
from dvcx.formats.metrics_text import parse_metrics
from tests.project import Project

PIPELINE = """\
stages:
  evaluate:
    cmd: cp source.json scores.json; cp source.json kept.json
    deps: [source.json]
    params: [lr, other.toml:]
    metrics:
    - scores.json: {cache: false}
    - kept.json
metrics: [extra.yaml]
"""


@pytest.fixture
def scored(project: Project) -> Project:
    """Two commits, v1 and v2, with other metrics and parameters; a file of metrics in Git and one in the cache."""
    project.write("dvcx.yaml", PIPELINE.replace("other.toml:", "{other.toml: null}"))
    project.write("other.toml", "[deep]\nx = 1\n")
    project.write("extra.yaml", "note: fine\n")
    for number, tag in ((1, "v1"), (2, "v2")):
        project.write("source.json", f'{{"accuracy": 0.{number}, "deep": {{"loss": {4 - number}}}, "n": 7}}')
        project.write("params.yaml", f"lr: 0.{number}\nunused: {number}\n")
        project.dvcx("repro").ok()
        project.commit(message=tag)
        project.git("tag", tag)
    return project


def differing(result: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [(each["path"], each["name"], each["old"], each["new"]) for each in result["changes"]]


def test_metrics_of_the_workspace_are_shown_also_those_in_the_cache(scored: Project) -> None:
    (scored.path / "kept.json").unlink()
    (result,) = scored.json("metrics", "show")
    values = {"accuracy": 0.2, "deep.loss": 2, "n": 7}
    assert result["files"] == {"scores.json": values, "kept.json": values, "extra.yaml": {"note": "fine"}}
    assert "scores.json  accuracy     0.2" in scored.dvcx("metrics", "show").out


def test_tags_branches_and_named_revisions_come_with_the_workspace(scored: Project) -> None:
    found = scored.json("metrics", "show", "--all-tags", "scores.json")
    assert [(each["revision"], each["files"]["scores.json"]["accuracy"]) for each in found] == [
        ("workspace", 0.2),
        ("v1", 0.1),
        ("v2", 0.2),
    ]
    assert [each["revision"] for each in scored.json("metrics", "show", "-a")] == ["workspace", "main"]
    assert {each["revision"] for each in scored.json("metrics", "show", "--all")} == {"workspace", "main", "v1", "v2"}
    assert [each["revision"] for each in scored.json("metrics", "show", "--rev", "v1")] == ["workspace", "v1"]
    assert len(scored.json("metrics", "show", "-A")) == 3  # the first commit has none
    assert scored.dvcx("metrics", "show", "--rev", "v9").code == 2


def test_what_differs_between_any_two_revisions_is_told_with_the_difference(scored: Project) -> None:
    result = scored.json("metrics", "diff", "v1", "v2", "--targets", "scores.json")
    assert differing(result) == [("scores.json", "accuracy", 0.1, 0.2), ("scores.json", "deep.loss", 3, 2)]
    assert [each["difference"] for each in result["changes"]] == [0.1, -1]
    assert scored.json("metrics", "diff")["changes"] == []
    everything = scored.json("metrics", "diff", "--all", "--targets", "scores.json")["changes"]
    assert {each["change"] for each in everything} == {"same"}
    shown = scored.dvcx("metrics", "diff", "v1", "v2", "--targets", "kept.json", "--no-path", "--precision", "0").out
    assert [line.split() for line in shown.splitlines()] == [
        ["metric", "v1", "v2", "change"],
        ["accuracy", "0.1", "0.2", "+0.1"],
        ["deep.loss", "3", "2", "-1"],
    ]


def test_a_table_in_markdown_has_nothing_in_it_that_acts(scored: Project) -> None:
    scored.write("source.json", '{"<b>|@ada`": 1}')
    scored.dvcx("repro").ok()
    shown = scored.dvcx("metrics", "diff", "--md", "--targets", "scores.json").ok().out
    assert shown.splitlines()[:2] == [
        "| `path` | `metric` | `HEAD` | `workspace` | `change` |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    assert r"`` <b>\|@ada` ``" in shown


def test_metrics_that_cannot_be_read_are_told_and_the_rest_is_shown(scored: Project) -> None:
    scored.write("scores.json", "{")
    run = scored.dvcx("metrics", "show", "--json").ok()
    (result,) = run.json
    assert list(result["problems"]) == ["scores.json"]
    assert "kept.json" in result["files"]


def test_a_path_without_values_is_refused_and_not_taken_for_one_without_a_difference(scored: Project) -> None:
    for words in (("metrics", "show", "scors.json"), ("metrics", "diff", "v1", "--targets", "scors.json")):
        run = scored.dvcx(*words)
        assert (run.code, "there are no metrics in scors.json at " in run.err) == (2, True), words
    run = scored.dvcx("params", "diff", "v1", "--targets", "parms.yaml")
    assert (run.code, "there are no parameters in parms.yaml at v1 or workspace" in run.err) == (2, True)
    (scored.path / "scores.json").unlink()
    assert scored.dvcx("metrics", "show", "scores.json").code == 2
    gone = scored.json("metrics", "diff", "v1", "--targets", "scores.json")["changes"]
    assert {each["change"] for each in gone} == {"deleted"}
    scored.dvcx("metrics", "show", "scores.json", "--rev", "v1").ok()


def test_parameters_that_differ_are_told(scored: Project) -> None:
    assert differing(scored.json("params", "diff", "v1", "v2")) == [
        ("params.yaml", "lr", 0.1, 0.2),
        ("params.yaml", "unused", 1, 2),
    ]
    assert differing(scored.json("params", "diff", "v1", "v2", "--deps")) == [("params.yaml", "lr", 0.1, 0.2)]
    scored.write("other.toml", "[deep]\nx = 2\n")
    scored.write("params.yaml", "unused: 2\n")
    assert differing(scored.json("params", "diff")) == [
        ("params.yaml", "lr", 0.2, None),
        ("other.toml", "deep.x", 1, 2),
    ]
    assert "params.yaml  lr" in scored.dvcx("params", "diff").out
    assert differing(scored.json("params", "diff", "--targets", "other.toml")) == [("other.toml", "deep.x", 1, 2)]


@pytest.mark.parametrize(
    ("name", "text", "values"),
    [
        ("a.json", '{"a": {"b": 1.5}, "c": [1, 2]}', {"a.b": 1.5, "c": [1, 2]}),
        ("a.yaml", "a: {b: 1e-3}\n", {"a.b": 0.001}),
        ("a.toml", "[a]\nb = 2\n", {"a.b": 2}),
        ("a.csv", "loss,accuracy\n0.5,0.7\n0.25,.9\n", {"loss": 0.25, "accuracy": 0.9}),
        ("a.csv", "metric,value\nloss,0.5\naccuracy,9e-1\n", {"loss": 0.5, "accuracy": 0.9}),
        ("a.csv", "loss,0.5\naccuracy,0.9\n", {"loss": 0.5, "accuracy": 0.9}),
        ("a.tsv", "step\tname\n3\tlast\n", {"step": 3, "name": "last"}),
        ("a.csv", "loss,accuracy\n", {}),
        ("a.csv", "", {}),
    ],
)
def test_every_kind_of_file_is_read(name: str, text: str, values: dict[str, Any]) -> None:
    assert parse_metrics(text.encode(), name) == values


@pytest.mark.parametrize(("name", "text"), [("a.json", b"{"), ("a.csv", b"\xff"), ("a.toml", b"a = ")])
def test_what_is_broken_is_told_with_its_name(name: str, text: bytes) -> None:
    with pytest.raises(DamagedData, match=name):
        parse_metrics(text, name)
