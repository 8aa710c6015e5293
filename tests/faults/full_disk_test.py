"""A disk that is really full, and one that is really read-only: small file systems of their own, for root only."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.scenarios import content
from tests.project import Project, Run

MIB = 1 << 20


class Disk:
    """A file system in memory at `path`."""

    def __init__(self, path: Path, mib: int) -> None:
        self.path = path
        path.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(path)], capture_output=True, check=False
        )
        if done.returncode != 0:
            pytest.skip(f"cannot mount: {done.stderr.decode().strip()}")

    def remount(self, options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", str(self.path)], check=True)

    def fill(self) -> None:
        """Leaves no byte free."""
        with (self.path / "ballast").open("wb", buffering=0) as file:
            size = MIB
            while size:
                try:
                    file.write(bytes(size))
                except OSError:
                    size //= 2

    def free(self) -> None:
        (self.path / "ballast").unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A disk of 32 MiB."""
    if os.getuid() != 0:
        pytest.skip("only root can mount a file system")
    made = Disk(tmp_path / "disk", 32)
    yield made
    subprocess.run(["umount", "--lazy", str(made.path)], check=True)


def refused(run: Run, code: int = 1, word: str = "space") -> Run:
    """Gives the run, which must have failed clearly."""
    assert run.code == code, run.err
    assert run.err.startswith("error: ") and word in run.err and "hint: " in run.err, run.err
    assert "/" in run.err.splitlines()[0], f"the message does not say where: {run.err}"
    return run


def test_add_on_a_full_disk_loses_nothing_and_works_once_there_is_room(disk: Disk) -> None:
    project = Project.make(disk.path / "project")
    files = {"data/small": content(1, 900), "data/large": content(2, 5 * MIB)}
    for name, data in files.items():
        project.write(name, data)
    disk.fill()
    refused(project.dvcx("add", "data"))
    project.dvcx("status").ok()
    disk.free()
    assert {name: project.read(name) for name in files} == files
    project.dvcx("add", "data").ok()
    assert project.dvcx("status", "--exit-code").code == 0
    project.dvcx("fsck").ok()


def test_checkout_on_a_full_disk_changes_nothing_and_works_once_there_is_room(disk: Disk, tmp_path: Path) -> None:
    project = Project.make(disk.path / "project")
    project.dvcx("config", "cache.dir", str(tmp_path / "cache")).ok()
    first = {"data/small": content(1, 900), "data/large": content(2, 5 * MIB), "data/sub/more": content(3, 80_000)}
    project.save(first, "data", tag="v1")
    second = {"data/small": content(4, 900), "data/large": content(5, 5 * MIB), "data/sub/more": content(6, 80_000)}
    project.save(second, "data")
    project.git("checkout", "--quiet", "v1")
    disk.fill()
    refused(project.dvcx("checkout"))
    assert {name: project.read(name) for name in second} == second
    refused(project.dvcx("checkout", "--force"))
    assert {name: project.read(name) for name in second} == second
    disk.free()
    project.dvcx("checkout").ok()
    assert {name: project.read(name) for name in first} == first


def test_push_to_a_full_disk_goes_on_where_it_stopped(disk: Disk, tmp_path: Path) -> None:
    project = Project.make(tmp_path / "project")
    project.dvcx("remote", "add", "-d", "store", str(disk.path / "store")).ok()
    project.save({f"data/{number}": content(number, 6 * MIB) for number in range(8)}, "data")
    refused(project.dvcx("push"), 5)
    disk.remount("size=128m")
    project.dvcx("push").ok()
    project.dvcx("fsck", "--remote", "store").ok()
    other = Project(project.clone(tmp_path / "clone").path)
    other.dvcx("pull").ok()
    assert other.files("data") == project.files("data")


def test_pull_with_a_full_cache_goes_on_where_it_stopped(disk: Disk, tmp_path: Path) -> None:
    project = Project.make(tmp_path / "project")
    project.dvcx("remote", "add", "-d", "store", str(tmp_path / "store")).ok()
    project.save({f"data/{number}": content(number, 6 * MIB) for number in range(4)}, "data")
    project.dvcx("push").ok()
    other = Project(project.clone(disk.path / "clone").path)
    refused(other.dvcx("pull"))
    assert other.dvcx("status").code == 0
    disk.remount("size=128m")
    other.dvcx("pull").ok()
    assert other.files("data") == project.files("data")
    assert other.dvcx("fsck").code == 0


