"""The commands that are struck, each with what lies there before; a `Place` is a project, its store and a clone."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dvcx.cli.table import TABLE, every_command
from tests.faults.truth import cache_objects, remote_objects, trashed
from tests.project import Project, Run

SMALL, LARGE, CUT = 700, 70_000, 1_200_000
"""Bytes of a file that goes into a pack, of one that gets a file of its own, and of one that a remote cuts."""


@dataclass(frozen=True)
class Place:
    """Where one scenario plays: everything lies below `folder`, so that it can be put back."""

    folder: Path

    @property
    def project(self) -> Project:
        """The project that most commands run in."""
        return Project(self.folder / "project", commits=10)

    @property
    def clone(self) -> Project:
        """A second clone of it."""
        return Project(self.folder / "clone", commits=20)

    @property
    def store(self) -> Path:
        """The remote."""
        return self.folder / "store"

    def projects(self) -> list[Project]:
        """Gives the projects that are there."""
        return [project for project in (self.project, self.clone) if project.path.is_dir()]

    def caches(self) -> list[dict[bytes, bytes]]:
        """Gives the objects of every cache, each checked against its name."""
        return [cache_objects(project.own_folder / "cache") for project in self.projects()]

    def everything(self) -> set[bytes]:
        """Gives every content that can be had anywhere: in a workspace, a cache, the trash or on the remote."""
        found = set(remote_objects(self.store).values()) if self.store.is_dir() else set()
        for project, objects in zip(self.projects(), self.caches(), strict=True):
            found.update(objects.values(), _data_of(project))
            found.update(trashed(project.own_folder / "trash"))
        return found


def _data_of(project: Project) -> list[bytes]:
    """Gives the contents in the workspace that are a person's own; pointers lie in Git and in the trash's journals."""
    return [data for name, data in project.files().items() if not name.endswith((".dvcx", ".gitignore"))]


@dataclass(frozen=True)
class Outcome:
    """What a command leaves that a person can see or use; two runs with one outcome did the same."""

    files: tuple[dict[str, bytes], ...]
    modes: tuple[dict[str, str], ...]
    git: tuple[str, ...]
    cached: tuple[frozenset[bytes], ...]
    stored: frozenset[bytes]


def outcome(place: Place) -> Outcome:
    """Gives what is there now."""
    projects = place.projects()
    return Outcome(
        files=tuple(project.files() for project in projects),
        modes=tuple(_shape(project.path) for project in projects),
        git=tuple(project.git("status", "--porcelain", "--untracked-files=all") for project in projects),
        cached=tuple(frozenset(objects) for objects in place.caches()),
        stored=frozenset(remote_objects(place.store)) if place.store.is_dir() else frozenset(),
    )


def _shape(top: Path) -> dict[str, str]:
    """Gives what is no file's content: folders, links with their targets, executable files."""
    shape: dict[str, str] = {}
    for at, folders, names in os.walk(top):
        folders[:] = [name for name in folders if Path(at, name) not in (top / ".git", top / ".dvcx/tmp")]
        for name in (*folders, *names):
            path = Path(at) / name
            if path.is_symlink():
                shape[str(path.relative_to(top))] = f"-> {os.readlink(path)}"
            elif path.is_dir():
                shape[str(path.relative_to(top))] = "folder"
            elif os.access(path, os.X_OK):
                shape[str(path.relative_to(top))] = "executable"
    return shape


@dataclass(frozen=True)
class Scenario:
    """A command and what it runs on. `again` are the exit codes that running it once more may have."""

    name: str
    words: tuple[str, ...]
    arrange: Callable[[Place], None]
    in_clone: bool = False
    again: tuple[int, ...] = (0,)
    reversible: bool = False
    """Whether running it again after it was done takes it back (`undo`)."""

    def __str__(self) -> str:
        return self.name

    def target(self, place: Place) -> Project:
        """Gives the project that the command runs in."""
        return place.clone if self.in_clone else place.project

    def run_again(self, place: Place) -> Run:
        """Runs the command once more, as someone would after an interruption."""
        return self.target(place).dvcx(*self.words)

    @property
    def exists(self) -> bool:
        """Whether this dvcx has the command."""
        return any(self.words[: len(command.path)] == command.path for command in every_command(TABLE))


def content(seed: int, size: int) -> bytes:
    """Gives bytes that are the same in every run."""
    return random.Random(seed).randbytes(size)


def _write_data(project: Project, seed: int) -> None:
    """Writes a version of the data: the seed decides over its content."""
    project.write("data/small", content(seed, SMALL))
    project.write("data/same", b"the same in every version")
    project.write("data/deep/er/small", content(seed + 1, SMALL))
    project.write("data/deep/large", content(seed + 2, LARGE))
    project.write("data/run.sh", b"#!/bin/sh\necho %d\n" % seed).chmod(0o755)
    project.write(f"data/only-{seed}", content(seed + 3, SMALL))
    (project.path / "data/empty").mkdir(exist_ok=True)
    link = project.path / "data/link"
    if not link.is_symlink():
        link.symlink_to("deep/large")
    project.write("model.bin", content(seed + 4, CUT))


def _start(place: Place) -> None:
    project = Project.make(place.folder / "project")
    with (project.path / ".dvcx/config.toml").open("a") as config:
        config.write('remote = "store"\n[remote.store]\nurl = "../store"\n')
    project.commit(message="settings")


def _unsaved(place: Place) -> None:
    _start(place)
    _write_data(place.project, 100)


