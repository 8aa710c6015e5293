"""`dvcx repro` on real projects: what runs, what does not, and what is left when it is disturbed."""

from __future__ import annotations

import sys

import pytest

from dvcx.workspace import reading
from tests.functional.arranging import cache_of, use_store
from tests.functional.two_stages import PIPELINE, actions, runs, write_two_stages
from tests.project import Project


@pytest.fixture
def pipeline(project: Project) -> Project:
    return write_two_stages(project)


def test_stages_run_in_order_and_once(pipeline: Project) -> None:
    assert actions(pipeline.json("repro")) == {"upper": "ran", "count": "ran"}
    assert pipeline.read("count.txt").split() == [b"6"]
    assert actions(pipeline.json("repro")) == {"upper": "skip", "count": "skip"}
    assert runs(pipeline) == (1, 1)


def test_what_it_would_do_is_told_with_reasons_and_not_done(pipeline: Project) -> None:
    pipeline.dvcx("repro").ok()
    pipeline.write("raw.txt", "hello world\n")
    before = pipeline.files()
    result = pipeline.json("repro", "--dry-run")
    assert actions(result) == {"upper": "run", "count": "check"}
    (reason,) = result["stages"][0]["reasons"]
    assert (reason["cause"], reason["name"], reason["how"]) == ("dependency", "raw.txt", "changed")
    assert pipeline.files() == before


def test_a_change_that_makes_no_difference_stops_there(pipeline: Project) -> None:
    pipeline.dvcx("repro").ok()
    pipeline.write("raw.txt", "HELLO\n")
    assert actions(pipeline.json("repro")) == {"upper": "ran", "count": "skip"}


def test_a_parameter_runs_only_the_stage_that_depends_on_it(pipeline: Project) -> None:
    pipeline.dvcx("repro").ok()
    pipeline.write("params.yaml", "scale: 2\nother: 3\n")
    result = pipeline.json("repro")
    assert actions(result) == {"upper": "skip", "count": "ran"}
    (reason,) = result["stages"][1]["reasons"]
    assert (reason["name"], reason["old"], reason["new"]) == ("params.yaml:scale", "1", "2")


def test_a_command_that_changed_is_run(pipeline: Project) -> None:
    pipeline.dvcx("repro").ok()
    pipeline.write("dvcx.yaml", PIPELINE.replace("wc -c", "wc -m"))
    assert actions(pipeline.json("repro")) == {"upper": "skip", "count": "ran"}


def test_an_output_that_is_gone_or_was_edited_comes_back_from_the_cache(pipeline: Project) -> None:
    pipeline.dvcx("repro").ok()
    (pipeline.path / "upper.txt").unlink()
    pipeline.write("m.json", "edited")
    assert actions(pipeline.json("repro")) == {"upper": "restored", "count": "restored"}
    assert pipeline.read("upper.txt") == b"HELLO\n"
    assert pipeline.read("m.json") == b'{"n": 6 }\n'
    assert runs(pipeline) == (1, 1)
    pipeline.dvcx("undo").ok()
    assert pipeline.read("m.json") == b"edited"


def test_force_runs_what_is_fresh_and_single_item_only_the_target(pipeline: Project) -> None:
    pipeline.dvcx("repro").ok()
    assert actions(pipeline.json("repro", "-s", "-f", "count")) == {"count": "ran"}
    assert actions(pipeline.json("repro", "-f", "upper")) == {"upper": "ran"}
    assert runs(pipeline) == (2, 2)


def test_downstream_means_what_is_behind(pipeline: Project) -> None:
    pipeline.dvcx("repro").ok()
    assert actions(pipeline.json("repro", "--downstream", "count")) == {"count": "skip"}
    assert list(actions(pipeline.json("repro", "--downstream", "upper"))) == ["upper", "count"]
    assert actions(pipeline.json("repro", "-f", "-s", "--force-downstream", "upper")) == {"upper": "ran"}


def test_an_output_is_tracked_data_for_every_command(pipeline: Project) -> None:
    use_store(pipeline)
    pipeline.dvcx("repro").ok()
    pipeline.commit(message="ran")
    assert [each["path"] for each in pipeline.json("ls")["entries"]] == ["count.txt", "upper.txt"]
    assert pipeline.read(".gitignore").splitlines() == [b"*.log", b"/upper.txt", b"/count.txt"]
    assert "m.json" in pipeline.git("ls-files")
    pipeline.dvcx("push").ok()
    clone = pipeline.clone(pipeline.path.parent / "clone")
    clone.dvcx("pull").ok()
    assert clone.read("upper.txt") == b"HELLO\n"
    assert clone.read("count.txt").split() == [b"6"]
    assert actions(clone.json("repro")) == {"upper": "skip", "count": "skip"}
    clone.write("upper.txt", "mine")
    assert [each["state"] for each in clone.json("status")["outputs"]] == ["clean", "changed"]
    clone.dvcx("checkout", "--force").ok()
    assert clone.read("upper.txt") == b"HELLO\n"


