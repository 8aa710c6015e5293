from __future__ import annotations

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import dvcx
from dvcx.cli.render.document import plain
from tests.api.conftest import drop_cache
from tests.project import Project


def test_a_day_of_work_gives_the_values_that_json_prints(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    project, twin = Project.make(tmp_path / "a/project"), Project.make(tmp_path / "b/project")
    for each in (project, twin):
        each.dvcx("remote", "add", "-d", "store", "../store").ok()
        each.commit(message="a remote")
        for name, text in {"data/a": "one", "data/sub/b": "two"}.items():
            each.write(name, text)
    repo = dvcx.Repo(project.path / "data")
    capfd.readouterr()
    assert plain(repo.add("data", desc="first")) == twin.json("add", "data", "--desc", "first")
    for each in (project, twin):
        each.commit(message="data")
    assert plain(repo.status()) == twin.json("status")
    assert plain(repo.push(jobs=2)) == twin.json("push", "-j", "2")
    for each in (project, twin):
        each.write("data/a", "changed")
        (each.path / "data/sub/b").unlink()
    assert plain(repo.diff()) == twin.json("diff")
    assert plain(repo.commit()) == twin.json("commit")
    assert plain(repo.diff("HEAD", None, "data")) == twin.json("diff", "HEAD", "--targets", "data")
    for each in (project, twin):
        each.git("checkout", "-q", "data.dvcx")
    assert plain(repo.checkout(dry_run=True)) == twin.json("checkout", "--dry-run")
    assert plain(repo.checkout()) == twin.json("checkout")
    for each in (project, twin):
        drop_cache(each)
        shutil.rmtree(each.path / "data")
    assert plain(repo.fetch("data/a")) == twin.json("fetch", "data/a")
    assert plain(repo.pull()) == twin.json("pull")
    assert plain(repo.ls("data", recursive=True)) == twin.json("ls", "-R", "data")
    assert plain(repo.du()) == twin.json("du")
    assert plain(repo.move("data", "moved")) == twin.json("move", "data", "moved")
    assert plain(repo.remove("moved", outs=True)) == twin.json("remove", "--outs", "moved")
    assert repo.root == project.path
    out, err = capfd.readouterr()
    assert (out, err) == ("", ""), "nothing prints"


def test_paths_are_those_of_the_project_wherever_python_runs(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("data/a", "one")
    (project.path / "elsewhere").mkdir()
    monkeypatch.chdir(project.path / "elsewhere")
    (added,) = dvcx.Repo().add("data").outputs
    assert added.path == "data"
    (again,) = dvcx.Repo().add(project.path / "data").outputs
    assert (again.path, again.change) == ("data", "unchanged")
    assert os.getcwd() == str(project.path / "elsewhere")


def test_work_done_in_part_is_an_error_that_tells_what_was_done(project: Project) -> None:
    project.save({"a": "one", "b": "two"}, "a", "b")
    drop_cache(project)
    (project.path / "a").unlink()
    repo = dvcx.Repo(project.path)
    with pytest.raises(dvcx.MissingData) as caught:
        repo.push()
    printed = project.dvcx("push", "--json")
    assert printed.code == 4 and plain(caught.value.result) == json.loads(printed.out)
    with pytest.raises(dvcx.MissingData):
        repo.checkout()
    assert repo.checkout(allow_missing=True).missing == ("a",)


def test_what_a_command_refuses_is_refused_here_with_its_reason(project: Project) -> None:
    project.save({"a": "one"}, "a")
    project.write("a", "edited")
    repo = dvcx.Repo(project.path)
    with pytest.raises(dvcx.Refused) as caught:
        repo.checkout()
    assert caught.value.hint and caught.value.names == ("a",)
    with pytest.raises(dvcx.UsageError):
        repo.add("../outside")
    with pytest.raises(dvcx.DvcxError):
        dvcx.Repo(project.path.parent)


def test_notes_imports_and_frozen_data(project: Project, tmp_path: Path) -> None:
    other = Project.make(tmp_path / "other")
    other.save({"data/a": "one"}, "data", tag="v1")
    repo = dvcx.Repo(project.path)
    assert repo.import_data("../other", "data", rev="v1", out="taken").change == "added"
    assert repo.note("taken", desc="owls", labels=["raw"], meta={"n": 1}).labels == ("raw",)
    notes = repo.get_notes("taken")
    assert (notes.desc, notes.meta, (notes.source or {})["rev"]) == ("owls", {"n": 1}, "v1")
    other.save({"data/a": "two"}, "data", tag="v2")
    repo.freeze("taken")
    with pytest.raises(dvcx.Refused):
        repo.update("taken", rev="v2")
    assert repo.update().outputs == () and project.read("taken/a") == b"one"
    repo.unfreeze("taken")
    (checked,) = repo.update("taken", rev="v2", check=True).outputs
    assert checked.change == "outdated" and project.read("taken/a") == b"one"
    repo.update("taken", rev="v2")
    assert project.read("taken/a") == b"two" and repo.get_notes("taken").desc == "owls"
    (tmp_path / "x.csv").write_text("x")
    assert repo.import_url(str(tmp_path / "x.csv"), "x.csv").size == 1


def test_a_project_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    repo = dvcx.Repo.init(tmp_path / "plain", git=False)
    (tmp_path / "plain/a").write_text("one")
    repo.add("a")
    assert repr(repo) == f"dvcx.Repo('{tmp_path}/plain')" and not repo.status().is_dirty


def test_threads_that_add_at_once_wait_for_each_other(project: Project) -> None:
    for number in range(8):
        project.write(f"{number}.bin", str(number))
    repo = dvcx.Repo(project.path)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: repo.add(f"{number}.bin"), range(8)))
    assert len(repo.ls().entries) == 8 and not repo.status().is_dirty
