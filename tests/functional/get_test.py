from __future__ import annotations

import os
import re
import shutil
import stat
from pathlib import Path

import pytest

import dvcx
from tests.functional.arranging import use_store
from tests.project import Project

FILES = {"data/a.txt": "one\n", "data/sub/b.txt": "two\n", "data/big.bin": "b" * 200_000}


@pytest.fixture
def source(project: Project) -> Project:
    """A project with the tags v1 and v2 whose data is on its remote; partial clones of it work."""
    use_store(project)
    project.write("data/run.sh", "#!/bin/sh\n").chmod(0o755)
    project.write("data/a.txt", "one\n")
    (project.path / "data/link").symlink_to("a.txt")
    project.save({**FILES, "params.yaml": "lr: 1\n"}, "data", tag="v1")
    project.save({"data/a.txt": "two\n"}, "data", tag="v2")
    project.dvcx("push", "--all-commits").ok()
    project.git("config", "uploadpack.allowFilter", "true")
    return project


@pytest.fixture
def here(tmp_path: Path) -> Project:
    """A folder that is no project."""
    (tmp_path / "here").mkdir()
    return Project(tmp_path / "here")


def address(source: Project) -> str:
    return f"file://{source.path}"


@pytest.mark.parametrize("is_elsewhere", [True, False], ids=["address", "folder"])
def test_a_folder_of_any_revision_is_written_whole(source: Project, here: Project, is_elsewhere: bool) -> None:
    where = address(source) if is_elsewhere else "../project"
    here.dvcx("get", where, "data", "--rev", "v1").ok()
    assert {n: c for n, c in here.files().items() if n != "data/link"} == {
        **{name: text.encode() for name, text in FILES.items()},
        "data/run.sh": b"#!/bin/sh\n",
    }
    assert os.readlink(here.path / "data/link") == "a.txt"
    assert os.access(here.path / "data/run.sh", os.X_OK) and not os.access(here.path / "data/a.txt", os.X_OK)
    mode = stat.S_IMODE((here.path / "data/big.bin").stat().st_mode)
    assert mode & 0o200, "the files are the user's own, not read-only links"
    assert (here.path / "data/big.bin").stat().st_nlink == 1
    assert [each.name for each in here.path.iterdir()] == ["data"], "nothing else is left"


def test_a_file_inside_a_folder_and_one_that_git_tracks(source: Project, here: Project) -> None:
    result = here.json("get", address(source), "data/sub/b.txt")
    assert here.read("b.txt") == b"two\n"
    assert (result["path"], result["size"], result["files"]) == (str(here.path / "b.txt"), 4, None)
    assert result["commit"] == source.head() and result["id"].startswith("blake3:")
    here.dvcx("get", address(source), "params.yaml", "--rev", "v1", "-o", "old.yaml").ok()
    assert here.read("old.yaml") == b"lr: 1\n"


def test_a_mirror_is_used_again_and_has_no_history(source: Project, here: Project, home: Path) -> None:
    here.dvcx("get", address(source), "data/a.txt", "--rev", "v1").ok()
    here.dvcx("get", address(source), "data/a.txt", "--rev", "v2", "-o", "new.txt").ok()
    (mirror,) = (home / ".cache/dvcx/repositories").iterdir()
    counted = source.git("--git-dir", str(mirror / "git"), "rev-list", "--count", "--all")
    assert int(counted) == 2, "two commits were asked for, and two are there"
    assert not list((mirror / "git/hooks").glob("*"))
    commit = source.git("rev-parse", "v1")
    source.path.rename(source.path.with_name("gone"))
    here.dvcx("get", address(source), "params.yaml", "--rev", commit, "-o", "offline.yaml")
    assert here.dvcx("ls", address(source), "--rev", commit).ok().lines == ["data/"], "an id costs no request"


def test_short_ids_and_expressions_are_revisions_too(source: Project, here: Project) -> None:
    for number, revision in enumerate(["v2~1", source.git("rev-parse", "--short", "v1"), "main~1"]):
        here.dvcx("get", address(source), "data/a.txt", "--rev", revision, "-o", str(number)).ok()
        assert here.read(str(number)) == b"one\n"
    run = here.dvcx("get", address(source), "data/a.txt", "--rev", "nothing")
    assert run.code == 2 and "nothing" in run.err


