"""`dvcx pull` and `dvcx fetch`: which part of the data comes, and what the workspace is then."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from dvcx.base.copying import HashingSink
from dvcx.base.hashing import ALGORITHMS
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


MODEL = random.Random(2).randbytes(3 << 20)


def smaller_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of a MiB are put together and copied like those of more than 64."""
    monkeypatch.setattr("dvcx.storage.copies.LEAST", 1 << 20)
    monkeypatch.setattr("dvcx.storage.download._TOGETHER", 1 << 20)


@pytest.fixture
def one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy from the cache into the workspace is an error."""
    smaller_is_large(monkeypatch)

    def copied_again(*arguments: object, **options: object) -> None:
        raise AssertionError("the workspace's file was copied from the cache")

    monkeypatch.setattr("dvcx.workspace.staging.hash_and_copy", copied_again)


def pushed_model(project: Project) -> Path:
    """Pushes a large executable file to a store in a folder."""
    store = use_store(project)
    project.save({"model": MODEL})
    (project.path / "model").chmod(0o755)
    project.save({"model": MODEL})
    project.dvcx("push").ok()
    return store


def test_a_pull_writes_cache_and_workspace_in_one_pass(project: Project, tmp_path: Path, one_pass: None) -> None:
    pushed_model(project)
    clone = project.clone(tmp_path / "clone")
    clone.dvcx("pull").ok()
    assert clone.read("model") == MODEL and os.access(clone.path / "model", os.X_OK)
    assert clone.dvcx("status", "--exit-code").code == 0 and clone.dvcx("fsck").code == 0
    (cached,) = (path for path in (clone.own_folder / "cache" / "loose").rglob("*") if path.is_file())
    assert cached.read_bytes() == MODEL and cached.stat().st_nlink == 1
    assert cached.stat().st_ino != (clone.path / "model").stat().st_ino
    assert not list(clone.own_folder.rglob("copy-*")), "what was not taken is cleared"


def test_a_pull_does_not_trust_a_copy_that_came_damaged(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = pushed_model(project)
    smaller_is_large(monkeypatch)
    flipping = FlippingOnce(store)
    monkeypatch.setattr("dvcx.operations.remotes.open_bucket", lambda *_: flipping)
    clone = project.clone(tmp_path / "clone")
    clone.dvcx("pull").ok()
    assert flipping.flipped, "or this test shows nothing"
    assert clone.read("model") == MODEL and clone.dvcx("fsck").code == 0


class FlippingOnce(FolderBucket):
    """A folder whose first long answer has a wrong bit in its middle."""

    flipped = False

    def read_range(self, name: str, start: int, end: int) -> bytes:
        """Gives the bytes, the first time wrong ones."""
        data = super().read_range(name, start, end)
        if self.flipped or len(data) < 1 << 20:
            return data
        self.flipped = True
        wrong = bytearray(data)
        wrong[len(wrong) // 2] ^= 1
        return bytes(wrong)


def test_a_copy_that_cannot_be_written_does_not_spoil_the_object(tmp_path: Path) -> None:
    (tmp_path / "copy").touch()
    hasher = ALGORITHMS["blake3"].new()
    with (
        open(tmp_path / "object", "wb") as target,
        open(tmp_path / "copy", "rb") as closed_to_writes,
        HashingSink(hasher, target.fileno(), closed_to_writes.fileno()) as sink,
    ):
        sink.write(MODEL)
    assert not sink.copied
    assert (tmp_path / "object").read_bytes() == MODEL and hasher.digest() == ALGORITHMS["blake3"].of(MODEL)
