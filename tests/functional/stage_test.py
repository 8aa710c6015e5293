"""`dvcx stage list|show|add|rm`: stages written into dvcx.yaml, taken out, listed and shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.project import Project

PIPELINE = """\
vars: [{models: [cnn, xgb]}]
stages:
  # cuts it up
  prepare:
    cmd: python prepare.py
    deps: [raw]
    outs: [clean]
  train:
    foreach: ${models}
    do:
      cmd: train ${item}
      desc: trains ${item}
      outs: ["${item}.pt"]
"""


EVALUATE = """\
  evaluate:
    desc: how good
    cmd: python evaluate.py --fast 'a b'
    deps:
      - cnn.pt
      - env:SEED
    params:
      - lr
      - depth
      - other.toml:
          - a.b
      - c.py: null
    outs:
      - kept:
          persist: true
      - report
      - small.txt:
          cache: false
    metrics:
      - scores.json:
          cache: false
    plots:
      - loss.csv
    resources:
      cpu: 2
    timeout: 1h
    retries: 1
    mutex: gpu
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project.make(tmp_path / "project")
    project.write("dvcx.yaml", PIPELINE)
    return project


def test_stages_are_listed_with_what_they_say_or_make(project: Project) -> None:
    assert project.dvcx("stage", "list").ok().lines == [
        "prepare    makes clean",
        "train@cnn  trains cnn",
        "train@xgb  trains xgb",
    ]
    assert project.dvcx("stage", "list", "train", "--name-only").ok().lines == ["train@cnn", "train@xgb"]
    assert [each["place"] for each in project.json("stage", "list")["stages"]] == ["dvcx.yaml:4:3"] + [
        "dvcx.yaml:8:3"
    ] * 2


def test_a_broken_stage_is_told_with_its_line_and_the_others_are_listed(project: Project) -> None:
    project.write("dvcx.yaml", PIPELINE + "  odd:\n    cmd: run ${modles}\n")
    run = project.dvcx("stage", "list", "--name-only")
    assert run.code == 3
    assert run.lines == ["prepare", "train@cnn", "train@xgb"]
    assert "dvcx.yaml:15:14: ${modles} does not exist" in run.err
    assert "did you mean models?" in run.err
    assert "   15 |     cmd: run ${modles}\n      |              ^\n" in run.err


def test_the_stages_of_the_folder_are_listed_and_on_request_more(project: Project) -> None:
    project.write("sub/dvcx.yaml", "stages:\n  here: {cmd: x}\n")
    project.write("sub/deep/dvcx.yaml", "stages:\n  deep: {cmd: x}\n")
    here, deep = "sub/dvcx.yaml:here", "sub/deep/dvcx.yaml:deep"

    def names(*words: str, cwd: str = "") -> list[str]:
        return project.dvcx("stage", "list", "--name-only", *words, cwd=cwd).ok().lines

    assert names() == ["prepare", "train@cnn", "train@xgb"]
    assert names(cwd="sub") == [here]
    assert set(names("-R", cwd="sub")) == {here, deep}
    assert set(names("--all", cwd="sub")) == {"prepare", "train@cnn", "train@xgb", here, deep}
    assert project.dvcx("stage", "list", "--all", "train").code == 2
    (project.path / "empty").mkdir()
    empty = project.dvcx("stage", "list", cwd="empty").ok()
    assert (empty.out, "dvcx stage list --all" in empty.err) == ("", True)


def test_a_broken_file_counts_where_it_is_listed(project: Project) -> None:
    project.write("sub/dvcx.yaml", "stages: [\n")
    assert project.dvcx("stage", "list").code == 0
    for run in (project.dvcx("stage", "list", cwd="sub"), project.dvcx("stage", "list", "--all")):
        assert (run.code, "sub/dvcx.yaml:" in run.err) == (3, True)


def test_a_stage_with_nothing_in_it_breaks_only_itself(project: Project) -> None:
    project.write("dvcx.yaml", "stages:\n  a:\n  b: {cmd: x}\n")
    run = project.dvcx("stage", "list", "--name-only")
    assert (run.code, run.lines) == (3, ["b"])
    assert "dvcx.yaml:2:3: the stage 'a' is empty; its fields were expected" in run.err
    assert "cmd: COMMAND" in run.err


def test_a_mistake_is_shown_by_every_command_that_needs_the_stage(project: Project) -> None:
    project.write("dvcx.yaml", "stages:\n  a:\n    cmd: x\n    dep: [y]\n")
    for words in (["stage", "show", "a"], ["dag"], ["repro"]):
        run = project.dvcx(*words)
        assert run.code == 3, words
        assert run.err.splitlines() == [
            "error: dvcx.yaml:4:5: the stage 'a' has no field 'dep'",
            "    4 |     dep: [y]",
            "      |     ^",
            "hint: did you mean 'deps'?",
        ]
    error = project.dvcx("dag", "--json").err
    assert '"excerpt":["    4 |     dep: [y]"' in error


def test_a_stage_is_shown_with_nothing_left_to_fill_in(project: Project) -> None:
    run = project.dvcx("stage", "show", "train@xgb").ok()
    assert run.lines == [
        "# dvcx.yaml:8:3, generated from train",
        "train@xgb:",
        "  desc: trains xgb",
        "  cmd: train xgb",
        "  outs:",
        "    - xgb.pt",
    ]
    assert [each["stage"] for each in project.json("stage", "show", "train")] == ["train@cnn", "train@xgb"]


