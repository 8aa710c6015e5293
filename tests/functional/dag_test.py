"""`dvcx dag`: what depends on what, in every form, for parts of it, and with what is stale and why."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.project import Project

PIPELINE = """\
stages:
  prepare: {cmd: cp -r raw clean, deps: [raw], outs: [clean]}
  train:
    foreach: [a, b]
    do: {cmd: "cp clean/x ${item}.pt", deps: [clean/x], params: [lr], outs: ["${item}.pt"]}
  pick: {cmd: cat *.pt > best, deps: [a.pt, b.pt], outs: [best]}
  lone: {cmd: "true"}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project.make(tmp_path / "project")
    project.add({"raw/x": "1"}, "raw")
    project.write("dvcx.yaml", PIPELINE)
    project.write("params.yaml", "lr: 1\n")
    return project


def test_the_graph_starts_at_pointers(project: Project) -> None:
    graph = project.json("dag")
    assert [(node["name"], node["kind"]) for node in graph["nodes"]] == [
        ("raw.dvcx", "pointer"),
        *((name, "stage") for name in ("prepare", "train@a", "train@b", "pick", "lone")),
    ]
    assert sorted(map(tuple, graph["edges"])) == [
        ("prepare", "train@a"),
        ("prepare", "train@b"),
        ("raw.dvcx", "prepare"),
        ("train@a", "pick"),
        ("train@b", "pick"),
    ]


def test_it_is_drawn(project: Project) -> None:
    lines = project.dvcx("dag", "train@a").ok().lines
    assert [line.strip() for line in lines] == [
        "+----------+",
        "| raw.dvcx |",
        "+----------+",
        "v",
        "+---------+",
        "| prepare |",
        "+---------+",
        "v",
        "+---------+",
        "| train@a |",
        "+---------+",
    ]


def test_targets_show_what_they_need_and_full_all_around(project: Project) -> None:
    def names(*words: str) -> list[str]:
        return [node["name"] for node in project.json("dag", *words)["nodes"]]

    assert names("train@a") == ["raw.dvcx", "prepare", "train@a"]
    assert names("a.pt") == ["raw.dvcx", "prepare", "train@a"]
    assert names("raw.dvcx") == ["raw.dvcx"]
    assert names("raw", "--full") == ["raw.dvcx", "prepare", "train@a", "train@b", "pick"]
    assert names("--collapse-foreach-matrix") == ["raw.dvcx", "prepare", "train", "pick", "lone"]
    assert project.dvcx("dag", "nothing").code == 2


def test_outputs_instead_of_stages(project: Project) -> None:
    graph = project.json("dag", "--outs")
    assert [node["name"] for node in graph["nodes"]] == ["raw", "clean", "a.pt", "b.pt", "best"]
    assert sorted(map(tuple, graph["edges"])) == [
        ("a.pt", "best"),
        ("b.pt", "best"),
        ("clean", "a.pt"),
        ("clean", "b.pt"),
        ("raw", "clean"),
    ]
    assert [node["name"] for node in project.json("dag", "--outs", "a.pt")["nodes"]] == ["raw", "clean", "a.pt"]


def test_status_tells_what_is_stale_and_why(project: Project) -> None:
    project.dvcx("repro").ok()
    fresh = {node["name"]: node["state"] for node in project.json("dag", "--status")["nodes"]}
    assert fresh == {
        "raw.dvcx": None,
        "lone": "stale",
        **dict.fromkeys(["prepare", "train@a", "train@b", "pick"], "fresh"),
    }
    project.write("params.yaml", "lr: 2\n")
    before = project.files()
    nodes = {node["name"]: node for node in project.json("dag", "--status")["nodes"]}
    assert [nodes[name]["state"] for name in ("prepare", "train@a", "pick")] == ["fresh", "stale", "behind"]
    assert "lr" in nodes["train@a"]["reasons"][0]
    assert project.files() == before, "looking runs nothing"
    shown = project.dvcx("dag", "--status", "pick").ok().out
    assert "| train@a [stale] |" in shown
    assert "train@a: stale; " in shown


def test_what_is_broken_is_named_and_the_rest_is_drawn(project: Project) -> None:
    whole = project.json("dag", "train@a")
    project.write("sub/dvcx.yaml", "stages: [\n")
    graph = project.json("dag", "train@a")
    assert (graph["nodes"], graph["edges"]) == (whole["nodes"], whole["edges"])
    assert [each["name"] for each in graph["broken"]] == ["sub/dvcx.yaml"]
    run = project.dvcx("dag", "--status").ok()
    assert ("| train@a [stale] |" in run.out, "warning: sub/dvcx.yaml" in run.err) == (True, True)
    assert project.dvcx("dag", "sub/dvcx.yaml").code == 3
    project.write("dvcx.yaml", "stages: [\n")
    assert project.dvcx("dag").code == 3, "nothing is left to draw"


@pytest.mark.parametrize(
    ("form", "first", "inside"),
    [
        ("--dot", "digraph {", '"prepare" -> "train@a";'),
        ("--mermaid", "flowchart TD", "node2 --> node3"),
        ("--md", "```mermaid", "node2 --> node3"),
        ("--svg", '<svg class="dag"', ">prepare</text>"),
        ("--html", "<!doctype html>", ">prepare</text>"),
    ],
)
def test_other_forms(project: Project, form: str, first: str, inside: str) -> None:
    out = project.dvcx("dag", form).ok().out
    assert out.startswith(first)
    assert inside in out


def test_one_form_at_a_time(project: Project) -> None:
    assert project.dvcx("dag", "--dot", "--svg").code == 2
    assert project.dvcx("dag", "--outs", "--collapse-foreach-matrix").code == 2


def test_what_is_too_wide_becomes_a_list(project: Project) -> None:
    stages = "".join(f"  wide-stage-number-{n}: {{cmd: x, deps: [raw]}}\n" for n in range(40))
    project.write("dvcx.yaml", f"stages:\n{stages}")
    lines = project.dvcx("dag").ok().lines
    assert lines[:2] == ["raw.dvcx", "wide-stage-number-0 <- raw.dvcx"]


def test_a_project_without_stages_says_what_to_do(tmp_path: Path) -> None:
    run = Project.make(tmp_path / "empty").dvcx("dag").ok()
    assert (run.out, "dvcx stage add" in run.err) == ("", True)