def test_nothing_is_overwritten_unless_it_is_said(source: Project, here: Project) -> None:
    here.write("a.txt", "mine")
    run = here.dvcx("get", address(source), "data/a.txt")
    assert run.code == 6 and "exists already" in run.err and here.read("a.txt") == b"mine"
    here.dvcx("get", "-f", address(source), "data/a.txt").ok()
    assert here.read("a.txt") == b"two\n"
    (here.path / "folder").mkdir()
    here.dvcx("get", address(source), "data/a.txt", "-o", "folder").ok()
    assert here.read("folder/a.txt") == b"two\n"
    run = here.dvcx("get", address(source), "data/a.txt", "-o", "no/such/place")
    assert run.code == 2 and "mkdir" in run.err


def test_what_is_nowhere_leaves_nothing_behind(source: Project, here: Project) -> None:
    shutil.rmtree(source.path.parent / "store")
    run = here.dvcx("get", address(source), "data")
    assert run.code in (4, 5) and run.err.startswith("error: ")
    assert list(here.path.iterdir()) == []
    run = here.dvcx("get", address(source), "dat")
    assert run.code == 2 and "data" in run.err
    run = here.dvcx("get", "file:///nothing/there", "data")
    assert run.code == 5 and "file:///nothing/there" in run.err
    run = here.dvcx("get", "nothing-there", "data")
    assert run.code == 2 and "hint: " in run.err


def test_a_damaged_object_of_another_project_is_not_written(source: Project, here: Project) -> None:
    (loose,) = (source.own_folder / "cache/loose").glob("*/??/*")
    loose.chmod(0o644)
    loose.write_bytes(b"c" * 200_000)
    run = here.dvcx("get", "../project", "data")
    assert run.code == 3 and "data/big.bin" in run.err and list(here.path.iterdir()) == []


def test_another_project_is_listed_without_one_here(source: Project, here: Project) -> None:
    assert here.dvcx("ls", address(source)).ok().lines == ["data/"]
    assert here.dvcx("ls", address(source), "data").ok().lines == [
        *("a.txt", "big.bin", "link -> a.txt", "run.sh*", "sub/"),
    ]
    assert here.dvcx("ls", "-R", "../project", "data/sub", "--rev", "v1").ok().lines == ["b.txt"]
    assert here.json("ls", address(source), "data/sub")["entries"][0]["path"] == "data/sub/b.txt"
    run = here.dvcx("ls", address(source), "x")
    assert run.code == 2


def test_a_bare_repository_and_a_project_in_a_subfolder(source: Project, here: Project, tmp_path: Path) -> None:
    inner = Project(source.path / "team/x")
    inner.path.mkdir(parents=True)
    inner.dvcx("init", "--subdir").ok()
    inner.dvcx("remote", "add", "-d", "own", str(tmp_path / "inner-store")).ok()
    inner.add({"tables/t.csv": "1,2\n"})
    inner.dvcx("push").ok()
    source.commit(message="a project inside")
    source.git("clone", "-q", "--bare", str(source.path), str(tmp_path / "bare.git"))
    for where in (address(source), "../bare.git"):
        here.dvcx("get", "-f", where, "team/x/tables/t.csv").ok()
        assert here.read("t.csv") == b"1,2\n"
    here.dvcx("get", "../bare.git", "data/a.txt").ok()
    assert here.read("a.txt") == b"two\n"


def test_hints_about_another_project_name_it(source: Project, here: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for where in (address(source), str(source.path)):
        listing = f"`dvcx ls {where}`"
        for words in (["get", where, "nope"], ["ls", where, "nope"]):
            run = here.dvcx(*words)
            assert run.code == 2 and listing in run.err and f"of {where}" in run.err, words
        run = here.dvcx("ls", where, "data/9999")
        assert run.code == 2 and f"{listing[:-1]} data`" in run.err
        run = here.dvcx("ls", where, "--rev", "qqqq")
        assert run.code == 2 and f"in the Git repository {where}" in run.err and f"`git ls-remote {where}`" in run.err
        monkeypatch.chdir(here.path)
        with pytest.raises(dvcx.UsageError, match=re.escape(where)) as caught:
            dvcx.ls(repo=where, rev="qqqq")
        assert f"git ls-remote {where}" in (caught.value.hint or "")
    run = source.dvcx("ls", "nope", "--rev", "v1")
    assert "`dvcx ls --rev v1`" in run.err
    assert "this Git repository" in source.dvcx("ls", "--rev", "qqqq").err, "one's own needs no name"