def test_pull_fetches_what_the_last_runs_made_and_runs_nothing(pipeline: Project) -> None:
    use_store(pipeline)
    pipeline.dvcx("repro").ok()
    pipeline.commit(message="ran")
    pipeline.dvcx("push").ok()
    clone = pipeline.clone(pipeline.path.parent / "clone")
    assert set(actions(clone.json("repro", "--dry-run")).values()) == {"run"}
    assert actions(clone.json("repro", "--pull")) == {"upper": "restored", "count": "restored"}
    assert clone.read("upper.txt") == b"HELLO\n"


def test_the_name_of_a_stage_means_what_it_made(pipeline: Project) -> None:
    use_store(pipeline)
    pipeline.dvcx("repro").ok()
    assert pipeline.json("push", "upper")["objects"] == 1
    assert pipeline.json("push", "upper", "count")["objects"] == 1
    assert [each["path"] for each in pipeline.json("status", "count")["outputs"]] == ["count.txt"]


def test_gc_keeps_what_a_lock_of_any_commit_names(pipeline: Project) -> None:
    pipeline.dvcx("repro").ok()
    pipeline.commit(message="one")
    pipeline.write("raw.txt", "second version\n")
    pipeline.dvcx("repro").ok()
    pipeline.commit(message="two")
    pipeline.dvcx("gc", "--yes", "--older-than", "0s").ok()
    pipeline.git("checkout", "-q", "HEAD~1")
    pipeline.dvcx("checkout").ok()
    assert pipeline.read("upper.txt") == b"HELLO\n"
    pipeline.git("checkout", "-q", "--detach")
    pipeline.git("branch", "-D", "main")
    assert pipeline.json("gc", "--dry-run", "--older-than", "0s")["items"] != []


def test_data_in_the_way_of_an_output_goes_to_the_trash(pipeline: Project) -> None:
    pipeline.write("upper.txt", "precious")
    pipeline.dvcx("repro").ok()
    assert pipeline.read("upper.txt") == b"HELLO\n"
    pipeline.dvcx("undo").ok()
    assert pipeline.read("upper.txt") == b"precious"


def test_a_failing_stage_stops_what_depends_on_it(pipeline: Project) -> None:
    pipeline.write("dvcx.yaml", PIPELINE.replace("tr a-z A-Z", "echo broken >&2; exit 3; tr"))
    run = pipeline.dvcx("repro", "--json")
    assert run.code == 7
    assert actions(run.json) == {"upper": "failed", "count": "blocked"}
    assert "exit code 3" in run.err
    assert "dvcx stage log upper" in run.err
    assert not (pipeline.path / "dvcx.lock").exists()


def test_keep_going_runs_the_rest(pipeline: Project) -> None:
    more = "  other:\n    cmd: echo x > other.txt\n    outs: [other.txt]\n"
    broken = PIPELINE.replace("tr a-z A-Z", "exit 3; tr") + more
    pipeline.write("dvcx.yaml", broken)
    run = pipeline.dvcx("repro", "-k", "-j", "1", "--json")
    assert (run.code, actions(run.json)) == (7, {"upper": "failed", "count": "blocked", "other": "ran"})
    assert pipeline.read("other.txt") == b"x\n"


def test_an_output_that_was_not_made_is_a_failure_that_names_it(pipeline: Project) -> None:
    pipeline.write("dvcx.yaml", PIPELINE.replace("outs: [count.txt]", "outs: [count.txt, nowhere.txt]"))
    run = pipeline.dvcx("repro")
    assert run.code == 7
    assert "did not make its output nowhere.txt" in run.err
    assert actions(pipeline.json("repro", "-n")) == {"upper": "skip", "count": "run"}


def test_a_dependency_that_is_nowhere_is_told(pipeline: Project) -> None:
    (pipeline.path / "raw.txt").unlink()
    run = pipeline.dvcx("repro")
    assert run.code == 7
    assert "raw.txt is not there" in run.err
    assert runs(pipeline) == (0, 0)


