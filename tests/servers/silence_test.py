"""Servers that take a connection and never say anything: every command ends, with exit code 5, and says why."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.project import Project
from tests.servers.projects import behind, use_place
from tests.servers.stores import KINDS, WRITABLE, marked, new_place

TIMEOUT = "0.25"
BOUND = 25.0
"""Seconds: six attempts of a quarter of a second, and the pauses between, on a machine that is busy with others."""


@pytest.fixture
def silent() -> Iterator[int]:
    """Gives the port of a server that listens, accepts, and never answers."""
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    held.append(server.accept()[0])
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]
    for each in held:
        each.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses between attempts do not grow."""
    monkeypatch.setattr("dvcx.storage.retrying._LONGEST", 0.05)


def ends(project: Project, *words: str) -> None:
    began = time.monotonic()
    run = project.dvcx(*words)
    took = time.monotonic() - began
    assert run.code == 5 and "Traceback" not in run.err, run
    assert ("error:" in run.err and "hint:" in run.err) or words[0] == "remote", run
    assert took < BOUND, (words, took)


def set_up(kind: str, project: Project, silent: int) -> str:
    """Gives a project that has pushed to a store of a kind, which is silent now; with it the store's URL."""
    place = new_place(kind)
    use_place(project, behind(place))
    project.save({"data/file": "content"})
    project.dvcx("push").ok()
    use_place(project, place.moved(silent))
    project.dvcx("remote", "modify", "store", "timeout", TIMEOUT).ok()
    return place.moved(silent).url


@pytest.mark.parametrize("kind", marked(KINDS))
def test_reading_from_a_silent_server_ends(kind: str, project: Project, silent: int) -> None:
    set_up(kind, project, silent)
    ends(project, "status", "--remote", "store")


@pytest.mark.parametrize("kind", marked(WRITABLE))
def test_pushing_to_a_silent_server_ends(kind: str, project: Project, silent: int) -> None:
    set_up(kind, project, silent)
    project.save({"data/file": "another content"})
    ends(project, "push")


EVERY = (
    ["fetch"],
    ["pull"],
    ["push", "--plan"],
    ["whereis", "data"],
    ["gc", "--remote", "store", "--yes"],
    ["fsck", "--remote", "store"],
    ["remote", "check", "store"],
    ["ls", "-r", "store", "data"],
    ["export", "HEAD", "remote://store/plain"],
    ["get-url", "remote://store/x"],
    ["import-url", "remote://store/x"],
    ["ls-url", "remote://store/"],
)


@pytest.mark.servers
@pytest.mark.parametrize("words", EVERY, ids=lambda words: " ".join(words[:2]))
def test_every_command_ends_when_s3_is_silent(words: list[str], project: Project, silent: int, tmp_path: Path) -> None:
    set_up("s3-rclone", project, silent)
    clone = project.clone(tmp_path / "clone")
    for option, value in (("access_key_id", "AKdvcx"), ("secret_access_key", "SKdvcxSKdvcx")):
        clone.dvcx("remote", "modify", "--local", "store", option, value).ok()
    clone.dvcx("remote", "modify", "store", "timeout", TIMEOUT).ok()
    ends(clone, *words)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.make(tmp_path / "project")
