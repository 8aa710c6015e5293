"""The options of `dvcx repro`: which stages each of them means, and how it changes what becomes of them."""

from __future__ import annotations

import pytest

from tests.functional.arranging import cache_of, use_store
from tests.functional.two_stages import actions
from tests.project import Project

FILES = {
    "dvcx.yaml": """\
stages:
  a: {cmd: cp raw.txt a.txt; echo >> a.log, deps: [raw.txt], outs: [a.txt]}
  b: {cmd: head -c 1 a.txt > b.txt; echo >> b.log, deps: [a.txt], outs: [b.txt]}
  lone: {cmd: echo lone > lone.txt, outs: [lone.txt]}
""",
    "sub/dvcx.yaml": "stages:\n  c: {cmd: cp ../b.txt c.txt; echo >> ../c.log, deps: [../b.txt], outs: [c.txt]}\n",
    "sub/deep/dvcx.yaml": "stages:\n  d: {cmd: echo d > d.txt, outs: [d.txt]}\n",
    "other/dvcx.yaml": "stages:\n  e: {cmd: echo e > e.txt, outs: [e.txt]}\n",
    "raw.txt": "hello\n",
    ".gitignore": "*.log\n",
}
C, D, E = "sub/dvcx.yaml:c", "sub/deep/dvcx.yaml:d", "other/dvcx.yaml:e"


@pytest.fixture
def pipelines(project: Project) -> Project:
    """A pipeline a > b > c over two folders, and three stages that nothing is connected with."""
    for path, text in FILES.items():
        project.write(path, text)
    project.commit(message="pipelines")
    return project


def meant(project: Project, *words: str, cwd: str = "") -> list[str]:
    """The stages that `dvcx repro WORDS` means, in the order in which they would run."""
    return list(actions(project.json("repro", "--dry-run", *words, cwd=cwd)))


def runs(project: Project) -> dict[str, int]:
    """How often a, b and c ran."""
    logs = {name: project.path / f"{name}.log" for name in "abc"}
    return {name: len(log.read_text().splitlines()) if log.exists() else 0 for name, log in logs.items()}


# Which stages are meant


def test_without_targets_it_is_the_file_here_with_what_that_needs(pipelines: Project) -> None:
    assert meant(pipelines) == ["a", "b", "lone"]
    assert meant(pipelines, cwd="sub") == ["a", "b", C]
    assert meant(pipelines, cwd="other") == [E]


def test_options_of_which_one_would_do_nothing_are_refused(pipelines: Project) -> None:
    for words in (("-s", "--downstream", "b"), ("-p", "-P"), ("-P", "b"), ("-s", "-p", "b")):
        run = pipelines.dvcx("repro", "-n", *words)
        assert (run.code, "hint: leave " in run.err) == (2, True), words


def test_a_folder_means_the_file_in_it(pipelines: Project) -> None:
    assert meant(pipelines, "sub") == meant(pipelines, "sub/") == meant(pipelines, "sub/dvcx.yaml") == ["a", "b", C]
    assert meant(pipelines, "deep", cwd="sub") == [D]
    assert meant(pipelines, ".", "other") == ["a", "b", "lone", E]
    (pipelines.path / "empty").mkdir()
    assert pipelines.dvcx("repro", "-n", "empty").code == 2
    listed = pipelines.json("stage", "list", "sub")["stages"]
    assert ([each["stage"] for each in listed], pipelines.dvcx("stage", "rm", "sub").code) == ([C], 2)


def test_where_there_is_no_file_it_is_the_whole_project(pipelines: Project) -> None:
    (pipelines.path / "empty").mkdir()
    assert set(meant(pipelines, cwd="empty")) == {"a", "b", "lone", C, D, E}


def test_a_target_comes_with_what_it_needs_and_nothing_behind_it(pipelines: Project) -> None:
    assert meant(pipelines, "b") == ["a", "b"]
    assert meant(pipelines, "b.txt") == ["a", "b"]
    assert meant(pipelines, "c", cwd="sub") == ["a", "b", C]


def test_single_item_means_the_targets_only(pipelines: Project) -> None:
    assert meant(pipelines, "-s", "b") == ["b"]
    assert meant(pipelines, "--single-item", "b", C) == ["b", C]


def test_pipeline_means_all_that_is_connected_with_the_target(pipelines: Project) -> None:
    assert meant(pipelines, "-p", "b") == ["a", "b", C]
    assert set(meant(pipelines, "--pipeline", "a", E)) == {"a", "b", C, E}
    assert meant(pipelines, "-p", "lone") == ["lone"]


def test_all_pipelines_means_all_stages_of_the_project_from_any_folder(pipelines: Project) -> None:
    everything = {"a", "b", "lone", C, D, E}
    assert set(meant(pipelines, "-P")) == everything
    assert set(meant(pipelines, "--all-pipelines", cwd="other")) == everything