def test_a_parameter_that_is_nowhere_is_told(pipeline: Project) -> None:
    pipeline.write("params.yaml", "other: 1\n")
    run = pipeline.dvcx("repro")
    assert (run.code, "params.yaml has no parameter scale" in run.err) == (7, True)


def test_a_frozen_stage_and_what_it_needs_stay(pipeline: Project) -> None:
    pipeline.dvcx("repro").ok()
    pipeline.write("dvcx.yaml", PIPELINE.replace("  count:\n", "  count:\n    frozen: true\n"))
    pipeline.write("raw.txt", "changed\n")
    assert actions(pipeline.json("repro", "count")) == {"count": "skip"}
    assert runs(pipeline) == (1, 1)


def test_always_changed_runs_every_time_and_never_comes_from_the_cache(pipeline: Project) -> None:
    pipeline.write("dvcx.yaml", PIPELINE.replace("  upper:\n", "  upper:\n    always_changed: true\n"))
    pipeline.dvcx("repro").ok()
    assert actions(pipeline.json("repro")) == {"upper": "ran", "count": "skip"}
    assert runs(pipeline) == (2, 1)


def test_a_stage_that_keeps_its_output_finds_it_and_does_not_write_into_the_cache(project: Project) -> None:
    with (project.path / ".dvcx/config.toml").open("a") as config:
        config.write('[cache]\ntype = ["hardlink"]\npack_below = 1\n')
    project.write(
        "dvcx.yaml",
        "stages:\n  grow:\n    cmd: echo more >> grown.txt\n    always_changed: true\n"
        "    outs:\n    - grown.txt: {persist: true}\n",
    )
    project.dvcx("repro").ok()
    project.commit(message="one")
    project.dvcx("repro").ok()
    assert project.read("grown.txt") == b"more\nmore\n"
    assert project.dvcx("fsck").ok()
    project.git("checkout", "-q", "-f", "HEAD")
    project.dvcx("checkout", "--force").ok()
    assert project.read("grown.txt") == b"more\n"


def test_folders_and_patterns_as_outputs(project: Project) -> None:
    project.write(
        "dvcx.yaml",
        "stages:\n  make:\n    cmd: mkdir -p out/sub; echo a > out/sub/a; echo x > part1.csv; echo y > part2.csv\n"
        "    outs: [out, 'part*.csv']\n"
        "  use:\n    cmd: cat out/sub/a part*.csv > all.txt\n    deps: [out/sub/a, 'part*.csv']\n    outs: [all.txt]\n",
    )
    project.dvcx("repro").ok()
    assert project.read("all.txt") == b"a\nx\ny\n"
    assert [each["path"] for each in project.json("ls")["entries"]] == ["all.txt", "out", "part1.csv", "part2.csv"]
    assert actions(project.json("repro")) == {"make": "skip", "use": "skip"}
    project.write("part3.csv", "z\n")
    assert actions(project.json("repro")) == {"make": "restored", "use": "skip"}
    assert not (project.path / "part3.csv").exists()
    project.dvcx("undo").ok()
    assert project.read("part3.csv") == b"z\n"


def test_stages_in_subfolders_name_their_files_from_there(project: Project) -> None:
    project.write("data.txt", "data\n")
    project.write(
        "sub/dvcx.yaml",
        "stages:\n  copy:\n    cmd: cp ../data.txt out.txt\n    deps: [../data.txt]\n    outs: [out.txt]\n",
    )
    result = project.json("repro", cwd="sub")
    assert actions(result) == {"sub/dvcx.yaml:copy": "ran"}
    lock = project.read("sub/dvcx.lock").decode()
    assert '"../data.txt":' in lock
    assert "      out.txt:" in lock
    assert project.read("sub/.gitignore") == b"/out.txt\n"
    (project.path / "sub/out.txt").unlink()
    project.dvcx("checkout", "sub/out.txt").ok()
    assert project.read("sub/out.txt") == b"data\n"


def test_a_record_whose_stage_is_gone_leaves_the_lock(pipeline: Project) -> None:
    pipeline.dvcx("repro").ok()
    pipeline.write("dvcx.yaml", PIPELINE.replace("  count:\n", "  tally:\n"))
    pipeline.dvcx("repro").ok()
    lock = pipeline.read("dvcx.lock").decode()
    assert "  tally:" in lock
    assert "  count:" not in lock
    assert pipeline.json("status")["broken"] == {}