def test_a_full_disk_is_named_where_a_setting_or_the_trash_needs_room(disk: Disk) -> None:
    project = Project.make(disk.path / "project")
    project.save({"data/a": "one"})
    disk.fill()
    for words, place in (
        (("config", "trash.keep_days", "3"), ".dvcx"),
        (("move", "data", "elsewhere"), "trash"),
        (("remove", "--outs", "data"), "trash"),
    ):
        run = refused(project.dvcx(*words), word="no space left on the device")
        assert f"error: {project.path}/" in run.err and place in run.err.partition("\n")[0]
        assert "permission" not in run.err
    assert project.read("data/a") == b"one"


def test_remove_and_undo_on_a_full_disk_lose_nothing(disk: Disk) -> None:
    project = Project.make(disk.path / "project")
    project.save({"data/small": content(1, 900), "data/large": content(2, 2 * MIB)}, "data")
    before = project.files("data")
    disk.fill()
    run = project.dvcx("remove", "--outs", "data")
    assert run.code in (0, 1), run.err
    disk.free()
    if run.code == 0:
        project.dvcx("undo").ok()
    else:
        project.dvcx("remove", "--outs", "data").ok()
        project.dvcx("undo").ok()
    assert project.files("data") == before


def test_collecting_garbage_works_on_a_full_disk(disk: Disk) -> None:
    project = Project.make(disk.path / "project")
    project.save({"data/large": content(1, 5 * MIB)}, "data")
    project.add({"data/large": content(2, 5 * MIB)}, "data")
    project.git("checkout", "--quiet", "--", ".")
    project.dvcx("checkout", "--force").ok()
    disk.fill()
    for words in (("gc", "--dry-run"), ("status",), ("diff",)):
        project.dvcx(*words).ok()
    run = project.dvcx("gc", "--yes")
    assert run.code in (0, 1), run.err
    disk.free()
    project.dvcx("gc", "--yes").ok()
    project.dvcx("fsck").ok()
    assert project.read("data/large") == content(1, 5 * MIB)


def test_on_a_read_only_disk_looking_works_and_changing_is_a_clear_error(disk: Disk) -> None:
    project = Project.make(disk.path / "project")
    project.dvcx("remote", "add", "-d", "store", "../store").ok()
    project.save({"data/small": content(1, 900), "data/large": content(2, 2 * MIB)}, "data", tag="v1")
    project.dvcx("push").ok()
    project.write("data/small", "changed")
    disk.remount("ro")
    try:
        looks = (
            ("status",),
            ("diff",),
            ("ls", "-R"),
            ("du",),
            ("log", "data"),
            ("status", "--remote", "store"),
            ("fsck",),
        )
        for words in (*looks, ("root",), ("check-ignore", "data"), ("undo", "--list"), ("fsck", "--remote", "store")):
            run = project.dvcx(*words)
            assert run.code in (0, 1), f"{words}: {run.err}"
            assert "read-only" not in run.err, f"{words}: {run.err}"
        for words in (
            ("add", "data"),
            ("checkout", "--force"),
            ("pull", "--force"),
            ("remove", "data"),
            ("config", "core.remote", "x"),
        ):
            refused(project.dvcx(*words), word="read-only")
    finally:
        disk.remount("rw")
    assert project.read("data/small") == b"changed"
    project.dvcx("add", "data").ok()


def test_a_clone_on_a_read_only_disk_can_be_pushed_from_its_cache_as_it_is(disk: Disk, tmp_path: Path) -> None:
    project = Project.make(disk.path / "project")
    project.dvcx("remote", "add", "-d", "store", str(tmp_path / "store")).ok()
    project.save({"data/small": content(1, 900)}, "data")
    disk.remount("ro")
    try:
        run = project.dvcx("push")
        assert run.code in (0, 1), run.err
        if run.code == 1:
            refused(run, word="read-only")
    finally:
        disk.remount("rw")
