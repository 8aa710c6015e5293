"""What goes wrong between dvcx and a store: it is tried again or told with exit code 5, and nothing false remains."""

from __future__ import annotations

import copy
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import pytest

from tests.project import Project, Run
from tests.servers.projects import behind, use_place
from tests.servers.proxy import (
    Fault,
    FaultProxy,
    FlippedBit,
    FlippedUpload,
    Latency,
    LoginPage,
    LostAnswer,
    Overloaded,
    Request,
    ResetBefore,
    StaleListing,
    Truncated,
    WrongLength,
)
from tests.servers.stores import Place, marked, new_place

FILES = {f"data/{number}.txt": f"{number} " * 400 for number in range(30)} | {
    "model.bin": random.Random(3).randbytes(1_500_000)
}
WRITTEN = ("s3-rclone", "gcs", "azure", "webdav")
READ = ("s3-rclone", "gcs", "azure", "webdav", "http")
Behind = Callable[[Place], tuple[Place, FaultProxy]]


@pytest.fixture
def through() -> Iterator[Behind]:
    """Gives, for a place, the same place behind a new proxy, and the proxy."""
    proxies: list[FaultProxy] = []

    def put(place: Place) -> tuple[Place, FaultProxy]:
        proxy = FaultProxy(place.port)
        proxies.append(proxy)
        return place.moved(proxy.port), proxy

    yield put
    for proxy in proxies:
        proxy.stop()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses between attempts do not grow; the first is half a second still."""
    monkeypatch.setattr("dvcx.storage.retrying._LONGEST", 0.05)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.make(tmp_path / "project")


def writes(request: Request) -> bool:
    """Whether a request brings content to the store."""
    return request.method in ("PUT", "POST") and len(request.body) > 0


def packs(request: Request) -> bool:
    """Whether a request brings a pack, which is large here."""
    return request.method in ("PUT", "POST") and len(request.body) > 10_000


def lists(request: Request) -> bool:
    """Whether a request asks for a listing."""
    asks = "list-type=2" in request.path or "comp=list" in request.path or request.path.partition("?")[0].endswith("/o")
    if request.method == "PROPFIND":
        return request.headers.get("depth") == "1"
    return request.method == "GET" and (asks or request.path.endswith("/"))


def reads(request: Request) -> bool:
    """Whether a request reads a file."""
    return request.method == "GET" and not lists(request)


def reads_packs(request: Request) -> bool:
    """Whether a request reads from a pack."""
    return reads(request) and "packs" in request.path


def pushing(kind: str, project: Project, through: Behind) -> tuple[FaultProxy, Place]:
    """Gives a project something to push through a proxy; with it the place behind."""
    place = new_place(kind)
    front, proxy = through(place)
    use_place(project, front)
    project.save(FILES)
    return proxy, place


def pulling(kind: str, project: Project, through: Behind, path: Path) -> tuple[Project, FaultProxy]:
    """Gives a clone that has everything to pull, through a proxy."""
    place = new_place(kind)
    use_place(project, behind(place))
    project.save(FILES)
    project.dvcx("push").ok()
    front, proxy = through(place)
    clone = project.clone(path)
    use_place(clone, front)
    return clone, proxy


def check_pushed(project: Project, place: Place) -> None:
    """What is said to be pushed is there, whole."""
    use_place(project, place)
    project.dvcx("fsck", "--remote", "store").ok()
    clone = project.clone(project.path.parent / "fresh")
    use_place(clone, place)
    clone.dvcx("pull").ok()
    assert clone.files("data") == project.files("data") and clone.read("model.bin") == project.read("model.bin")


def check_nothing_false(clone: Project, run: Run) -> None:
    """A pull that failed said so, and left no object under a wrong name; when the fault is over, it works."""
    assert run.code == 5 and "error:" in run.err and "Traceback" not in run.err, run
    clone.dvcx("fsck").ok()


_Each = TypeVar("_Each")


def crossed(kinds: Sequence[str], cases: Mapping[str, _Each], some: int) -> list[object]:
    """Gives all cases on the first kind of store, and the last `some` of them on the others."""
    return [
        pytest.param(kind, case, id=f"{words}-{kind}", marks=pytest.mark.servers)
        for kind in kinds
        for words, case in (list(cases.items()) if kind == kinds[0] else list(cases.items())[-some:])
    ]


# Pushing.


PASSING_PUSHES = {
    "503": Overloaded(writes, times=2, retry_after="0"),
    "lost answer to a pack": LostAnswer(packs, times=1),
    "cut listing": Truncated(lists, times=1),
    "reset": ResetBefore(writes, times=2),
    "lost answer": LostAnswer(writes, times=2),
    "flipped bit": FlippedUpload(packs, times=1),
    "503 to a listing": Overloaded(lists, times=2, retry_after="0"),
}


@pytest.mark.parametrize(("kind", "fault"), crossed(WRITTEN, PASSING_PUSHES, 4))
def test_a_push_goes_on_after_what_fails_in_passing(kind: str, fault: Fault, project: Project, through: Behind) -> None:
    fault = copy.copy(fault)
    proxy, place = pushing(kind, project, through)
    if fault.matches is lists:  # a first push asks for none
        project.dvcx("push", "model.bin").ok()
    proxy.faults.append(fault)
    project.dvcx("push").ok()
    assert fault.met > 0, [(each.method, each.path) for each in proxy.requests]
    check_pushed(project, place)


LASTING_PUSHES = {make.__name__: make for make in (Overloaded, ResetBefore, LoginPage, FlippedUpload)}


@pytest.mark.parametrize(("kind", "make"), crossed(WRITTEN, LASTING_PUSHES, 2))
def test_a_push_that_cannot_be_ends_with_code_5_and_says_why(
    kind: str, make: type[Fault], project: Project, through: Behind
) -> None:
    proxy, place = pushing(kind, project, through)
    fault = make(packs)
    if isinstance(fault, Overloaded):
        fault.retry_after = "0"
    proxy.faults.append(fault)
    run = project.dvcx("push")
    assert run.code == 5 and "error:" in run.err and "hint:" in run.err and "Traceback" not in run.err, run
    assert fault.met > 0
    assert project.dvcx("status", "--remote", "store", "--exit-code").code == 1, "it is not called pushed"
    proxy.faults.clear()
    project.dvcx("push").ok()
    check_pushed(project, place)


@pytest.mark.parametrize("kind", marked(("s3-rclone", "webdav")))
def test_a_pause_that_the_store_asks_for_is_made(kind: str, project: Project, through: Behind) -> None:
    proxy, _ = pushing(kind, project, through)
    proxy.faults.append(Overloaded(packs, times=1, retry_after="2"))
    began = time.monotonic()
    project.dvcx("push").ok()
    assert time.monotonic() - began >= 2


@pytest.mark.parametrize("kind", marked(WRITTEN))
def test_a_listing_that_lags_behind_loses_nothing(kind: str, project: Project, through: Behind) -> None:
    proxy, place = pushing(kind, project, through)
    project.dvcx("push").ok()
    proxy.faults.append(StaleListing(lists))
    project.dvcx("status", "--remote", "store").ok()
    project.save({"data/new.txt": "new"}, "data")
    project.dvcx("push").ok()
    project.dvcx("push").ok()
    proxy.faults.clear()
    check_pushed(project, place)


@pytest.mark.parametrize("kind", marked(WRITTEN))
def test_latency_is_paid_a_few_times_only(kind: str, project: Project, through: Behind) -> None:
    proxy, place = pushing(kind, project, through)
    proxy.faults.append(Latency(lambda request: True))
    project.dvcx("push").ok()
    pushed = len(proxy.requests)
    project.dvcx("push").ok()
    again = len(proxy.requests) - pushed
    most = {"webdav": 25, "azure": 13}.get(kind, 10)  # folders are made one by one there, and blocks put together
    assert pushed <= most and again <= 3, [(each.method, each.path) for each in proxy.requests]
    check_pushed(project, place)


# Pulling.


PASSING_PULLS = {
    "503": Overloaded(reads, times=2, retry_after="0"),
    "reset": ResetBefore(reads, times=2),
    "lost answer": LostAnswer(reads, times=2),
    "one flipped bit": FlippedBit(reads_packs, times=1),
    "truncated": Truncated(reads, times=2),
    "503 to a listing": Overloaded(lists, times=2, retry_after="0"),
    "truncated pack": Truncated(reads_packs, times=1),
    "cut listing": Truncated(lists, times=1),
}


@pytest.mark.parametrize(("kind", "fault"), crossed(READ, PASSING_PULLS, 3))
def test_a_pull_goes_on_after_what_fails_in_passing(
    kind: str, fault: Fault, project: Project, through: Behind, tmp_path: Path
) -> None:
    fault = copy.copy(fault)
    clone, proxy = pulling(kind, project, through, tmp_path / "clone")
    proxy.faults.append(fault)
    clone.dvcx("pull").ok()
    assert fault.met > 0, [(each.method, each.path) for each in proxy.requests]
    assert clone.files("data") == project.files("data") and clone.read("model.bin") == project.read("model.bin")


LASTING_PULLS = {
    f"{make.__name__} of {words}": make(what)
    for words, what in (("files", reads), ("packs", reads_packs))
    for make in (Overloaded, ResetBefore, Truncated, WrongLength, FlippedBit, LoginPage)
}


@pytest.mark.parametrize(("kind", "fault"), crossed(READ, LASTING_PULLS, 4))
def test_a_pull_that_cannot_be_leaves_nothing_false_and_works_later(
    kind: str, fault: Fault, project: Project, through: Behind, tmp_path: Path
) -> None:
    fault = copy.copy(fault)
    clone, proxy = pulling(kind, project, through, tmp_path / "clone")
    if isinstance(fault, Overloaded):
        fault.retry_after = "0"
    proxy.faults.append(fault)
    run = clone.dvcx("pull")
    assert fault.met > 0
    check_nothing_false(clone, run)
    if isinstance(fault, WrongLength | FlippedBit):
        assert "fsck --remote store" in run.err, run
    proxy.faults.clear()
    clone.dvcx("pull").ok()
    assert clone.files("data") == project.files("data") and clone.read("model.bin") == project.read("model.bin")


@pytest.mark.parametrize("kind", marked(READ))
def test_a_login_page_is_called_one(kind: str, project: Project, through: Behind, tmp_path: Path) -> None:
    clone, proxy = pulling(kind, project, through, tmp_path / "clone")
    proxy.faults.append(LoginPage(lambda request: True))
    for words in (["pull"], ["fetch"], ["status", "--remote", "store"], ["remote", "check", "store"]):
        run = clone.dvcx(*words)
        assert run.code == 5 and "login page" in run.out + run.err and "Traceback" not in run.err, run