def test_a_stage_is_added_with_all_that_it_can_have(project: Project) -> None:
    words = [
        "-n",
        "evaluate",
        "-d",
        "cnn.pt",
        "-d",
        "env:SEED",
        "-p",
        "lr,depth",
        "-p",
        "other.toml:a.b",
        "-p",
        "c.py:",
    ]
    words += ["-o", "report", "-O", "small.txt", "--outs-persist", "kept", "-M", "scores.json", "--plots", "loss.csv"]
    words += ["--desc", "how good", "--resource", "cpu=2", "--timeout", "1h", "--retries", "1", "--mutex", "gpu"]
    project.dvcx("stage", "add", *words, "python", "evaluate.py", "--fast", "a b").ok()
    text = project.read("dvcx.yaml").decode()
    assert text.startswith(PIPELINE)
    assert text[len(PIPELINE) :] == EVALUATE
    assert project.dvcx("stage", "show", "evaluate").ok()


def test_a_stage_is_added_to_the_file_of_the_folder(project: Project) -> None:
    (project.path / "sub").mkdir()
    run = project.dvcx("stage", "add", "-n", "here", "-o", "x", "echo hi > x", cwd="sub").ok()
    assert run.err.startswith("added the stage sub/dvcx.yaml:here in sub/dvcx.yaml\n")
    assert project.read("sub/dvcx.yaml") == b"stages:\n  here:\n    cmd: echo hi > x\n    outs:\n      - x\n"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["-n", "prepare", "x"], 6, "has a stage prepare already"),
        (["-n", "new", "-o", "clean", "x"], 3, "clean is made twice"),
        (["-n", "new", "-o", "clean/part", "x"], 3, "clean/part lies inside clean"),
        (["-n", "new", "-d", "a", "-o", "a", "x"], 3, "needs what it makes itself"),
        (["-n", "new", "-d", "clean", "-o", "raw", "x"], 3, "in a circle"),
        (["-n", "new", "-o", "../x", "x"], 3, "leads out of it"),
        (["-n", "new", "--timeout", "soon", "x"], 3, "not a length of time"),
        (["-n", "new", "--resource", "cpu", "x"], 2, "is not a resource"),
        (["-n", "new@x", "x"], 2, "cannot be the name"),
        (["-n", "new"], 2, "has no command"),
        (["x"], 2, "has no name"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    project: Project, words: list[str], code: int, told: str
) -> None:
    run = project.dvcx("stage", "add", *words)
    assert (run.code, told in run.err) == (code, True), run.err
    assert project.read("dvcx.yaml").decode() == PIPELINE


def test_a_stage_is_replaced_with_force_and_undo_brings_it_back(project: Project) -> None:
    project.dvcx("stage", "add", "-f", "-n", "prepare", "-o", "clean", "make", "clean").ok()
    changed = PIPELINE.replace(
        "    cmd: python prepare.py\n    deps: [raw]\n    outs: [clean]\n",
        "    cmd: make clean\n    outs:\n      - clean\n",
    )
    assert project.read("dvcx.yaml").decode() == changed
    project.dvcx("undo").ok()
    assert project.read("dvcx.yaml").decode() == PIPELINE


def test_a_stage_goes_with_its_comment_and_its_record(project: Project) -> None:
    project.write("dvcx.yaml", PIPELINE.replace("python prepare.py", "cp -r raw clean"))
    project.add({"raw/x": "1"}, "raw")
    project.dvcx("repro", "prepare").ok()
    assert b"prepare" in project.read("dvcx.lock")
    run = project.dvcx("stage", "rm", "prepare").ok()
    assert "what they made stays where it is: clean" in run.err
    assert b"prepare" not in project.read("dvcx.lock")
    text = project.read("dvcx.yaml").decode()
    assert "cuts it up" not in text
    assert project.dvcx("stage", "list", "--name-only").ok().lines == ["train@cnn", "train@xgb"]
    assert project.read("clean/x") == b"1"


def test_of_a_stage_that_never_ran_nothing_stays(project: Project) -> None:
    run = project.dvcx("stage", "rm", "prepare").ok()
    assert "stays where it is" not in run.err


def test_a_generated_stage_cannot_go_alone(project: Project) -> None:
    run = project.dvcx("stage", "rm", "train@cnn")
    assert (run.code, "dvcx stage rm train" in run.err) == (2, True)
    project.dvcx("stage", "rm", "train").ok()
    assert project.dvcx("stage", "list", "--name-only").ok().lines == ["prepare"]


def test_a_broken_stage_can_go(project: Project) -> None:
    project.write("dvcx.yaml", PIPELINE + "  odd:\n    cmd: run ${modles}\n")
    project.dvcx("stage", "rm", "odd").ok()
    assert project.read("dvcx.yaml").decode() == PIPELINE


def test_settings_choose_how_mappings_become_flags(project: Project) -> None:
    project.write("dvcx.yaml", "vars: [{o: {a: false, l: [1, 2]}}]\nstages:\n  s: {cmd: 'run ${o}'}\n")
    assert project.json("stage", "show", "s")[0]["fields"]["cmd"] == "run --l 1 2"
    project.dvcx("config", "parsing.bool", "boolean_optional").ok()
    project.dvcx("config", "parsing.list", "append").ok()
    assert project.json("stage", "show", "s")[0]["fields"]["cmd"] == "run --no-a --l 1 --l 2"
