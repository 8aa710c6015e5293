"""Transfers to a real store: how many requests they take, and what is left to do after Control-C."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dvcx.storage.stores.s3_parts import PART, Begun, begun_upload
from tests.project import Project, program
from tests.servers.projects import give_secrets, use_place
from tests.servers.proxy import FaultProxy, Latency
from tests.servers.stores import Place, marked, new_place

MIB = 1 << 20
LARGE = random.Random(1).randbytes(64 * MIB)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.make(tmp_path / "project")


@pytest.fixture
def behind_proxy() -> Iterator[Callable[[Place], tuple[Place, FaultProxy]]]:
    proxies: list[FaultProxy] = []

    def put(place: Place) -> tuple[Place, FaultProxy]:
        proxies.append(FaultProxy(place.port))
        return place.moved(proxies[-1].port), proxies[-1]

    yield put
    for proxy in proxies:
        proxy.stop()


def interrupted(project: Project, *words: str, when: Callable[[], bool]) -> tuple[int, float]:
    """Runs a command, presses Control-C once `when` is true, and gives its exit code and how long it took to end."""
    process = subprocess.Popen(program(words), cwd=project.path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not when():
        assert process.poll() is None and time.monotonic() < deadline, "it was over before it could be interrupted"
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    pressed = time.monotonic()
    return process.wait(60), time.monotonic() - pressed


def packs_in(place: Place) -> int:
    assert place.folder is not None
    return len(list(place.folder.rglob("*.pack")))


@pytest.mark.parametrize("kind", marked(("s3-rclone",)))
def test_an_interrupted_push_ends_at_once_and_the_next_one_sends_the_rest(
    kind: str, project: Project, tmp_path: Path, behind_proxy: Callable[[Place], tuple[Place, FaultProxy]]
) -> None:
    place, proxy = behind_proxy(new_place(kind))
    use_place(project, place)
    project.save({"model.bin": LARGE})
    stuck = Latency(lambda request: ".pack" in request.path and packs_in(place) >= 3, seconds=25)
    proxy.faults = [stuck]
    code, seconds = interrupted(project, "push", "-j", "8", when=lambda: stuck.met > 0)
    assert code == 130 and seconds < 5, "what is on a slow line is not waited for"
    proxy.faults = []
    assert project.dvcx("status", "--remote", "store", "--exit-code").code == 1, "nothing half is to be seen"
    there = packs_in(place)
    proxy.requests.clear()
    project.dvcx("push", "-j", "8").ok()
    sent = sum(len(request.body) for request in proxy.requests if request.method == "PUT")
    assert sent < len(LARGE) - (there - 1) * 7 * MIB
    clone = project.clone(tmp_path / "clone")
    give_secrets(clone, place)
    clone.dvcx("pull").ok()
    assert clone.read("model.bin") == LARGE


@pytest.mark.parametrize("kind", marked(("s3-rclone",)))
def test_an_interrupted_pull_ends_at_once_and_the_next_one_takes_the_rest(
    kind: str, project: Project, tmp_path: Path, behind_proxy: Callable[[Place], tuple[Place, FaultProxy]]
) -> None:
    place, proxy = behind_proxy(new_place(kind))
    use_place(project, place)
    project.save({"model.bin": LARGE})
    project.dvcx("push").ok()
    clone = project.clone(tmp_path / "clone")
    give_secrets(clone, place)
    partial = clone.own_folder / "cache"

    def is_half_there() -> bool:
        return sum(os.stat(path).st_blocks * 512 for path in partial.rglob("partial/*")) > len(LARGE) // 2

    code, seconds = interrupted(clone, "pull", "--limit-rate", "16M", when=is_half_there)
    assert code == 130 and seconds < 4
    assert not (clone.path / "model.bin").exists()
    proxy.requests.clear()
    clone.dvcx("pull").ok()
    ranges = [request.headers.get("range", "") for request in proxy.requests if ".pack" in request.path]
    spans = [tuple(map(int, each.removeprefix("bytes=").split("-"))) for each in ranges]
    assert sum(high - low for low, high in spans) < len(LARGE) * 2 // 3
    assert clone.read("model.bin") == LARGE


@pytest.mark.parametrize("kind", marked(("s3-rclone",)))
def test_a_file_that_was_interrupted_between_its_parts_goes_on_there_and_nothing_is_left_of_it(
    kind: str, project: Project, behind_proxy: Callable[[Place], tuple[Place, FaultProxy]]
) -> None:
    place, proxy = behind_proxy(new_place(kind))
    use_place(project, place)
    content = LARGE + LARGE[: 10 * MIB]  # smaller ones go in one piece
    project.save({"model.bin": content})
    stuck = Latency(lambda request: "partNumber=5" in request.path, seconds=25)
    proxy.faults = [stuck]
    words = ("export", "HEAD", "remote://store/plain")
    code, seconds = interrupted(project, *words, when=lambda: stuck.met > 0)
    assert code == 130 and seconds < 5
    store = S3Store(place.url.removeprefix("s3://bkt/"), place)
    assert len(store.unfinished()) == 1, "what has arrived is kept"
    proxy.faults = []
    proxy.requests.clear()
    project.dvcx(*words).ok()
    sent = sum(len(request.body) for request in proxy.requests if request.method == "PUT")
    assert sent <= len(content) - 3 * PART
    assert store.unfinished() == [] and store.read("plain/model.bin") == content


@pytest.mark.parametrize("kind", marked(("s3-rclone",)))
def test_parts_that_nobody_went_on_with_are_removed_after_a_week(kind: str) -> None:
    place = new_place(kind)
    store = S3Store(place.url.removeprefix("s3://bkt/"), place)
    store.begin("plain/model.bin")
    store.begin("plain/other.bin")
    assert store.begun("plain/other.bin", time.time() + 6 * 86_400) and len(store.unfinished()) == 2
    assert store.begun("plain/other.bin", time.time() + 8 * 86_400) and len(store.unfinished()) == 1


class S3Store:
    """The server as somebody sees it who does not use dvcx, below a folder of its bucket."""

    def __init__(self, folder: str, place: Place) -> None:
        from s3fs import S3FileSystem

        self._folder = folder
        key, secret = str(place.options["access_key_id"]), str(place.options["secret_access_key"])
        endpoint = str(place.options["endpoint_url"])
        self._fs = S3FileSystem(key=key, secret=secret, endpoint_url=endpoint, skip_instance_cache=True)

    def unfinished(self) -> list[str]:
        try:
            found = self._fs.call_s3("list_multipart_uploads", Bucket="bkt").get("Uploads", [])
        except FileNotFoundError:  # what rclone says when there is none
            return []
        return [each["Key"] for each in found if each["Key"].startswith(self._folder)]

    def read(self, name: str) -> bytes:
        return bytes(self._fs.cat_file(f"bkt/{self._folder}/{name}"))

    def begin(self, name: str) -> None:
        self._fs.call_s3("create_multipart_upload", Bucket="bkt", Key=f"{self._folder}/{name}")

    def begun(self, name: str, now: float) -> Begun | None:
        asked = begun_upload(self._fs._call_s3, "bkt", f"{self._folder}/{name}", self._folder + "/", now)
        return asyncio.run_coroutine_threadsafe(asked, self._fs.loop).result()


@pytest.mark.parametrize("kind", marked(("s3-rclone",)))
def test_many_small_files_take_few_requests_there_and_back(
    kind: str, project: Project, tmp_path: Path, behind_proxy: Callable[[Place], tuple[Place, FaultProxy]]
) -> None:
    place, proxy = behind_proxy(new_place(kind))
    use_place(project, place)
    numbers = random.Random(1)
    project.save({f"data/{n % 20}/{n}": numbers.randbytes(numbers.randrange(4096, 12289)) for n in range(2000)})
    for words, most in ((["push"], 10), (["push"], 2)):
        proxy.requests.clear()
        project.dvcx(*words).ok()
        assert len(proxy.requests) <= most, [(each.method, each.path) for each in proxy.requests]
    clone = project.clone(tmp_path / "clone")
    give_secrets(clone, place)
    proxy.requests.clear()
    clone.dvcx("pull").ok()
    assert len(proxy.requests) <= 10
    assert clone.files("data") == project.files("data")


@pytest.mark.parametrize("kind", marked(("s3-rclone", "webdav")))
def test_a_second_export_sends_only_what_changed(
    kind: str, project: Project, behind_proxy: Callable[[Place], tuple[Place, FaultProxy]]
) -> None:
    place, proxy = behind_proxy(new_place(kind))
    use_place(project, place)
    project.save({f"data/{number:03}": f"content of {number}" for number in range(60)}, tag="v1")
    project.dvcx("export", "v1", "remote://store/plain").ok()
    assert len(proxy.requests) >= 60
    project.save({"data/007": "changed", "data/new": "new"}, tag="v2")
    proxy.requests.clear()
    project.dvcx("export", "v2", "remote://store/plain").ok()
    sent = [request.path.rpartition("/")[2] for request in proxy.requests if request.method == "PUT" and request.body]
    if kind == "s3-rclone":  # WebDAV writes under other names and moves
        assert sorted(name for name in sent if "export" not in name) == ["007", "new"]
    assert len(sent) == 4, "the notes of what is begun, two files, the notes of what is there"
    assert len(proxy.requests) < 40, [f"{request.method} {request.path}" for request in proxy.requests]