def test_recursive_means_the_stages_of_a_folder_and_all_below(pipelines: Project) -> None:
    assert meant(pipelines, "-R", "other") == [E]
    assert set(meant(pipelines, "--recursive", "sub")) == {"a", "b", C, D}
    assert set(meant(pipelines, "-R", "-s", "sub/")) == {C, D}
    assert meant(pipelines, "-R", "deep", cwd="sub") == [D]
    assert set(meant(pipelines, "-R", "-s", cwd="sub")) == {C, D}, "without a target it is this folder"


def test_downstream_means_the_target_and_all_behind_it(pipelines: Project) -> None:
    assert meant(pipelines, "--downstream", "b") == ["b", C]
    assert meant(pipelines, "--downstream", "a") == ["a", "b", C]


def test_glob_takes_targets_as_patterns_of_names(pipelines: Project) -> None:
    assert meant(pipelines, "--glob", "-s", "[ab]") == ["a", "b"]
    assert set(meant(pipelines, "--glob", "sub/*")) == {"a", "b", C, D}
    assert meant(pipelines, "--glob", "l*") == ["lone"]
    run = pipelines.dvcx("repro", "-n", "--glob", "x*")
    assert (run.code, "x*" in run.err) == (2, True)
    assert pipelines.dvcx("repro", "-n", "l*").code == 2, "without --glob it is a name"


def test_a_broken_file_elsewhere_is_told_and_keeps_nothing_back(pipelines: Project) -> None:
    pipelines.write("other/dvcx.yaml", "stages: [\n")
    run = pipelines.dvcx("repro", "-n", "--json").ok()
    assert (list(actions(run.json)), run.json["broken"]) == (["a", "b", "lone"], ["other/dvcx.yaml"])
    assert "warning: other/dvcx.yaml cannot be used" in pipelines.dvcx("repro", "-n", "b").ok().err
    assert pipelines.dvcx("repro", "-n", "-P").code == 3
    assert pipelines.dvcx("repro", "-n", cwd="other").code == 3
    assert pipelines.dvcx("repro", "-n", "other/dvcx.yaml").code == 3


# What becomes of them


def answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes what stands on stdin the answers of somebody at a terminal."""
    monkeypatch.setattr("dvcx.cli.console.is_terminal", lambda stream: True)


def test_interactive_runs_only_what_is_agreed_to(pipelines: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch)
    run = pipelines.dvcx("repro", "-i", "-j", "1", "b", "lone", "--json", stdin="n\ny\n")
    assert run.code == 0
    assert actions(run.json) == {"a": "declined", "b": "blocked", "lone": "ran"}
    assert "run a (never run)? [y/N]" in run.err
    assert runs(pipelines)["a"] == 0
    run = pipelines.dvcx("repro", "--interactive", "b", "--json", stdin="y\nyes\n")
    assert actions(run.json) == {"a": "ran", "b": "ran"}


def test_interactive_asks_nothing_of_what_does_not_run(pipelines: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    pipelines.dvcx("repro", "b").ok()
    answer(monkeypatch)
    (pipelines.path / "a.txt").unlink()
    run = pipelines.dvcx("repro", "-i", "b", "--json")
    assert (actions(run.json), "[y/N]" in run.err) == ({"a": "restored", "b": "skip"}, False)


def test_interactive_with_nobody_there_runs_nothing(pipelines: Project) -> None:
    assert pipelines.dvcx("repro", "-i", "b").code == 6
    assert runs(pipelines) == {"a": 0, "b": 0, "c": 0}


def test_force_downstream_runs_what_is_behind_a_stage_that_ran(pipelines: Project) -> None:
    pipelines.dvcx("repro", "-P").ok()
    pipelines.write("raw.txt", "hello again\n")
    assert actions(pipelines.json("repro", C)) == {"a": "ran", "b": "ran", C: "skip"}
    pipelines.write("raw.txt", "hi\n")
    assert actions(pipelines.json("repro", "--force-downstream", C)) == {"a": "ran", "b": "ran", C: "ran"}
    assert runs(pipelines) == {"a": 3, "b": 3, "c": 2}
    assert actions(pipelines.json("repro", "--force-downstream", C)) == dict.fromkeys(("a", "b", C), "skip")


def test_allow_missing_leaves_outputs_away_that_are_not_here(pipelines: Project) -> None:
    pipelines.dvcx("repro", "b").ok()
    pipelines.commit(message="ran")
    clone = pipelines.clone(pipelines.path.parent / "clone")
    assert set(actions(clone.json("repro", "-n", "b")).values()) == {"run"}
    assert actions(clone.json("repro", "--allow-missing", "b")) == {"a": "skip", "b": "skip"}
    clone.write("a.txt", "edited")
    assert actions(clone.json("repro", "-n", "--allow-missing", "b"))["a"] == "run", "it is there, and another"


def test_allow_missing_still_runs_a_stage_whose_input_changed(pipelines: Project) -> None:
    pipelines.dvcx("repro", "b").ok()
    pipelines.commit(message="ran")
    clone = pipelines.clone(pipelines.path.parent / "clone")
    clone.write("raw.txt", "other\n")
    assert actions(clone.json("repro", "--allow-missing", "b")) == {"a": "ran", "b": "ran"}


def test_pull_brings_dependencies_that_only_the_remote_has(project: Project) -> None:
    use_store(project)
    project.save({"data": "one"})
    project.dvcx("push").ok()
    clone = project.clone(project.path.parent / "clone")
    clone.write("dvcx.yaml", "stages:\n  a: {cmd: cp data a.txt, deps: [data], outs: [a.txt]}\n")
    run = clone.dvcx("repro")
    assert (run.code, "--pull" in run.err) == (7, True)
    assert actions(clone.json("repro", "--pull")) == {"a": "ran"}
    assert clone.read("a.txt") == b"one"


def test_pull_of_what_the_remote_has_not_either_makes_it(pipelines: Project) -> None:
    use_store(pipelines)
    pipelines.save({"data": "one"})
    pipelines.dvcx("push").ok()
    pipelines.dvcx("repro", "b").ok()
    pipelines.commit(message="ran")
    clone = pipelines.clone(pipelines.path.parent / "clone")
    assert actions(clone.json("repro", "--pull", "b")) == {"a": "ran", "b": "ran"}


FAILING = """\
stages:
  bad: {cmd: exit 3, outs: [bad.txt]}
  after: {cmd: cp bad.txt after.txt, deps: [bad.txt], outs: [after.txt]}
  worse: {cmd: exit 4, outs: [worse.txt]}
  good: {cmd: echo > good.txt, outs: [good.txt]}
