"""`dvcx pull` and `dvcx fetch`: which part of the data comes, and what the workspace is then."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from dvcx.storage.bucket_wrappers import CountingBucket
from dvcx.storage.folder_bucket import FolderBucket
from tests.functional.arranging import use_store
from tests.project import Project


def test_a_pull_leaves_out_large_files_and_gets_them_later(project: Project, tmp_path: Path) -> None:
    use_store(project)
    large = random.Random(1).randbytes(200_000)
    project.save({"data/small": "s", "data/large": large, "big": large[::-1]})
    project.dvcx("push").ok()
    clone = project.clone(tmp_path / "clone")
    clone.dvcx("pull", "--max-size", "100k").ok()
    assert clone.files("data") == {"small": b"s"} and not (clone.path / "big").exists()
    status = clone.json("status")
    assert {each["path"]: each["not_fetched"] for each in status["outputs"]} == {"big": 1, "data": 1}
    assert clone.dvcx("status", "--exit-code").code == 0, "what was left out on purpose is no change"
    clone.dvcx("pull").ok()
    assert clone.files("data") == project.files("data") and clone.read("big") == large[::-1]


def test_max_size_does_not_hide_small_files_that_are_nowhere(project: Project, tmp_path: Path) -> None:
    use_store(project)
    project.save({"data/small": "s", "data/other": "o"})
    project.dvcx("push", "data/other").ok()
    clone = project.clone(tmp_path / "clone")
    result = clone.dvcx("pull", "--max-size", "100k")
    assert result.code == 4 and "data/small" in result.err


def test_a_few_of_very_many_files_cost_one_index_and_a_few_ranges(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = use_store(project)
    files = {f"data/{n % 10}/{n:05}": f"content of {n}" for n in range(3000)}
    project.save(files)
    project.dvcx("push").ok()
    clone = project.clone(tmp_path / "clone")
    counted = counting(store, monkeypatch)
    wanted = [f"data/3/{n:05}" for n in range(3, 1000, 10)]
    result = clone.json("pull", *wanted)
    assert result["fetched"]["objects"] >= 100
    counts = counted.counts
    # dvcx.json, the index and three levels of trees, then ranges of one pack.
    assert counts.listings == 1 and counts.reads <= 6 and counts.writes == 0
    assert {f"data/{name}" for name in clone.files("data")} == set(wanted)


def counting(folder: Path, monkeypatch: pytest.MonkeyPatch) -> CountingBucket:
    """Counts what the next commands in this process ask of the remote in `folder`."""
    bucket = CountingBucket(FolderBucket(folder))
    monkeypatch.setattr("dvcx.operations.remotes.open_bucket", lambda *_: bucket)
    return bucket


def test_a_plan_of_a_fetch_tells_what_leaves_the_store(project: Project, tmp_path: Path) -> None:
    use_store(project, "price_out = 1048576\nprice_read = 0\n")
    project.save({"data": b"x" * 1024})
    project.dvcx("push").ok()
    clone = project.clone(tmp_path / "clone")
    plan = clone.json("fetch", "--plan")
    assert plan["cost"]["out"] == 1.0 and plan["size"] == 1024
    assert not list((clone.own_folder / "cache").rglob("*.pack"))