def _saved(place: Place) -> None:
    _unsaved(place)
    place.project.dvcx("add", "data", "model.bin").ok()
    place.project.commit(message="v1")
    place.project.git("tag", "v1")


def _edited(place: Place) -> None:
    _saved(place)
    (place.project.path / "data/only-100").unlink()
    (place.project.path / "data/deep/large").unlink()
    place.project.write("data/deep/large/now-a-folder", content(1, SMALL))
    _write_data_but_large(place.project, 200)


def _write_data_but_large(project: Project, seed: int) -> None:
    project.write("data/small", content(seed, SMALL))
    project.write("data/new", content(seed + 1, LARGE))
    changed = bytearray(project.read("model.bin"))
    changed[5000:5000] = content(seed + 2, 3000)
    project.write("model.bin", bytes(changed))


def _pushed(place: Place) -> None:
    _saved(place)
    place.project.dvcx("push").ok()


def _pushed_and_edited(place: Place) -> None:
    _pushed(place)
    _write_data_but_large(place.project, 200)
    place.project.dvcx("add", "data", "model.bin").ok()
    place.project.commit(message="v2")


def _cloned(place: Place) -> None:
    _pushed(place)
    place.project.clone(place.folder / "clone")


def _cloned_and_behind(place: Place) -> None:
    _cloned(place)
    place.clone.dvcx("pull").ok()
    _write_data_but_large(place.project, 200)
    place.project.dvcx("add", "data", "model.bin").ok()
    place.project.commit(message="v2")
    place.project.dvcx("push").ok()
    place.clone.git("pull", "--quiet")


def _at_another_version(place: Place) -> None:
    _saved(place)
    (place.project.path / "data/only-100").unlink()
    _write_data(place.project, 200)
    place.project.dvcx("add", "data", "model.bin").ok()
    place.project.commit(message="v2")
    place.project.git("checkout", "--quiet", "v1")


def _empty_workspace(place: Place) -> None:
    _saved(place)
    shutil.rmtree(place.project.path / "data")
    (place.project.path / "model.bin").unlink()


def _unsaved_work(place: Place) -> None:
    _at_another_version(place)
    place.project.write("data/small", b"work that nobody saved")
    place.project.write("data/deep/large", content(7, LARGE))
    place.project.write("data/untracked", b"nobody knows of this one")
    (place.project.path / "data/run.sh").unlink()
    place.project.write("data/run.sh/inside", b"a folder where a file was")


def _with_garbage(place: Place) -> None:
    _pushed(place)
    for seed in (300, 400):
        _write_data(place.project, seed)
        place.project.dvcx("add", "data", "model.bin").ok()
        place.project.dvcx("push").ok()
    place.project.git("checkout", "--quiet", "--", ".")
    place.project.dvcx("checkout", "--force").ok()
    shutil.rmtree(place.project.own_folder / "trash", ignore_errors=True)


def _with_marks(place: Place) -> None:
    _with_garbage(place)
    place.project.dvcx("config", "remote.store.grace_days", "0").ok()
    place.project.commit(message="no grace")
    place.project.dvcx("gc", "--yes", "--remote", "store").ok()


def _undoable(place: Place) -> None:
    _unsaved_work(place)
    place.project.dvcx("checkout", "--force").ok()


def _removed(place: Place) -> None:
    _saved(place)
    place.project.dvcx("remove", "--outs", "data").ok()


def _bare_git(place: Place) -> None:
    Project.create(place.folder / "project").commit({"file": "a file"})


SCENARIOS = (
    Scenario("init", ("init",), _bare_git),
    Scenario("config", ("config", "core.remote", "store"), _start),
    Scenario("add-new", ("add", "data", "model.bin"), _unsaved),
    Scenario("add-changed", ("add", "data", "model.bin"), _edited),
    Scenario("add-inside", ("add", "data/deep"), _edited),
    Scenario("commit", ("commit",), _edited),
    Scenario("push-first", ("push",), _saved),
    Scenario("push-more", ("push",), _pushed_and_edited),
    Scenario("fetch", ("fetch",), _cloned, in_clone=True),
    Scenario("pull", ("pull",), _cloned, in_clone=True),
    Scenario("pull-more", ("pull",), _cloned_and_behind, in_clone=True),
    Scenario("checkout", ("checkout",), _at_another_version),
    Scenario("checkout-empty", ("checkout",), _empty_workspace),
    Scenario("checkout-force", ("checkout", "--force"), _unsaved_work),
    Scenario("gc", ("gc", "--yes"), _with_garbage),
    Scenario("gc-remote-marks", ("gc", "--yes", "--remote", "store"), _with_garbage),
    Scenario("gc-remote-deletes", ("gc", "--yes", "--remote", "store"), _with_marks),
    Scenario("remove", ("remove", "data", "model.bin"), _saved, again=(0, 2)),
    Scenario("remove-outs", ("remove", "--outs", "data"), _saved, again=(0, 2)),
    Scenario("remove-inside", ("remove", "data/deep"), _saved, again=(0, 2)),
    Scenario("move", ("move", "data", "else/where"), _saved, again=(0, 2)),
    Scenario("move-inside", ("move", "data/deep", "data/elsewhere"), _saved, again=(0, 2)),
    Scenario("undo-checkout", ("undo",), _undoable, again=(0, 4), reversible=True),
    Scenario("undo-remove", ("undo",), _removed, again=(0, 4), reversible=True),
)
