from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import pytest

import dvcx
from tests.api.conftest import far_away
from tests.api.reading_test import MIB, big_file, read_from_remote  # noqa: F401 - a fixture
from tests.project import Project

FILES = {"data/a.txt": "one\n", "data/sub/b.txt": "two\n", "data/sub/c.bin": "c" * 3000, "models/m.pt": "m" * 10}


def tracked(project: Project) -> Any:
    project.save(FILES, "data", "models/m.pt", tag="v1")
    return fsspec.filesystem("dvcx", repo=project.path, rev="v1")


def test_folders_are_listed_as_the_pointers_have_them(project: Project) -> None:
    fs = tracked(project)
    assert fs.ls("", detail=False) == ["data", "models"]
    assert fs.ls("data", detail=False) == ["data/a.txt", "data/sub"]
    assert fs.ls("dvcx://data/sub/", detail=False) == ["data/sub/b.txt", "data/sub/c.bin"]
    assert fs.ls("data/a.txt", detail=False) == ["data/a.txt"]
    assert [(e["name"], e["type"], e["size"]) for e in fs.ls("data")] == [
        ("data/a.txt", "file", 4),
        ("data/sub", "directory", 3004),
    ]
    with pytest.raises(FileNotFoundError):
        fs.ls("nothing")


def test_finding_and_globbing(project: Project) -> None:
    fs = tracked(project)
    assert fs.find("") == ["data/a.txt", "data/sub/b.txt", "data/sub/c.bin", "models/m.pt"]
    assert fs.find("data", maxdepth=1) == ["data/a.txt"]
    assert fs.find("data", withdirs=True) == ["data", "data/a.txt", "data/sub", "data/sub/b.txt", "data/sub/c.bin"]
    assert fs.find("data/a.txt") == ["data/a.txt"] and fs.find("nothing") == []
    assert fs.glob("data/**/*.txt") == ["data/a.txt", "data/sub/b.txt"]
    assert fs.glob("**/*.bin") == ["data/sub/c.bin"]
    assert fs.du("data") == 3008 and fs.exists("data/sub") and not fs.exists("data/x")
    assert fs.isdir("") and fs.isdir("models") and fs.isfile("models/m.pt")
    assert next(iter(fs.walk("data"))) == ("data", ["sub"], ["a.txt"])


def test_info_names_the_object(project: Project) -> None:
    fs = tracked(project)
    info = fs.info("data/a.txt")
    assert info["id"].startswith("blake3:") and fs.ukey("data/a.txt") == info["id"]
    assert fs.info("data")["files"] == 3 and fs.info("")["type"] == "directory"
    project.save({"data/a.txt": "changed\n"}, "data")
    now = fsspec.filesystem("dvcx", repo=project.path)
    assert now.ukey("data/a.txt") != info["id"] and fs.cat_file("data/a.txt") == b"one\n"


def test_parts_of_files(project: Project) -> None:
    fs = tracked(project)
    assert fs.cat_file("data/a.txt", 1, 3) == b"ne" and fs.cat_file("data/a.txt", -3) == b"ne\n"
    assert fs.cat_file("data/a.txt", 0, -1) == b"one" and fs.head("data/a.txt", 2) == b"on"
    assert fs.tail("data/a.txt", 2) == b"e\n" and fs.read_block("data/a.txt", 1, 2) == b"ne"
    assert fs.cat_ranges(["data/a.txt", "data/sub/b.txt", "data/a.txt"], [0, 1, 2], [1, 2, 3]) == [b"o", b"w", b"e"]
    (missing,) = fs.cat_ranges(["data/x"], 0, 1)
    assert isinstance(missing, FileNotFoundError)
    with pytest.raises(FileNotFoundError):
        fs.cat_ranges(["data/x"], 0, 1, on_error="raise")
    with pytest.raises(IsADirectoryError):
        fs.open("data")
    assert fs.open("data/a.txt", "r").read() == "one\n"


def test_many_ranges_of_a_file_on_a_remote_take_few_requests(
    project: Project,
    read_from_remote: list[int],  # noqa: F811
) -> None:
    data = big_file(project, 24 * MIB)
    far_away(project)
    fs = fsspec.filesystem("dvcx", repo=project.path, rev="HEAD")
    starts = [4 * MIB + number * 40_000 for number in range(50)]
    fs.cat_file("big.bin", 0, 1)  # the indexes and the recipe
    read_from_remote.clear()
    parts = fs.cat_ranges(["big.bin"] * 50, starts, [start + 1000 for start in starts])
    assert parts == [data[start : start + 1000] for start in starts]
    assert len(read_from_remote) <= 3 and sum(read_from_remote) < 4 * MIB


