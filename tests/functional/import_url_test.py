from __future__ import annotations

import functools
import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from dvcx.formats.pointer_text import parse_pointer
from tests.project import Project


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A folder outside of any project."""
    folder = tmp_path / "outside"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.csv").write_text("a\n")
    (folder / "sub/b.csv").write_text("b\n")
    return folder


def origin(project: Project, name: str) -> dict[str, Any]:
    return dict(parse_pointer(project.read(f"{name}.dvcx"), name).source or {})


def test_a_file_is_tracked_with_its_url_and_version(project: Project, store: Path) -> None:
    project.dvcx("import-url", str(store / "a.csv"), "table.csv", "--desc", "raw").ok()
    assert project.read("table.csv") == b"a\n"
    found = origin(project, "table.csv")
    assert (found["url"], found["size"]) == (str(store / "a.csv"), 2) and found["modified"].startswith("20")
    assert project.dvcx("status", "--exit-code").code == 0 and "raw" in project.read("table.csv.dvcx").decode()


def test_a_folder_is_tracked_and_a_change_in_it_is_noticed(project: Project, store: Path) -> None:
    project.dvcx("import-url", "../outside", "raw").ok()
    assert project.files("raw") == {"a.csv": b"a\n", "sub/b.csv": b"b\n"}
    assert origin(project, "raw")["files"] == 2 and origin(project, "raw")["url"] == "../outside"
    assert project.json("update", "raw")["outputs"][0]["change"] == "unchanged"
    (store / "sub/b.csv").write_text("changed\n")
    check = project.dvcx("update", "--check", "raw")
    assert check.code == 1 and project.files("raw")["sub/b.csv"] == b"b\n"
    project.dvcx("update", "raw").ok()
    assert project.files("raw")["sub/b.csv"] == b"changed\n"
    project.dvcx("undo").ok()
    assert project.files("raw")["sub/b.csv"] == b"b\n", "one undo brings back the data and its pointer"
    assert project.dvcx("status", "--exit-code").code == 0


def test_an_update_loses_nothing_that_nobody_saved(project: Project, store: Path) -> None:
    project.dvcx("import-url", str(store / "a.csv")).ok()
    project.write("a.csv", "edited")
    os.utime(store / "a.csv", (1, 1))
    run = project.dvcx("update", "a.csv")
    assert run.code == 6 and project.read("a.csv") == b"edited"
    project.dvcx("update", "--force", "a.csv").ok()
    assert project.read("a.csv") == b"a\n"


def test_a_place_on_this_machine_is_read_again_only_when_it_is_named(project: Project, store: Path) -> None:
    """A pointer in a clone could name any file of whoever updates it."""
    project.dvcx("import-url", str(store / "a.csv")).ok()
    project.dvcx("import-url", "memory://a/b.csv" if _in_memory() else "", "b.csv").ok()
    (store / "a.csv").write_text("secret")
    for words in (("update",), ("update", "--check")):
        run = project.dvcx(*words).ok()
        told = f"unnamed   a.csv  (not updated unless it is named: {store}/a.csv is on this machine"
        assert told in run.out and run.out.count("a.csv") == 2
        assert f"next: dvcx {' '.join(words)} a.csv b.csv" in run.err
    assert project.read("a.csv") == b"a\n"
    named = project.dvcx("update", "--check", "a.csv")
    assert named.code == 1 and "next: dvcx update a.csv" in named.err
    project.dvcx("update", "a.csv").ok()
    assert project.read("a.csv") == b"secret"


def test_what_is_frozen_is_passed_over_and_told(project: Project, store: Path) -> None:
    project.dvcx("import-url", str(store / "a.csv")).ok()
    project.dvcx("freeze", "a.csv").ok()
    run = project.dvcx("update").ok()
    assert run.out.startswith("frozen    a.csv  (not updated") and "dvcx unfreeze a.csv" in run.out
    (passed,) = project.json("update", "--check")["passed_over"]
    assert passed == {"path": "a.csv", "why": "frozen", "origin": str(store / "a.csv")}


def _in_memory() -> bool:
    fsspec.filesystem("memory").pipe_file("/a/b.csv", b"memory\n")
    return True


def test_secrets_do_not_get_into_a_pointer(project: Project) -> None:
    for url in (
        "https://ada:secret@host/data.csv",
        "https://host/data.csv?X-Amz-Signature=abc",
        "https://host/data.csv?token=abc",
    ):
        run = project.dvcx("import-url", url)
        assert run.code == 6 and "remote://NAME/path" in run.err and "abc" not in run.err and "secret@" not in run.err


def test_a_remote_of_the_project_stands_for_its_address_and_settings(project: Project, store: Path) -> None:
    project.dvcx("remote", "add", "raw", str(store)).ok()
    project.dvcx("import-url", "remote://raw/sub/b.csv").ok()
    assert project.read("b.csv") == b"b\n" and origin(project, "b.csv")["url"] == "remote://raw/sub/b.csv"
    assert project.dvcx("ls-url", "remote://raw").ok().lines == ["a.csv", "sub/"]
    assert project.dvcx("get-url", "remote://nothing/x").code == 2


def test_get_url_writes_without_tracking(project: Project, store: Path, tmp_path: Path) -> None:
    here = Project(tmp_path / "here")
    here.path.mkdir()
    here.dvcx("get-url", "../outside").ok()
    assert here.files("outside") == {"a.csv": b"a\n", "sub/b.csv": b"b\n"}
    assert here.json("get-url", f"file://{store}/a.csv", "x.csv")["size"] == 2
    again = here.dvcx("get-url", str(store / "a.csv"), "x.csv")
    assert again.code == 6
    here.dvcx("get-url", "-f", str(store / "sub/b.csv"), "x.csv").ok()
    assert here.read("x.csv") == b"b\n" and sorted(os.listdir(here.path)) == ["outside", "x.csv"]
    assert here.dvcx("get-url", str(store / "nothing")).code == 2
    assert here.dvcx("get-url", "nope://host/x").code == 2


def test_ls_url_lists_one_level_or_all(store: Path, tmp_path: Path) -> None:
    here = Project(tmp_path)
    assert here.dvcx("ls-url", "outside").ok().lines == ["a.csv", "sub/"]
    assert here.dvcx("ls-url", "-R", "--size", "outside").ok().lines == ["2 B  a.csv", "2 B  sub/b.csv"]
    assert here.json("ls-url", f"file://{store}")["entries"][1] == {
        "path": "sub",
        "type": "folder",
        "size": None,
        "etag": None,
        "modified": here.json("ls-url", f"file://{store}")["entries"][1]["modified"],
    }


@pytest.fixture
def web(store: Path) -> Iterator[str]:
    """The address of a web server that shows the folder, with ETags."""
    pytest.importorskip("aiohttp")

    class Handler(http.server.SimpleHTTPRequestHandler):
        def end_headers(self) -> None:
            path = Path(self.translate_path(self.path))
            if path.is_file():
                self.send_header("ETag", f'"{hash(path.read_bytes())}"')
            super().end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    handler = functools.partial(Handler, directory=str(store))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_web_server_tells_the_version_of_a_file(project: Project, store: Path, web: str) -> None:
    project.dvcx("import-url", f"{web}/a.csv").ok()
    assert project.read("a.csv") == b"a\n" and origin(project, "a.csv")["etag"].startswith('"')
    os.utime(store / "a.csv", (1, 1))
    assert project.dvcx("update", "--check").code == 0, "another time is no other version"
    (store / "a.csv").write_text("new\n")
    assert project.dvcx("update", "--check").code == 1
    project.dvcx("update").ok()
    assert project.read("a.csv") == b"new\n"
    refused = project.dvcx("get-url", "http://127.0.0.1:1/x.csv")
    assert refused.code == 5 and "127.0.0.1:1" in refused.err
    gone = project.dvcx("get-url", f"{web}/nothing.csv")
    assert gone.code == 2 and "nothing.csv" in gone.err
    (store / "a.csv").unlink()
    assert project.dvcx("update").code == 2 and project.read("a.csv") == b"new\n"
