"""One member of a team at work on a clone, as a process: `python -m tests.servers.member ROLE CLONE NUMBER STOP`.

Each thing done is a line of JSON on stdout. A command that fails is written there too, and the member goes on, until
there is a file STOP.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from dvcx.base.errors import DvcxError
from dvcx.operations.gc import GcOptions, collection
from dvcx.repo.open import open_repo
from tests.project import Project, Run

GRACE = 6.0
"""Seconds; whoever takes longer to publish than this, from the start of the push on, does not."""
SHARED = 24
"""So many contents go round among all: thrown away by one, needed by another, while they are marked or not."""


def shared(number: int) -> dict[str, bytes]:
    """Gives one of the contents that everybody uses: a large file, which is cut into chunks, and small ones."""
    numbers = random.Random(number)
    large = numbers.randbytes(700_000)
    return {"large": large, **{f"small{n}": numbers.randbytes(2_000) for n in range(5)}}


def push(project: Project, number: int, turn: int) -> None:
    """Commits and publishes a version, data first; every second time throws another away after its push."""
    choice = random.Random(f"{number} {turn}")
    project.git("reset", "--quiet", "--hard")  # what a killed turn left: it may be committed and not pushed
    project.git("switch", "--quiet", "-C", f"work{number}", f"origin/work{number}")
    project.git("clean", "--quiet", "-ffd")
    if turn % 2:
        project.git("switch", "--quiet", "-C", "thrown-away")
        _save(project, f"waste{number}", shared(choice.randrange(SHARED)), f"waste {turn}")
        _told(project.dvcx("push"))
        project.git("switch", "--quiet", "--discard-changes", f"work{number}")
        project.git("branch", "--quiet", "-D", "thrown-away", check=False)
        return
    files = shared(choice.randrange(SHARED)) | {"own": f"{number} {turn}".encode() * 50}
    commit = _save(project, f"work{number}", files, f"turn {turn}")
    began = time.monotonic()
    run = _told(project.dvcx("push"))
    if run.code == 0 and time.monotonic() - began < GRACE - 1:
        project.git("push", "--quiet", "--force", "origin", f"work{number}")
        _tell("published", commit)


def pull(project: Project, number: int, turn: int) -> None:
    """Clones anew and pulls what one of the others published last."""
    path = project.path.with_name(f"{project.path.name}-{turn}")
    shutil.rmtree(path, ignore_errors=True)
    project.git("fetch", "--quiet", "--all")
    names = project.git("for-each-ref", "--format=%(refname:short)", "refs/remotes/origin/work*").split()
    if not names:
        time.sleep(0.2)
        return
    shutil.copytree(project.path, path, symlinks=True)
    fresh = Project(path)
    fresh.git("switch", "--quiet", "--detach", names[turn % len(names)])
    run = _told(fresh.dvcx("pull"))
    if run.code == 0:
        _tell("pulled", names[turn % len(names)])
    shutil.rmtree(path)


def check(project: Project, number: int, turn: int) -> None:
    """Reads everything on the remote."""
    _told(project.dvcx("fsck", "--remote", "store"))
    _tell("checked", "")
    time.sleep(0.5)


def collect(project: Project, number: int, turn: int) -> None:
    """Collects garbage after asking for all branches."""
    now = time.time()  # what is published later is as young as that
    project.git("fetch", "--quiet", "--all", "--prune")
    try:
        done = collection(open_repo(project.path, os.environ), GcOptions("store", GRACE, now=now)).apply()
        _tell("collected", json.dumps({"marked": done.marked, "deleted": done.deleted}))
    except DvcxError as error:
        _tell("failed", f"gc: {error}")
    time.sleep(0.3)


def _save(project: Project, folder: str, files: dict[str, bytes], message: str) -> str:
    shutil.rmtree(project.path / folder, ignore_errors=True)
    for name, data in files.items():
        project.write(f"{folder}/{name}", data)
    _told(project.dvcx("add", folder))
    project.git("add", "--all")
    project.git("commit", "--quiet", "--allow-empty", "-m", message)
    return project.head()


def _told(run: Run) -> Run:
    if run.code != 0:
        _tell("failed", f"dvcx {' '.join(run.words)}: {run.code}: {run.err}")
    return run


def _tell(what: str, text: str) -> None:
    print(json.dumps([what, text]), flush=True)


ROLES: dict[str, Callable[[Project, int, int], None]] = {
    "push": push,
    "pull": pull,
    "check": check,
    "collect": collect,
}

if __name__ == "__main__":
    role, clone, number, stop = sys.argv[1:]
    _tell("began", role)
    turn = int(time.time() * 1000) % 1_000 * 2  # another one after a restart
    while not Path(stop).exists():
        ROLES[role](Project(Path(clone)), int(number), turn)
        turn += 1