def test_many_small_files_on_a_remote_take_few_requests(
    project: Project,
    read_from_remote: list[int],  # noqa: F811
) -> None:
    files = {f"data/{number:03}.txt": f"text {number}\n" for number in range(300)}
    project.save(files, "data")
    far_away(project)
    fs = fsspec.filesystem("dvcx", repo=project.path, rev="HEAD")
    fs.find("data")
    read_from_remote.clear()
    assert fs.cat("data/*") == {name: text.encode() for name, text in files.items()}
    assert len(read_from_remote) <= 4
    read_from_remote.clear()
    fs.get("data", f"{project.path.parent}/got", recursive=True)
    assert len(read_from_remote) <= 4 and (project.path.parent / "got/299.txt").read_text() == "text 299\n"
    assert fs.cat(["data/001.txt", "data/002.txt"]) == {"data/001.txt": b"text 1\n", "data/002.txt": b"text 2\n"}
    with pytest.raises(FileNotFoundError):
        fs.cat(["data/001.txt", "data/x"])


def test_links_lead_to_what_they_name_in_the_tracked_data(project: Project) -> None:
    project.write("data/a.txt", "one\n")
    (project.path / "data/link").symlink_to("a.txt")
    (project.path / "data/dangling").symlink_to("nothing")
    project.dvcx("add", "data").ok()
    project.commit(message="links")
    fs = fsspec.filesystem("dvcx", repo=project.path, rev="HEAD")
    assert fs.cat_file("data/link") == b"one\n"
    info = fs.info("data/link")
    assert (info["type"], info["size"], info["islink"], info["destination"]) == ("file", 4, True, "a.txt")
    assert fs.info("data/dangling")["type"] == "other"
    with pytest.raises(FileNotFoundError):
        fs.cat_file("data/dangling")


def test_urls_carry_the_revision_or_options_do(project: Project) -> None:
    tracked(project)
    project.save({"data/a.txt": "two\n"}, "data", tag="v2")
    options = {"repo": str(project.path), "rev": "v2"}
    with fsspec.open("dvcx://data/a.txt", **options) as file:
        assert file.read() == b"two\n"
    with fsspec.open(f"dvcx://data/a.txt?rev=v1&repo={project.path}", "r") as file:
        assert file.read() == "one\n"
    files = fsspec.open_files("dvcx://data/*.txt", **options)
    assert [each.path for each in files] == ["data/a.txt"]
    fs, path = fsspec.url_to_fs("simplecache::dvcx://data/a.txt", dvcx=options)
    assert fs.cat(path) == b"two\n"


def test_the_current_folder_is_the_project_without_repo(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    tracked(project)
    monkeypatch.chdir(project.path / "data")
    fs = fsspec.filesystem("dvcx")
    assert fs.cat_file("data/a.txt") == b"one\n" and fs.commit is None
    monkeypatch.chdir("/")
    again = pickle.loads(pickle.dumps(fs))
    assert again.cat_file("data/a.txt") == b"one\n", "a copy for another process means the same project"
    assert fsspec.AbstractFileSystem.from_json(fs.to_json()).cat_file("data/a.txt") == b"one\n"
    with pytest.raises(dvcx.DvcxError):
        fsspec.filesystem("dvcx")


def test_what_is_new_is_seen_after_looking_again(project: Project) -> None:
    project.save({"a": "one"}, "a")
    fs = fsspec.filesystem("dvcx", repo=project.path)
    project.save({"b": "two"}, "b")
    assert fs.ls("", detail=False) == ["a"]
    fs.invalidate_cache()
    assert fs.ls("", detail=False) == ["a", "b"]
    project.write("a", "edited in place")
    assert (fs.info("a")["size"], fs.cat_file("a")) == (15, b"edited in place")


def test_it_only_reads(project: Project, tmp_path: Path) -> None:
    fs = tracked(project)
    (tmp_path / "x").write_text("x")
    attempts: list[Callable[[], object]] = [
        lambda: fs.open("data/new", "wb"),
        lambda: fs.pipe_file("data/new", b"x"),
        lambda: fs.put_file(tmp_path / "x", "data/new"),
        lambda: fs.put(str(tmp_path / "x"), "data/new"),
        lambda: fs.rm("data/a.txt"),
        lambda: fs.mkdir("data/new"),
        lambda: fs.touch("data/a.txt"),
        lambda: fs.mv("data/a.txt", "data/b.txt"),
        lambda: fs.cp("data/a.txt", "data/b.txt"),
        lambda: fs.open("data/a.txt", "r+b"),
    ]
    for write in attempts:
        with pytest.raises((OSError, ValueError, NotImplementedError)):
            write()
    assert not project.dvcx("status", "--exit-code").code


def test_data_that_is_nowhere_does_not_look_like_zeros(project: Project) -> None:
    """zarr and others take a file that does not exist for one full of zeros."""
    fs = tracked(project)
    far_away(project)
    for pack in (project.path.parent / "store/packs").glob("*/*"):
        pack.unlink()
    mapper = fs.get_mapper("data")
    with pytest.raises((dvcx.MissingData, dvcx.RemoteError)):
        mapper["a.txt"]


def test_a_repository_elsewhere_is_a_filesystem_too(project: Project) -> None:
    tracked(project)
    project.dvcx("push").ok()
    fs = fsspec.filesystem("dvcx", repo=f"file://{project.path}", rev="v1")
    assert fs.find("data") == ["data/a.txt", "data/sub/b.txt", "data/sub/c.bin"]
    assert fs.cat_file("data/sub/b.txt") == b"two\n" and fs.commit == project.head()
