"""A pipeline from a repository that nobody checked: looking at it runs nothing, and costs little."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

import dvcx
from tests.functional.arranging import use_store
from tests.project import Project

LOOKS = (
    ("status",),
    ("status", "--exit-code"),
    ("dag",),
    ("dag", "--status"),
    ("dag", "--outs"),
    ("why", "fresh"),
    ("why", "stale"),
    ("diff",),
    ("diff", "HEAD~1", "HEAD"),
    ("stage", "list", "--all"),
    ("stage", "show", "fresh"),
    ("stage", "log", "fresh"),
    ("params", "diff"),
    ("params", "diff", "HEAD~1", "HEAD", "--deps"),
    ("metrics", "show", "--all"),
    ("metrics", "diff"),
    ("repro", "--dry-run"),
    ("repro", "--dry-run", "--pull", "fresh"),
    ("ls",),
    ("ls", "-R", "made"),
    ("du",),
    ("log",),
    ("blame", "made"),
    ("verify",),
    ("doctor",),
    ("check-ignore", "made"),
    ("freeze", "fresh"),
    ("unfreeze", "fresh"),
    ("add", "data"),
    ("commit",),
    ("push",),
    ("push", "--run-cache"),
    ("fetch", "--run-cache"),
    ("pull",),
    ("checkout",),
    ("gc", "--yes"),
    ("fsck",),
    ("install",),
)
"""Everything but `repro` and `stage trace`."""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.make(tmp_path / "project")


def test_looking_runs_no_command_and_no_file_of_parameters(project: Project, tmp_path: Path) -> None:
    use_store(project)
    mark = tmp_path / "ran"
    touch = f"touch {mark}"
    project.write("data/x", "1")
    project.write("dvcx.yaml", "stages:\n  fresh: {cmd: cp -r data made, deps: [data], outs: [made]}\n")
    project.dvcx("add", "data").ok()
    project.dvcx("repro").ok()
    project.commit(message="made")
    project.write("constants.py", f"import os\nlr = 1\nos.system('{touch}')\n__import__('os').system('{touch}')\n")
    project.write(
        "dvcx.yaml",
        f"""\
vars: [{{bad: "$({touch})"}}]
stages:
  fresh: {{cmd: "{touch}; cp -r data made", deps: [data], outs: [made]}}
  stale: {{cmd: "{touch}", params: [constants.py: [lr]], outs: [never], deps: ["pkg:pip", "env:HOME"]}}
  filled: {{cmd: "echo ${{bad}}", always_changed: true}}
  code: {{cmd: 'x ${{__import__("os").system("{touch}")}}'}}
metrics: ["$({touch})", constants.py]
params: [constants.py]
""",
    )
    project.commit(message="hostile")
    for words in LOOKS:
        run = project.dvcx(*words)
        assert run.code in range(8), (words, run.err)
        assert not mark.exists(), words
    # What `dvcx install` set up, as Git calls it; and Python.
    for command in (
        ["commit", "--allow-empty", "-m", "x"],
        ["checkout", "-q", "-b", "b"],
        ["checkout", "-q", "HEAD~1"],
    ):
        subprocess.run(["git", *command], cwd=project.path, capture_output=True, check=False)
        assert not mark.exists(), command
    assert dvcx.open("made/x", project.path).read() == b"1"
    assert not mark.exists()
    project.git("checkout", "-q", "-f", "b")
    project.dvcx("repro", "stale")
    assert mark.exists(), "the commands would have left their mark"


def nested(levels: int) -> str:
    return "{a: " * levels + "1" + "}" * levels


MANY = ",".join(map(str, range(100_000)))
LAUGHS = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)
BOMBS = {
    "aliases that unfold": LAUGHS + "stages: {s: {cmd: x}}\n",
    "values that unfold": f"vars: [{{{LAUGHS.replace(chr(10), ', ')}}}]\nstages: {{s: {{cmd: 'x ${{a9}}'}}}}\n",
    "a matrix of 250,000": f"stages: {{s: {{matrix: {{a: [{MANY[:1889]}], b: [{MANY[:1889]}]}}, cmd: x}}}}\n",
    "100,000 levels": "stages: {s: {cmd: x, meta: " + "[" * 100_000 + "]" * 100_000 + "}}\n",
    "a mistake in 100,000 stages": f"stages: {{s: {{foreach: [{MANY}], do: {{cmd: 'x ${{nothing}}'}}}}}}\n",
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS)
def test_what_would_cost_more_than_its_length_is_told_soon(project: Project, text: str) -> None:
    project.write("dvcx.yaml", text)
    began = time.process_time()
    run = project.dvcx("stage", "list")
    assert (run.code, project.dvcx("status").code) == (3, 0)
    assert "dvcx.yaml:" in run.err
    assert time.process_time() - began < 10


def test_fifty_levels_are_fine(project: Project) -> None:
    project.write("dvcx.yaml", f"vars: [{{v: {nested(50)}}}]\nstages: {{s: {{cmd: x, meta: {nested(50)}}}}}\n")
    for words in (["status"], ["dag"], ["stage", "show", "s"], ["why", "s"]):
        project.dvcx(*words).ok()


@pytest.mark.slow
def test_a_hundred_thousand_stages_are_listed_and_looked_at_in_reasonable_time(project: Project) -> None:
    project.write(
        "dvcx.yaml", f"stages: {{s: {{foreach: [{MANY}], do: {{cmd: 'x ${{item}}', outs: ['o${{item}}']}}}}}}\n"
    )
    for words in (["stage", "list", "--name-only"], ["status"], ["dag"], ["repro", "-n"]):
        began = time.process_time()
        run = project.dvcx(*words)
        assert (run.code, os.path.exists(project.path / "o1")) == (0, False)
        assert time.process_time() - began < 60, words
