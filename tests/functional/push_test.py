"""`dvcx push`: what it sends where, what it says it would do, and to how many remotes."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from dvcx.config.schema import RemoteConfig
from dvcx.operations.prices import cost_of
from tests.functional.arranging import configure, use_store
from tests.project import Project


def remotes(project: Project, *names: str, more: str = "") -> list[Path]:
    """Makes folders beside the project remotes, the first one the default."""
    folders = [project.path.parent / name for name in names]
    for name, folder in zip(names, folders, strict=True):
        project.dvcx("remote", "add", *(["-d"] if name == names[0] else []), name, str(folder)).ok()
    for line in more.splitlines():
        project.dvcx("config", *line.split()).ok()
    return folders


def bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.pack"))


def test_a_push_sends_what_lacks_and_a_second_one_nothing(project: Project) -> None:
    use_store(project)
    project.save({"data/a": "a", "data/b": "b"})
    first = project.json("push")
    assert (first["objects"], first["packs"], first["missing"]) == (3, 1, [])
    assert project.json("push")["objects"] == 0


def test_copies_asks_for_so_many_remotes(project: Project) -> None:
    one, two, three = remotes(project, "one", "two", "three", more="core.copies 2")
    project.save({"data": "text"})
    result = project.json("push")
    assert [each["remote"] for each in result["pushes"]] == ["one", "two"]
    assert bytes_in(one) and bytes_in(two) and not three.exists()
    assert project.json("push", "-r", "three")["remote"] == "three"


def test_fewer_remotes_than_copies_is_an_error(project: Project) -> None:
    remotes(project, "one", more="core.copies 2")
    project.save({"data": "text"})
    result = project.dvcx("push")
    assert result.code == 2 and "core.copies asks for 2 copies, but there are only 1" in result.err


def test_all_remotes_get_the_data_and_one_that_fails_does_not_keep_the_others_back(project: Project) -> None:
    one, two, three = remotes(project, "one", "two", "three")
    project.save({"data": "text"})
    two.write_text("a file where the folder should be")
    result = project.dvcx("push", "--all-remotes", "--json")
    assert result.code == 5
    assert [each["remote"] for each in result.json["pushes"]] == ["one", "three"]
    assert [each["remote"] for each in result.json["failed"]] == ["two"]
    assert "the push to two failed" in result.err and "all is on one and three" in result.err
    assert bytes_in(one) and bytes_in(three)
    assert project.dvcx("push", "--all-remotes", "-r", "one").code == 2


def test_without_a_default_all_remotes_are_still_all(project: Project) -> None:
    configure(project, '[remote.a]\nurl = "../a"\n[remote.b]\nurl = "../b"\n')
    project.save({"data": "text"})
    assert project.dvcx("push").code == 2
    assert [each["remote"] for each in project.json("push", "--all-remotes")["pushes"]] == ["a", "b"]


def test_files_above_a_size_stay_and_come_with_a_later_push(project: Project) -> None:
    store = use_store(project)
    project.save({"data/small": "s", "data/sub/large": random.Random(1).randbytes(200_000), "big": bytes(300_000)})
    assert project.json("push", "--max-size", "100k")["objects"] == 3  # small and two trees
    assert bytes_in(store) < 100_000
    assert project.json("push")["objects"] == 2
    assert project.dvcx("push", "--max-size", "much").code == 2


def test_the_data_of_a_revision_is_pushed_by_its_name(project: Project) -> None:
    use_store(project)
    project.save({"data": "old"}, tag="v1")
    project.save({"data": "new"})
    assert project.json("push", "--rev", "v1")["objects"] == 1
    shutil.rmtree(project.own_folder / "cache")
    assert project.dvcx("fetch").code == 4
    assert project.json("fetch", "--rev", "v1")["objects"] == 1
    assert project.dvcx("push", "--rev", "nothing").code != 0


@pytest.mark.parametrize("word", ["--dry-run", "--plan", "-n"])
def test_a_plan_tells_objects_bytes_and_requests_and_writes_nothing(project: Project, word: str) -> None:
    store = use_store(project)
    project.save({"data/a": "a" * 1000, "data/b": "b" * 500})
    plan = project.json("push", word)
    assert (plan["objects"], plan["size"], plan["dry_run"], plan["cost"]) == (3, 1500, True, None)
    assert plan["requests"] <= 10 and not store.exists()
    project.dvcx("push").ok()
    assert project.dvcx("push", word).ok().lines == ["would push to store: 0 objects, 0 B of content, about 2 requests"]


def test_a_plan_tells_costs_by_the_prices_of_the_configuration(project: Project) -> None:
    use_store(project, "price_write = 1000\nprice_month = 1048576\n")
    project.save({"data": b"x" * 1024})
    plan = project.json("push", "--plan")
    assert plan["cost"]["month"] == pytest.approx(1.0)
    assert 3 <= plan["cost"]["requests"] <= plan["requests"]
    assert plan["cost"]["prices"] == "prices of the configuration"
    assert "that costs about $" in project.dvcx("push", "--plan").ok().out


@pytest.mark.parametrize(
    ("url", "options", "month", "out"),
    [
        ("s3://b/x", {}, 0.023, 0.09),
        ("gs://b/x", {}, 0.020, 0.12),
        ("abfs://b@account.dfs.core.windows.net/x", {}, 0.018, 0.087),
        ("s3://b/x", {"endpoint_url": "https://id.r2.cloudflarestorage.com"}, 0.015, 0.0),
        ("s3://b/x", {"endpoint_url": "https://s3.eu-central-003.backblazeb2.com"}, 0.0064, 0.0107),
        ("s3://b/x", {"endpoint_url": "https://s3.wasabisys.com"}, 0.0078, 0.0),
    ],
)
def test_the_large_clouds_have_list_prices(url: str, options: dict[str, str], month: float, out: float) -> None:
    cost = cost_of(RemoteConfig("store", url, options=options), writes=0, reads=0, size_in=1 << 30, size_out=1 << 30)
    assert cost is not None and (cost.month, cost.out) == (month, out)
    assert cost.prices.startswith("list prices of 20")


def test_a_server_of_ones_own_has_no_prices_until_they_are_told() -> None:
    for url in ("https://minio.example.org", "https://notwasabisys.com"):
        own = RemoteConfig("store", "s3://b/x", options={"endpoint_url": url})
        assert cost_of(own, writes=1, reads=1) is None
        told = cost_of(replace(own, price_out=0.5), writes=1, reads=1, size_out=1 << 30)
        assert told is not None and (told.out, told.prices) == (0.5, "prices of the configuration")


def test_each_remote_is_compressed_as_its_setting_says(project: Project) -> None:
    folders = remotes(project, "store", "raw", "small")
    project.dvcx("remote", "modify", "raw", "compression", "none").ok()
    project.dvcx("remote", "modify", "small", "compression", "zstd:19").ok()
    noise = random.Random(1).randbytes(100_000)
    text = "".join(f"{n},{n * n % 997},owl\n" for n in range(60_000))
    project.save({"noise": noise, "text": text})
    for name in ("store", "raw", "small"):
        project.dvcx("push", "-r", name).ok()
    quick, raw, small = (bytes_in(folder) - len(noise) for folder in folders)
    assert len(text) < raw < len(text) + 2_000
    assert max(small, quick) < 0.5 * raw and small != quick, (small, quick, raw)


def test_a_rate_bounds_how_fast_bytes_go(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    use_store(project)
    project.save({"data": random.Random(1).randbytes(100_000)})
    slept: list[float] = []
    monkeypatch.setattr("dvcx.storage.paced_bucket.time.sleep", slept.append)
    monkeypatch.setattr("dvcx.storage.paced_bucket.Pace.__init__.__defaults__", (lambda: 0.0, slept.append))
    project.dvcx("push", "--limit-rate", "50k").ok()
    # The index file waits for the pack: 100,000 bytes take two seconds at this rate.
    assert max(slept) > 1.9
    assert project.dvcx("push", "--limit-rate", "5").code == 2
