"""Data from and on real stores: read in parts through `dvcx://`, imported by URL, noticed when it changes."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import fsspec
import pytest

import dvcx
from dvcx.storage.open_bucket import open_bucket
from tests.project import Project
from tests.servers.projects import use_place
from tests.servers.stores import WRITABLE, marked, new_place

LARGE = random.Random(1).randbytes(5 << 20)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.make(tmp_path / "project")


@pytest.mark.parametrize("kind", marked(WRITABLE))
def test_parts_of_files_on_a_store_are_read_through_the_filesystem(kind: str, project: Project) -> None:
    use_place(project, new_place(kind))
    project.save({"data/big.bin": LARGE, "data/a.txt": "one\n"}, "data", tag="v1")
    project.dvcx("push").ok()
    shutil.rmtree(project.own_folder / "cache")
    shutil.rmtree(project.path / "data")
    fs = fsspec.filesystem("dvcx", repo=project.path, rev="v1")
    assert fs.find("data") == ["data/a.txt", "data/big.bin"]
    assert fs.cat_file("data/big.bin", 2_000_000, 2_100_000) == LARGE[2_000_000:2_100_000]
    assert dvcx.read("data/a.txt", project.path, "v1") == b"one\n"


@pytest.mark.parametrize("kind", marked(WRITABLE))
def test_what_lies_on_a_store_is_imported_and_noticed_when_it_changes(kind: str, project: Project) -> None:
    place = new_place(kind)
    use_place(project, place, "raw")
    bucket = open_bucket(place.url, project.path, place.options)
    bucket.write("exports/a.csv", [b"1\n"])
    bucket.write("exports/sub/b.csv", [LARGE])
    assert project.dvcx("ls-url", "remote://raw/exports").ok().lines == ["a.csv", "sub/"]
    project.dvcx("import-url", "remote://raw/exports", "data").ok()
    assert project.files("data") == {"a.csv": b"1\n", "sub/b.csv": LARGE}
    project.dvcx("get-url", "remote://raw/exports/a.csv", "single.csv").ok()
    assert project.read("single.csv") == b"1\n"
    assert project.json("update", "--check")["outputs"][0]["change"] == "unchanged"
    bucket.write("exports/a.csv", [b"changed\n"])
    project.dvcx("update").ok()
    assert project.files("data")["a.csv"] == b"changed\n"
    nothing = project.dvcx("get-url", "remote://raw/nothing")
    assert nothing.code == 2 and "there is nothing" in nothing.err
