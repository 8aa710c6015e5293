"""Over a slow line the progress of pushes and pulls moves all the time, not by whole packs, and is true in the end."""

from __future__ import annotations

import os
import random
import threading
import time
from pathlib import Path

import pytest

from dvcx.base.progress import Task
from dvcx.operations.fetch import fetch
from dvcx.operations.push import push
from dvcx.operations.transfer import TransferOptions
from dvcx.repo.open import open_repo
from tests.project import Project
from tests.servers.projects import behind, use_place
from tests.servers.slow_line import SlowLine
from tests.servers.stores import marked, new_place

MIB = 1 << 20
FILES = {"model.bin": random.Random(1).randbytes(20 * MIB)} | {
    f"data/{number}": random.Random(number).randbytes(100_000) for number in range(50)
}
TOTAL = sum(map(len, FILES.values()))
RATE = 8 * MIB


class Watch:
    """A progress that notes how far it was every time it moved."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.total = 0
        self.at = 0
        self.seen: list[tuple[float, int]] = []

    def start(self, label: str, total: int | None, unit: str) -> Task:
        self.total = total or 0
        return self

    def advance(self, n: int = 1) -> None:
        with self._lock:
            self.at += n
            self.seen.append((time.monotonic(), self.at))

    def done(self) -> None:
        return None

    def check(self) -> None:
        """It is never far from what the line can have carried, and in the end is all."""
        assert self.at == self.total and abs(self.total - TOTAL) < 100_000
        assert max(at for _, at in self.seen) <= self.total
        began = self.seen[0][0]
        marks = [at for when, at in self.seen if 0.5 < when - began < 1.5]
        assert marks and max(marks) - min(marks) > RATE // 4, "it moves"
        longest = max(later - earlier for (earlier, _), (later, _) in zip(self.seen, self.seen[1:], strict=False))
        assert longest < 1.0, f"it stood still for {longest:.1f} s"


@pytest.mark.parametrize("kind", marked(("s3-rclone", "ssh")))
def test_a_push_moves_all_the_time(kind: str, tmp_path: Path) -> None:
    place = new_place(kind)
    project = Project.make(tmp_path / "project")
    project.save(FILES)
    line = SlowLine(place.port, RATE)
    try:
        use_place(project, place.moved(line.port))
        if kind == "ssh":  # the host is known by the server's own port
            known = Path(str(place.options["known_hosts"])).read_text().replace(f":{place.port} ", f":{line.port} ")
            (tmp_path / "known_hosts").write_text(known)
            project.dvcx("remote", "modify", "store", "known_hosts", str(tmp_path / "known_hosts")).ok()
        watch = Watch()
        result = push(open_repo(project.path, os.environ), (), TransferOptions(), watch)
    finally:
        line.stop()
    assert result.problem() is None
    watch.check()


@pytest.mark.parametrize("kind", marked(("s3-rclone", "http")))
def test_a_fetch_moves_all_the_time(kind: str, tmp_path: Path) -> None:
    place = new_place(kind)
    project = Project.make(tmp_path / "project")
    use_place(project, behind(place))
    project.save(FILES)
    project.dvcx("push").ok()
    clone = project.clone(tmp_path / "clone")
    line = SlowLine(place.port, RATE)
    try:
        use_place(clone, place.moved(line.port))
        watch = Watch()
        result = fetch(open_repo(clone.path, os.environ), (), TransferOptions(), watch)
    finally:
        line.stop()
    assert result.problem() is None
    watch.check()
