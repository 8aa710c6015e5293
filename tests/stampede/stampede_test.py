"""Commands that run at the same time neither lose nor spoil anything, and readers never wait."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from dvcx.base.locks import FileLock
from tests.project import Project, program


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project.make(tmp_path / "project")
    project.dvcx("remote", "add", "-d", "store", str(tmp_path / "store")).ok()
    return project


def at_once(*commands: tuple[Path, Sequence[str]]) -> list[tuple[int, str]]:
    """Starts all commands `(folder, words)`, waits for all, and gives exit code and stderr of each."""
    running = [
        subprocess.Popen(program(words), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for folder, words in commands
    ]
    return [(process.wait(120), process.communicate()[1]) for process in running]


def all_fine(results: list[tuple[int, str]]) -> bool:
    return [(code, err) for code, err in results if code] == []


def test_adds_of_different_files_at_once_are_all_kept(project: Project) -> None:
    names = [f"file{n}" for n in range(6)]
    for name in names:
        project.write(name, name * 20_000)
    assert all_fine(at_once(*[(project.path, ["add", name]) for name in names]))
    assert sorted(project.json("status")["outputs"], key=lambda o: str(o["path"])) != []
    assert [output["path"] for output in project.json("status")["outputs"]] == names
    assert project.dvcx("status", "--exit-code").code == 0
    ignored = (project.path / ".gitignore").read_text().splitlines()
    assert sorted(ignored) == [f"/{name}" for name in names]
    project.dvcx("fsck").ok()


def test_adds_inside_one_folder_at_once_are_all_kept(project: Project) -> None:
    project.save({"data/first": "first"})
    names = [f"data/new{n}" for n in range(5)]
    for name in names:
        project.write(name, name)
    assert all_fine(at_once(*[(project.path, ["add", name]) for name in names]))
    assert project.dvcx("status", "--exit-code").code == 0


def test_the_same_add_many_times_at_once_does_it_once(project: Project) -> None:
    project.write("data/x", "x" * 100_000)
    project.write("data/y", "y")
    assert all_fine(at_once(*[(project.path, ["add", "data"])] * 4))
    assert project.dvcx("status", "--exit-code").code == 0
    project.dvcx("fsck").ok()


def test_two_clones_push_to_one_remote_at_once_and_both_are_there(project: Project, tmp_path: Path) -> None:
    project.commit(message="remote")
    clones = [project.clone(tmp_path / f"clone{n}") for n in range(3)]
    for number, clone in enumerate(clones):
        clone.save({f"data{number}/shared": "the same" * 1000, f"data{number}/own": f"own {number}"})
    assert all_fine(at_once(*[(clone.path, ["push"]) for clone in clones]))
    for clone in clones:
        fresh = clone.clone(tmp_path / f"fresh-{clone.path.name}")
        fresh.dvcx("pull").ok()
        assert fresh.dvcx("status", "--exit-code").code == 0


def test_worktrees_share_one_cache_while_both_work(project: Project, tmp_path: Path) -> None:
    project.save({"data/a": "one" * 50_000, "data/b": "b"}, tag="v1")
    project.save({"data/a": "two" * 50_000}, tag="v2")
    project.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "other"), "v1")
    project.write("model", "m" * 200_000)
    assert all_fine(
        at_once((tmp_path / "other", ["checkout"]), (project.path, ["add", "model"]), (project.path, ["status"]))
    )
    assert (tmp_path / "other" / "data" / "a").read_text() == "one" * 50_000
    project.dvcx("fsck").ok()


def test_collecting_garbage_while_others_add_and_push_loses_nothing(project: Project) -> None:
    for number in range(4):
        project.save({f"keep{number}": f"{number}" * 90_000})
    for number in range(4):
        project.write(f"new{number}", f"new {number}" * 20_000)
    commands: list[tuple[Path, Sequence[str]]] = [(project.path, ["add", f"new{n}"]) for n in range(4)]
    assert all_fine(at_once(*commands, (project.path, ["gc", "--yes"]), (project.path, ["push"])))
    assert project.dvcx("status", "--exit-code").code == 0
    project.dvcx("fsck").ok()


def test_readers_do_not_wait_for_a_writer(project: Project) -> None:
    project.save({"data/a": "a"})
    project.dvcx("push").ok()
    lock = FileLock(project.own_folder / "lock", "the project")
    for words in (["status"], ["ls", "-R"], ["diff"], ["du"], ["doctor"], ["fetch", "--dry-run"], ["push"]):
        with lock.exclusive():
            start = time.monotonic()
            result = project.spawn(*words)
        assert result.code == 0, (words, result.err)
        assert time.monotonic() - start < 20, words


def test_who_has_to_wait_is_told_for_whom_and_nobody_deletes_a_lock(project: Project) -> None:
    project.write("data/a", "a")
    lock = FileLock(project.own_folder / "lock", "the project")
    with lock.exclusive():
        busy = project.spawn("add", "data", environment={"DVCX_CORE_LOCK_TIMEOUT": "0.2"})
    assert busy.code == 75
    assert "pid" in busy.err
    assert "Traceback" not in busy.err
    project.dvcx("add", "data").ok()


def test_a_killed_holder_leaves_no_lock(project: Project) -> None:
    project.write("data/a", "a" * 2_000_000)
    for _ in range(3):
        process = subprocess.Popen(program(["add", "data"]), cwd=project.path, stderr=subprocess.DEVNULL)
        time.sleep(0.25)
        process.kill()
        process.wait()
    project.dvcx("add", "data").ok()
    assert project.dvcx("status", "--exit-code").code == 0
