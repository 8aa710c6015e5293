from __future__ import annotations

import os
import stat

import pytest

from tests.functional.arranging import configure, edit_in_place, loose_files, use_store
from tests.project import Project

BIG = b"x" * 100_000


@pytest.mark.parametrize("kind", ["hardlink", "symlink"])
def test_links_become_own_copies_that_can_be_edited(project: Project, kind: str) -> None:
    configure(project, f'[cache]\ntype = ["{kind}"]\n')
    project.save({"big": BIG, "data/big": b"y" * 100_000, "data/small": "s"})
    assert project.path.joinpath("big").samefile(loose_files(project)[0]) or project.path.joinpath("big").samefile(
        loose_files(project)[1]
    )

    result = project.json("unprotect", "big", "data")

    assert sorted(result["copied"]) == ["big", "data/big"]
    assert result["size"] == 200_000
    for path in ("big", "data/big"):
        status = os.lstat(project.path / path)
        assert (stat.S_ISREG(status.st_mode), status.st_nlink, bool(status.st_mode & 0o200)) == (True, 1, True)
    assert project.dvcx("status", "--exit-code").code == 0
    edit_in_place(project.path / "big", b"edited")
    assert all(file.read_bytes() in (BIG, b"y" * 100_000) for file in loose_files(project))
    assert project.json("unprotect", ".")["copied"] == []


def test_only_what_is_named_is_copied(project: Project) -> None:
    configure(project, '[cache]\ntype = ["symlink"]\n')
    project.save({"data/one": BIG, "data/two": b"y" * 100_000})
    assert project.json("unprotect", "data/one")["copied"] == ["data/one"]
    assert os.path.islink(project.path / "data/two")


def test_links_of_the_user_s_own_stay(project: Project) -> None:
    project.write("data/a", "one")
    (project.path / "data/link").symlink_to("a")
    os.link(project.path / "data/a", project.path / "data/b")
    project.dvcx("add", "data").ok()
    assert project.json("unprotect", "data")["copied"] == []
    assert os.path.islink(project.path / "data/link")
    assert os.stat(project.path / "data/b").st_nlink == 2


@pytest.mark.parametrize("kind", ["hardlink", "symlink"])
def test_an_edit_through_a_link_is_not_taken_for_the_content(project: Project, kind: str) -> None:
    configure(project, f'[cache]\ntype = ["{kind}"]\n')
    project.save({"data/bad": BIG, "data/good": b"y" * 100_000})
    edit_in_place(project.path / "data/bad", b"edited")
    run = project.dvcx("unprotect", "data", "--json")
    assert run.code == 3
    assert "dvcx add" in run.err
    assert run.json["damaged"] == ["data/bad"]
    assert run.json["copied"] == ["data/good"]
    assert project.read("data/bad").startswith(b"edited")


def test_a_link_to_an_object_that_is_gone_is_named(project: Project) -> None:
    configure(project, '[cache]\ntype = ["symlink"]\n')
    project.save({"data/gone": BIG, "data/good": b"y" * 100_000})
    (project.path / "data/gone").resolve().unlink()
    run = project.dvcx("unprotect", "data", "--json")
    assert (run.code, run.json["missing"], run.json["copied"]) == (4, ["data/gone"], ["data/good"])


def test_what_is_not_tracked_is_an_error(project: Project) -> None:
    project.write("other", "o")
    assert project.dvcx("unprotect", "other").code == 2


def test_a_forced_pull_keeps_an_edit_through_a_symbolic_link_in_the_trash(project: Project) -> None:
    use_store(project)
    configure(project, '[cache]\ntype = ["symlink"]\n')
    project.save({"big": BIG})
    project.dvcx("push").ok()
    edit_in_place(project.path / "big", b"edited")
    project.dvcx("pull", "--force").ok()
    assert project.read("big") == BIG
    project.dvcx("undo").ok()
    assert project.read("big") == b"edited" + BIG[6:]
