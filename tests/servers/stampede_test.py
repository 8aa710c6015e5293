"""A whole team on one remote of a real server: pushes, pulls, checks and collections at once, some of them killed."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.project import Project
from tests.servers.member import shared
from tests.servers.projects import give_secrets, use_place
from tests.servers.stores import Place, marked, new_place

MEMBERS = ("push", "push", "pull", "check", "collect")
PATIENCE = 60.0
KILLED = 4


@dataclass
class Member:
    """A process of the team, and the file that its lines go to."""

    role: str
    clone: Project
    number: int
    log: Path
    stop: Path
    process: subprocess.Popen[bytes] | None = None
    killed: int = 0
    seen: int = 0

    def start(self) -> None:
        words = [sys.executable, "-m", "tests.servers.member", self.role, str(self.clone.path), str(self.number)]
        self.seen = len(self.lines())
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen([*words, str(self.stop)], stdout=out, stderr=out)

    def lines(self) -> list[bytes]:
        return self.log.read_bytes().splitlines() if self.log.exists() else []

    def is_at_work(self) -> bool:
        """Tells whether it has begun and done something since it was started."""
        return len(self.lines()) >= self.seen + 2

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.killed += 1
        (self.clone.path / ".git/index.lock").unlink(missing_ok=True)  # Git's own, which it asks people to remove


@dataclass
class Told:
    """What all members wrote."""

    by_kind: dict[str, list[str]] = field(default_factory=dict)

    def of(self, what: str) -> list[str]:
        return self.by_kind.get(what, [])

    def marked(self) -> int:
        return sum(json.loads(each)["marked"] for each in self.of("collected"))

    def is_enough(self) -> bool:
        """Tells whether everything has happened that should happen at once."""
        return len(self.of("published")) >= 3 and len(self.of("pulled")) >= 2 and self.marked() > 0


def team(project: Project, place: Place, path: Path) -> list[Member]:
    members = []
    for number, role in enumerate(MEMBERS):
        clone = project.clone(path / f"{role}{number}")
        give_secrets(clone, place)
        if role == "push":
            clone.git("push", "--quiet", "origin", f"HEAD:refs/heads/work{number}")
        members.append(Member(role, clone, number, path / f"{role}{number}.log", path / "stop"))
    return members


def work(members: list[Member]) -> Told:
    """Lets the team work, kills those who push and collect, who begin again, and gives what all have told."""
    chance = random.Random(1)
    victims = [each for each in members if each.role in ("push", "collect")]
    limit = time.monotonic() + PATIENCE
    for member in members:
        member.start()
    while (
        sum(each.killed for each in victims) < KILLED or not told_by(members).is_enough()
    ) and time.monotonic() < limit:
        time.sleep(chance.uniform(0.1, 0.7))
        for victim in victims:
            assert victim.process is not None and victim.process.poll() is None, victim.lines()
        tired = [each for each in victims if each.is_at_work()]
        if tired and sum(each.killed for each in victims) < KILLED:
            victim = min(tired, key=lambda each: each.killed)
            victim.kill()
            victim.start()
    members[0].stop.touch()
    for member in members:
        assert member.process is not None
        assert member.process.wait(PATIENCE) == 0, member.lines()[-20:]
    return told_by(members)


def told_by(members: list[Member]) -> Told:
    told = Told()
    for member in members:
        for line in member.log.read_text(errors="replace").splitlines():
            try:
                what, text = json.loads(line)
            except ValueError:
                told.by_kind.setdefault("noise", []).append(line)
                continue
            told.by_kind.setdefault(what, []).append(text)
    return told


@pytest.mark.parametrize("kind", marked(("s3-rclone", "s3-moto", "gcs", "azure")))
def test_a_team_that_does_everything_at_once_and_is_killed_loses_nothing(kind: str, tmp_path: Path) -> None:
    place = new_place(kind)
    project = Project.make(tmp_path / "project")
    use_place(project, place)
    project.dvcx("remote", "modify", "store", "grace_days", "0").ok()
    project.save({"base/file": "base" * 1000})
    project.dvcx("push").ok()
    for number in range(4):  # what one of the others may need again, while it is marked or not
        project.save({f"waste/{name}": data for name, data in shared(number).items()}, "waste")
        project.dvcx("push").ok()
    project.git("reset", "--quiet", "--hard", "HEAD~4")
    members = team(project, place, tmp_path)
    told = work(members)
    assert not told.of("failed") and not told.of("noise"), told.by_kind
    assert told.is_enough() and told.of("checked"), told.by_kind

    collector = members[-1].clone
    collector.git("fetch", "--quiet", "--all", "--prune")
    deleted = 0
    for _ in range(2):
        time.sleep(1.1)
        deleted += collector.json("gc", "--remote", "store", "--older-than", "1s", "--yes")["deleted"]
    assert deleted > 0
    collector.dvcx("fsck", "--remote", "store").ok()
    fresh = project.clone(tmp_path / "fresh")
    give_secrets(fresh, place)
    assert set(told.of("published")) <= set(fresh.git("rev-list", "--all").split())
    fresh.dvcx("fetch", "--all-commits").ok()
    fresh.dvcx("fsck").ok()
