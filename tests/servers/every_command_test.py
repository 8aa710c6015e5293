"""Every command that reads from a remote, when what comes from there is wrong each time: exit code 5, nothing taken."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from dvcx.base.errors import DvcxError, RemoteError
from tests.project import Project
from tests.servers.projects import give_secrets, use_place
from tests.servers.proxy import (
    Fault,
    FaultProxy,
    FlippedBit,
    LoginPage,
    Matches,
    Overloaded,
    Request,
    ResetBefore,
    Truncated,
    WrongLength,
)
from tests.servers.stores import new_place

FILES = {f"data/{number}": f"{number} " * 400 for number in range(30)} | {
    "model.bin": random.Random(3).randbytes(1_500_000)
}
FAULTS = (FlippedBit, WrongLength, LoginPage, Overloaded, ResetBefore, Truncated)
COMMANDS = (
    ["fetch"],
    ["pull"],
    ["pull", "model.bin"],
    ["push", "--plan"],
    ["status", "--remote", "store"],
    ["whereis"],
    ["gc", "--remote", "store", "--yes"],
    ["fsck", "--remote", "store"],
    ["ls", "-r", "store", "data"],
    ["export", "HEAD", "../out"],
)


def of_anything(request: Request) -> bool:
    """Whether a request reads a file, as listings do not."""
    return request.method == "GET" and "list-type=2" not in request.path


def of_index_files(request: Request) -> bool:
    """Whether a request reads an index file."""
    return of_anything(request) and ".idx" in request.path


def of_packs(request: Request) -> bool:
    """Whether a request reads from a pack."""
    return of_anything(request) and ".pack" in request.path


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[tuple[Project, FaultProxy]]:
    """Gives a clone that has everything to fetch through a proxy."""
    place = new_place("s3-rclone")
    project = Project.make(tmp_path / "project")
    use_place(project, place)
    project.save(FILES)
    project.dvcx("push").ok()
    proxy = FaultProxy(place.port)
    use_place(project, place.moved(proxy.port))
    clone = project.clone(tmp_path / "clone")
    give_secrets(clone, place)
    yield clone, proxy
    proxy.stop()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses between attempts hardly take time."""
    monkeypatch.setattr("dvcx.storage.retrying.random.uniform", lambda low, high: 0.01)


@pytest.mark.servers
@pytest.mark.parametrize("matches", [of_anything, of_index_files, of_packs])
@pytest.mark.parametrize("make", FAULTS)
def test_every_command_ends_with_code_5(make: type[Fault], matches: Matches, clone: tuple[Project, FaultProxy]) -> None:
    project, proxy = clone
    fault = make(matches)
    if isinstance(fault, Overloaded):
        fault.retry_after = "0"
    proxy.faults.append(fault)
    for words in COMMANDS:
        run = project.dvcx(*words)
        assert (
            run.code == code_of(words, fault)
            and "error:" in run.err
            and "hint:" in run.err
            and "Traceback" not in run.err
        ), run
    with pytest.raises((DvcxError, OSError)) as caught:
        read(project)
    assert isinstance(caught.value, RemoteError) or isinstance(caught.value.__cause__, RemoteError), repr(caught.value)
    proxy.faults.clear()
    project.dvcx("fsck").ok()
    project.dvcx("pull").ok()
    assert read(project) == FILES["model.bin"]


def code_of(words: list[str], fault: Fault) -> int:
    """What was wrong both times it was read is damage to `fsck --remote`, which nothing tells from that of a line."""
    is_changed = isinstance(fault, FlippedBit | WrongLength)
    return 3 if words[0] == "fsck" and is_changed else 5


def read(project: Project) -> bytes:
    from dvcx.api.filesystem import DvcxFileSystem

    return bytes(DvcxFileSystem(repo=project.path, rev="HEAD").cat_file("model.bin"))