"""


def test_after_a_failure_nothing_more_starts_unless_it_is_to_keep_going(project: Project) -> None:
    project.write("dvcx.yaml", FAILING)
    run = project.dvcx("repro", "-j", "1", "--json")
    assert (run.code, actions(run.json)["good"]) == (7, "blocked")
    run = project.dvcx("repro", "--keep-going", "-j", "1", "--json")
    assert run.code == 7
    assert actions(run.json) == {"bad": "failed", "after": "blocked", "worse": "failed", "good": "ran"}
    assert project.read("good.txt") == b"\n"


def test_of_several_failures_each_one_has_its_hint(project: Project) -> None:
    project.write("dvcx.yaml", FAILING + "  lost: {cmd: cat gone, deps: [gone]}\n")
    hint = project.dvcx("repro", "-k", "-j", "1").err.rpartition("hint: ")[2]
    assert "worse: see its output with `dvcx stage log worse`" in hint
    assert "lost: put gone there" in hint


def test_no_commit_stores_nothing(pipelines: Project) -> None:
    pipelines.dvcx("repro", "--no-commit", "b").ok()
    assert list(cache_of(pipelines).ids()) == []
    assert actions(pipelines.json("repro", "-n", "b")) == {"a": "skip", "b": "skip"}


def test_no_run_cache_runs_what_could_come_from_the_cache(pipelines: Project) -> None:
    pipelines.dvcx("repro", "b").ok()
    (pipelines.path / "b.txt").unlink()
    assert actions(pipelines.json("repro", "-n", "b"))["b"] == "restore"
    assert actions(pipelines.json("repro", "--no-run-cache", "b")) == {"a": "skip", "b": "ran"}
    assert runs(pipelines)["b"] == 2


# What of the run cache and of a run hangs on the declaration of a stage


def test_a_run_that_made_other_outputs_is_not_taken_for_it(project: Project) -> None:
    text = "stages:\n  a: {cmd: cp in one; cp in two, deps: [in], outs: [%s]}\n"
    project.write("in", "1")
    project.write("dvcx.yaml", text % "one")
    project.dvcx("repro").ok()
    project.write("dvcx.yaml", text % "one, two")
    (project.path / "two").unlink()
    assert actions(project.json("repro")) == {"a": "ran"}
    assert project.read("two") == b"1"


def test_an_output_that_grows_never_comes_from_the_run_cache(project: Project) -> None:
    project.write("dvcx.yaml", "stages:\n  a: {cmd: cat in >> log, deps: [in], outs: [log: {persist: true}]}\n")
    for text in ("1", "2", "1"):
        project.write("in", text)
        assert actions(project.json("repro")) == {"a": "ran"}
    assert project.read("log") == b"121"


def test_how_long_it_took_is_told_and_kept(project: Project) -> None:
    project.write("dvcx.yaml", "stages:\n  a: {cmd: sleep 0.2, always_changed: true}\n")
    (stage,) = project.json("repro")["stages"]
    (run,) = project.json("stage", "log", "a", "--list")["runs"]
    assert 0.2 <= stage["seconds"] < 10
    assert 0.2 <= run["seconds"] < 10