def test_add_move_and_remove_leave_outputs_of_stages_alone(pipeline: Project) -> None:
    pipeline.dvcx("repro").ok()
    for words in (["add", "upper.txt"], ["remove", "upper.txt"], ["move", "upper.txt", "x.txt"]):
        run = pipeline.dvcx(*words)
        assert (run.code, "made by the stage upper" in run.err) == (6, True), words
    assert actions(pipeline.json("repro")) == {"upper": "skip", "count": "skip"}


def test_nothing_is_stored_with_no_commit_until_it_is_committed(pipeline: Project) -> None:
    pipeline.dvcx("repro", "--no-commit").ok()
    assert list(cache_of(pipeline).ids()) == []
    assert actions(pipeline.json("repro", "-n")) == {"upper": "skip", "count": "skip"}
    result = pipeline.json("commit")
    assert {each["path"]: each["change"] for each in result["outputs"]} == {
        "upper.txt": "stored",
        "count.txt": "stored",
    }
    (pipeline.path / "upper.txt").unlink()
    pipeline.dvcx("checkout").ok()
    assert pipeline.read("upper.txt") == b"HELLO\n"
    pipeline.write("count.txt", "7")
    result = pipeline.json("commit", "count.txt")
    assert [(each["path"], each["change"]) for each in result["outputs"]] == [("count.txt", "updated")]
    assert result["changed_files"] == ["dvcx.lock"]
    assert actions(pipeline.json("repro", "-n")) == {"upper": "skip", "count": "skip"}


def test_an_output_that_git_tracks_is_refused_before_anything_runs(pipeline: Project) -> None:
    pipeline.write("upper.txt", "in git")
    pipeline.git("add", "-f", "upper.txt")
    pipeline.commit(message="oops")
    run = pipeline.dvcx("repro")
    assert (run.code, "tracked by Git itself" in run.err) == (6, True)
    assert runs(pipeline) == (0, 0)
    assert pipeline.read("upper.txt") == b"in git"


def test_it_works_without_git(plain_project: Project) -> None:
    plain_project.write("dvcx.yaml", "stages:\n  a:\n    cmd: echo a > a.txt\n    outs: [a.txt]\n")
    plain_project.dvcx("repro").ok()
    assert actions(plain_project.json("repro")) == {"a": "skip"}
    assert [each["path"] for each in plain_project.json("ls")["entries"]] == ["a.txt"]


