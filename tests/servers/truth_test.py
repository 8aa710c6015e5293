"""What is really on remotes on a server: damage there is found and mended, which remotes hold what, two copies."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from tests.project import Project
from tests.servers.program import free_port
from tests.servers.projects import give_secrets, use_place
from tests.servers.stores import Place, marked, new_place

FILES = {f"data/{number}": random.Random(number).randbytes(9_000) for number in range(20)} | {
    "model.bin": random.Random(99).randbytes(1_500_000)
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.make(tmp_path / "project")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses between attempts do not grow."""
    monkeypatch.setattr("dvcx.storage.retrying._LONGEST", 0.05)


def packs(place: Place) -> list[Path]:
    assert place.folder is not None
    return sorted(place.folder.rglob("*.pack"))


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("kind", marked(("s3-rclone", "webdav", "ssh")))
def test_bytes_that_go_bad_on_the_server_are_found_and_mended_from_the_cache(
    kind: str, project: Project, tmp_path: Path
) -> None:
    place = new_place(kind)
    use_place(project, place)
    project.save(FILES)
    project.dvcx("push").ok()
    project.dvcx("status", "--remote", "store", "--exit-code").ok()
    for pack in packs(place):
        flip(pack, 5_000)

    clone = project.clone(tmp_path / "clone")
    give_secrets(clone, place)
    pulled = clone.dvcx("pull")
    assert pulled.code == 5 and "fsck --remote store" in pulled.err
    clone.dvcx("fsck").ok()
    assert clone.dvcx("fsck", "--remote", "store").code == 3, "seen from here the remote itself is damaged"
    assert project.dvcx("fsck", "--remote", "store", "--sample", "50").code == 3

    mended = project.dvcx("fsck", "--remote", "store", "--repair", "--json").ok().json
    assert {each["state"] for store in mended["stores"] for each in store["findings"]} == {"repaired"}
    project.dvcx("fsck", "--remote", "store").ok()
    clone.dvcx("pull").ok()
    assert clone.files() == project.files()


@pytest.mark.parametrize("kind", marked(("s3-moto",)))
def test_two_copies_are_kept_and_a_remote_that_is_down_is_told(kind: str, project: Project, tmp_path: Path) -> None:
    one, other = new_place(kind), new_place(kind)
    use_place(project, other, "other")
    use_place(project, one, "store")
    project.dvcx("config", "core.copies", "2").ok()
    project.save(FILES)
    project.dvcx("push").ok()
    assert held(project) == {"store": "all", "other": "all"}

    use_place(project, other.moved(free_port()), "other")  # down
    project.dvcx("remote", "default", "store").ok()
    project.save({"data/new": "new"}, "data")
    run = project.dvcx("push")
    assert run.code == 5 and "other failed" in run.err and "all is on store" in run.err, run
    where = project.dvcx("whereis", "--json")
    assert where.code == 5 and "other could not be asked" in where.err, where
    assert held(project) == {"store": "all", "other": "unknown"}
    assert project.dvcx("fsck", "--remote", "other").code == 5
    assert project.dvcx("gc", "--remote", "other", "--yes").code == 5
    project.dvcx("fsck", "--remote", "store").ok()
    project.dvcx("gc", "--yes").ok()

    use_place(project, other, "other")  # up again
    project.dvcx("remote", "default", "store").ok()
    assert held(project) == {"store": "all", "other": "part"}
    assert project.dvcx("status", "--remote", "other", "--exit-code").code == 1
    project.dvcx("push", "--all-remotes").ok()
    assert held(project) == {"store": "all", "other": "all"}
    clone = project.clone(tmp_path / "clone")
    give_secrets(clone, other, "other")
    clone.dvcx("pull", "-r", "other").ok()
    assert clone.files() == project.files()


def held(project: Project) -> dict[str, str]:
    """Gives which remotes hold all of what is tracked, part of it, or do not answer."""
    places = project.dvcx("whereis", "--json").json["places"]
    by_store: dict[str, set[str]] = {}
    for place in places:
        for each in place["holdings"]:
            by_store.setdefault(each["store"], set()).add(each["state"])
    states = {name: states.pop() if len(states) == 1 else "part" for name, states in by_store.items()}
    return {name: state for name, state in states.items() if name != "cache"}


def test_places_move() -> None:
    place = Place("s3://bkt/x", {"endpoint_url": "http://127.0.0.1:1234"}, None, 1234)
    assert place.moved(99) == replace(place, options={"endpoint_url": "http://127.0.0.1:99"}, port=99)
