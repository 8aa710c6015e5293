"""Whole lives of projects through the command line, on a real server of every kind of store."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from tests.project import Project
from tests.servers.projects import behind, give_secrets, use_place
from tests.servers.stores import WRITABLE, Place, marked, new_place

LARGE = random.Random(1).randbytes(3 << 20)
SMALL = {f"data/{number // 10}/{number}.txt": f"{number}\n" * (number % 30) for number in range(120)}


def forget_the_past(project: Project) -> None:
    """Takes away what keeps data needed after a branch is gone: reflogs, and the trash's memory."""
    project.git("reflog", "expire", "--expire=all", "--all")
    shutil.rmtree(project.own_folder / "trash", ignore_errors=True)
    for name in ("ORIG_HEAD", "FETCH_HEAD"):
        (project.path / ".git" / name).unlink(missing_ok=True)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.make(tmp_path / "project")


def clone_of(project: Project, place: Place, path: Path) -> Project:
    clone = project.clone(path)
    give_secrets(clone, place)
    return clone


def set_to_read(project: Project, place: Place) -> None:
    """Makes the remote that was pushed to the one that is read from; the same for most kinds."""
    if place.url.startswith("http"):
        use_place(project, place)


@pytest.mark.parametrize("kind", marked())
def test_what_is_pushed_is_pulled_again_and_an_edit_sends_little(kind: str, project: Project, tmp_path: Path) -> None:
    place = new_place(kind)
    use_place(project, behind(place))
    project.save({**SMALL, "model.bin": LARGE})
    before = project.files()
    first = project.json("push")
    assert first["objects"] > 0
    assert project.json("push")["objects"] == 0, "nothing is sent twice"

    set_to_read(project, place)
    assert not project.dvcx("status", "--remote", "store", "--exit-code").ok().lines
    clone = clone_of(project, place, tmp_path / "clone")
    clone.dvcx("pull").ok()
    assert clone.files() == before

    use_place(project, behind(place))
    project.save({"model.bin": LARGE[: 1 << 20] + b"inserted" + LARGE[1 << 20 :], "data/3/new.txt": "new"})
    second = project.json("push")
    assert second["size"] < first["size"] / 2, "only new chunks travel"
    set_to_read(project, place)
    clone.git("pull", "--quiet")
    give_secrets(clone, place)
    clone.dvcx("pull").ok()
    assert clone.files() == project.files()
    assert project.dvcx("fsck", "--remote", "store").ok()


@pytest.mark.parametrize("kind", marked())
def test_a_few_files_of_many_are_fetched_alone(kind: str, project: Project, tmp_path: Path) -> None:
    place = new_place(kind)
    use_place(project, behind(place))
    project.save(SMALL)
    project.dvcx("push").ok()
    set_to_read(project, place)
    clone = clone_of(project, place, tmp_path / "clone")
    clone.dvcx("pull", "data/3").ok()
    wanted = {name.removeprefix("data/"): text.encode() for name, text in SMALL.items() if name.startswith("data/3/")}
    assert clone.files("data") == wanted


@pytest.mark.parametrize("kind", marked(WRITABLE))
def test_what_nothing_needs_is_deleted_and_the_rest_stays(kind: str, project: Project, tmp_path: Path) -> None:
    place = new_place(kind)
    use_place(project, place)
    project.dvcx("remote", "modify", "store", "grace_days", "0").ok()
    project.save({"data/keep": "keep" * 10_000})
    project.dvcx("push").ok()
    project.git("switch", "--quiet", "-c", "thrown-away")
    project.save({"other": random.Random(2).randbytes(200_000)}, "other")
    project.dvcx("push").ok()
    project.git("switch", "--quiet", "main")
    project.git("branch", "--quiet", "-D", "thrown-away")
    project.dvcx("checkout").ok()
    forget_the_past(project)
    collected = [project.json("gc", "--yes", "--remote", "store") for _ in range(3)]
    assert sum(each["deleted"] for each in collected) > 0, collected
    assert collected[-1]["size"] == 0, collected
    clone = clone_of(project, place, tmp_path / "clone")
    clone.dvcx("pull").ok()
    assert clone.read("data/keep") == b"keep" * 10_000
    project.dvcx("fsck", "--remote", "store").ok()


@pytest.mark.parametrize("kind", marked(WRITABLE))
def test_two_people_push_to_a_new_remote_one_after_the_other(kind: str, project: Project, tmp_path: Path) -> None:
    place = new_place(kind)
    use_place(project, place)
    other = clone_of(project, place, tmp_path / "other")
    project.save({"mine": "a" * 5000})
    project.dvcx("push").ok()
    other.save({"theirs": "b" * 5000})
    other.dvcx("push").ok()
    for each in (project, other):
        each.dvcx("status", "--remote", "store", "--exit-code").ok()
    project.dvcx("fsck", "--remote", "store").ok()


@pytest.mark.parametrize("kind", marked(WRITABLE))
def test_a_remote_on_a_remote_is_a_place_below_it(kind: str, project: Project, tmp_path: Path) -> None:
    place = new_place(kind)
    use_place(project, place)
    project.dvcx("remote", "add", "-d", "team", "remote://store/teams/owls").ok()
    project.commit(message="team")
    project.save({"data/a": "one"})
    project.dvcx("push").ok()
    listed = {each["name"]: each for each in project.json("remote", "list")}
    assert listed["team"]["default"] and listed["team"]["url"] == "remote://store/teams/owls"
    clone = clone_of(project, place, tmp_path / "clone")
    clone.dvcx("pull").ok()
    assert clone.read("data/a") == b"one"
    if place.folder is not None:
        assert (place.folder / "teams/owls/dvcx.json").is_file()


@pytest.mark.parametrize("kind", marked())
def test_a_check_finds_a_remote_in_order(kind: str, project: Project) -> None:
    place = new_place(kind)
    behind(place)
    use_place(project, place)
    checked = project.json("remote", "check", "store")
    verdicts = {each["what"]: each["verdict"] for each in checked["trials"]}
    assert checked["works"], checked
    if kind == "http":
        assert verdicts["write"] == "skipped"
        run = project.dvcx("push")
        assert run.code == 0 or (run.code == 6 and "only read" in run.err)
        return
    assert verdicts.pop("exclusive write") == ("warning" if kind == "s3-rclone" else "ok")
    assert set(verdicts.values()) == {"ok"}, checked
    assert project.dvcx("remote", "check").code == 0
    if place.folder is not None:
        left = [path for path in place.folder.rglob("*") if path.is_file()]
        assert left == [], "the check leaves nothing"


def test_the_kinds_that_are_tested_are_those_that_there_are() -> None:
    from dvcx.storage.stores.kinds import KINDS
    from tests.servers.stores import KINDS as TESTED

    assert {kind.extra for kind in KINDS} == {kind.partition("-")[0] for kind in TESTED}