def test_nothing_is_hashed_twice_in_one_command(pipeline: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    real = reading.read_file

    def counting(absolute: str, path: str, *rest: object) -> object:
        hashed.append(path)
        return real(absolute, path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr("dvcx.workspace.scan.read_file", counting)
    pipeline.dvcx("repro").ok()
    assert sorted(hashed) == ["count.txt", "m.json", "raw.txt", "upper.txt"]


def test_the_command_finds_the_stage_and_the_project_in_its_environment_and_can_call_dvcx(project: Project) -> None:
    project.write(
        "dvcx.yaml",
        'stages:\n  a:\n    cmd: echo "$DVCX_STAGE $DVCX_ROOT" > a.txt; $PYTHON -m dvcx root >> a.txt\n'
        "    outs: [a.txt]\n",
    )
    project.dvcx("repro", environment={"PYTHON": sys.executable}).ok()
    assert project.read("a.txt").decode() == f"a {project.path}\n{project.path}\n"


def test_status_tells_what_is_stale_and_why_and_runs_nothing(pipeline: Project) -> None:
    assert [each["state"] for each in pipeline.json("status")["stages"]] == ["stale", "stale"]
    pipeline.dvcx("repro").ok()
    assert pipeline.json("status")["stages"] == []
    assert pipeline.dvcx("status", "--exit-code").code == 0
    pipeline.write("raw.txt", "changed\n")
    result = pipeline.json("status")
    assert [(each["stage"], each["state"]) for each in result["stages"]] == [("upper", "stale"), ("count", "behind")]
    assert pipeline.dvcx("status", "--exit-code").code == 1
    assert "stage upper  (dependency raw.txt changed" in pipeline.dvcx("status").out
    assert runs(pipeline) == (1, 1)


def test_status_of_a_fresh_clone_has_no_stale_stages(pipeline: Project) -> None:
    pipeline.dvcx("repro").ok()
    pipeline.commit(message="ran")
    clone = pipeline.clone(pipeline.path.parent / "clone")
    assert clone.json("status")["stages"] == []


def test_status_tells_a_pipeline_that_cannot_be_used_and_the_rest_too(pipeline: Project) -> None:
    pipeline.save({"data/a": "one"})
    pipeline.write("dvcx.yaml", "stages:\n  a:\n    cmd: [\n")
    result = pipeline.json("status")
    assert list(result["broken"]) == ["dvcx.yaml"]
    assert [each["path"] for each in result["outputs"]] == ["data"]


def test_a_dependency_at_a_url_is_asked_for_when_stages_run_and_not_by_status(project: Project) -> None:
    store = use_store(project)
    (store / "in").mkdir(parents=True)
    (store / "in/a.txt").write_text("one")
    project.write(
        "dvcx.yaml",
        f"stages:\n  a:\n    cmd: cp {store}/in/a.txt a.txt\n    deps: [remote://store/in/a.txt]\n    outs: [a.txt]\n",
    )
    assert actions(project.json("repro")) == {"a": "ran"}
    assert actions(project.json("repro")) == {"a": "skip"}
    (store / "in/a.txt").write_text("two!")
    assert project.json("status")["stages"] == []
    assert actions(project.json("repro")) == {"a": "ran"}
    assert project.read("a.txt") == b"two!"


def test_a_dataset_of_dvc_is_refused_where_it_would_be_run_and_read_elsewhere(project: Project) -> None:
    project.write(
        "dvcx.yaml",
        "datasets: [{name: digits, url: 's3://b/x', type: url}]\n"
        "stages:\n  a: {cmd: x, deps: ['ds://digits']}\n  b: {cmd: echo > b, outs: [b]}\n",
    )
    for words in (["repro"], ["repro", "a"], ["repro", "-n", "a"]):
        run = project.dvcx(*words)
        assert run.code == 6
        assert "ds://digits is a dataset in the sense of DVC" in run.err
        assert "dvcx import-url" in run.err
    project.dvcx("repro", "b").ok()
    for words in (["status"], ["dag"], ["stage", "list"], ["why", "a"]):
        project.dvcx(*words).ok()


def test_variables_are_recorded_as_hashes_and_a_change_makes_the_stage_stale(project: Project) -> None:
    project.write(
        "dvcx.yaml", "stages:\n  a:\n    cmd: echo $TOKEN > a.txt\n    deps: ['env:TOKEN']\n    outs: [a.txt]\n"
    )
    project.dvcx("repro", environment={"TOKEN": "secret"}).ok()
    assert b"secret" not in project.read("dvcx.lock")
    assert project.dvcx("status", "--json", environment={"TOKEN": "secret"}).json["stages"] == []
    (stage,) = project.dvcx("status", "--json", environment={"TOKEN": "other"}).json["stages"]
    assert stage["reasons"][0]["name"] == "env:TOKEN"


def test_a_package_and_a_file_outside_are_dependencies(project: Project) -> None:
    outside = project.path.parent / "outside.txt"
    outside.write_text("one")
    project.write(
        "dvcx.yaml",
        f"stages:\n  a:\n    cmd: cp {outside} a.txt\n    deps: ['pkg:pytest', {outside}]\n    outs: [a.txt]\n",
    )
    project.dvcx("repro").ok()
    assert actions(project.json("repro")) == {"a": "skip"}
    outside.write_text("two")
    assert actions(project.json("repro")) == {"a": "ran"}


def test_an_output_that_is_not_to_be_pushed_or_goes_to_another_remote_is_left_out(project: Project) -> None:
    use_store(project)
    project.dvcx("remote", "add", "other", str(project.path.parent / "other")).ok()
    project.dvcx("config", "core.remote", "store").ok()
    project.write(
        "dvcx.yaml",
        "stages:\n  a:\n    cmd: echo a > a.txt; echo b > b.txt; echo c > c.txt\n"
        "    outs:\n    - a.txt\n    - b.txt: {push: false}\n    - c.txt: {remote: other}\n",
    )
    project.dvcx("repro").ok()
    project.commit(message="ran")
    everything: tuple[list[str], ...] = (["--all-commits"], ["--all-branches"], ["--rev", "HEAD"], ["--run-cache"], [])
    for words in everything:
        assert project.json("push", "--dry-run", *words)["objects"] == 1, words
        assert project.json("push", "--dry-run", "-r", "other", *words)["objects"] == 2, words
    assert project.json("push", "--run-cache", "--all-commits")["objects"] == 1
    assert project.json("push", "-r", "other")["objects"] == 2
    assert project.json("push")["objects"] == 0, "the run cache took nothing along that is to stay here"
    clone = project.clone(project.path.parent / "clone")
    for words in everything:
        assert clone.json("fetch", *words)["objects"] == (1 if words == ["--all-commits"] else 0), words
    assert clone.json("fetch", "-r", "other")["objects"] == 1
