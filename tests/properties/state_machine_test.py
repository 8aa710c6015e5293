"""Any commands in two clones, on parts of a folder too, do what a dictionary would (one clone: history_test.py)."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.project import Project

Files = dict[str, bytes]

PATHS = ("a", "b", "sub/a", "sub/b", "sub/deep/a", "other/a", "sub", "B c")
CONTENTS = (b"", b"one", b"two", b"three" * 50, b"large one" * 9_000, b"large two" * 9_000, b"cut" * 500_000)


class Commands(RuleBasedStateMachine):
    """Two clones of one project; `work` and `tracked` are what each one's folder `data` and its pointer hold."""

    def __init__(self) -> None:
        super().__init__()
        self.top = Path(tempfile.mkdtemp(prefix="dvcx-machine-"))
        self.projects: list[Project] = []
        self.work: list[Files] = []
        self.tracked: list[Files | None] = []
        self.commits: list[tuple[str, Files, bool, int]] = []  # id, files, whether they were pushed, whose it is

    def teardown(self) -> None:
        shutil.rmtree(self.top)

    @initialize()
    def start(self) -> None:
        first = Project.make(self.top / "first")
        (self.top / "store").mkdir()
        first.dvcx("remote", "add", "-d", "store", "../store").ok()
        first.write("data/a", b"one")
        first.dvcx("add", "data").ok()
        head = first.commit(message="first")
        first.dvcx("push").ok()
        second = Project(first.clone(self.top / "second").path, 1000)
        second.dvcx("pull").ok()
        self.projects = [first, second]
        self.work = [{"a": b"one"}, {"a": b"one"}]
        self.tracked = [{"a": b"one"}, {"a": b"one"}]
        self.commits = [(head, {"a": b"one"}, True, 0)]

    @rule(which=st.integers(0, 1), path=st.sampled_from(PATHS), number=st.integers(0, len(CONTENTS) - 1))
    def write(self, which: int, path: str, number: int) -> None:
        content = CONTENTS[number]
        if _is_in_the_way(self.work[which], path):
            return
        self.projects[which].write(f"data/{path}", content)
        self.work[which][path] = content

    @rule(which=st.integers(0, 1), path=st.sampled_from(PATHS))
    def delete(self, which: int, path: str) -> None:
        if path in self.work[which]:
            data = self.projects[which].path / "data"
            (data / path).unlink()
            _remove_empty(data, path)
            del self.work[which][path]

    @rule(which=st.integers(0, 1), old=st.sampled_from(PATHS), new=st.sampled_from(PATHS))
    def rename(self, which: int, old: str, new: str) -> None:
        work = self.work[which]
        if old not in work or new in work or _is_in_the_way({k: v for k, v in work.items() if k != old}, new):
            return
        data = self.projects[which].path / "data"
        if (data / new).is_dir() or new.startswith(old + "/") or old.startswith(new + "/"):
            return
        (data / new).parent.mkdir(parents=True, exist_ok=True)
        (data / old).rename(data / new)
        _remove_empty(data, old)
        work[new] = work.pop(old)

    @rule(which=st.integers(0, 1), part=st.sampled_from(["data", "data/sub", "data/a"]))
    def add(self, which: int, part: str) -> None:
        project = self.projects[which]
        inner = part[5:]
        if not (project.path / part).exists():
            assert project.dvcx("add", part).code == 2
            return
        project.dvcx("add", part).ok()
        tracked = self.tracked[which] or {}
        if inner:
            kept = {p: c for p, c in tracked.items() if p != inner and not p.startswith(inner + "/")}
            if any(inner.startswith(p + "/") for p in kept):
                kept = {p: c for p, c in kept.items() if not inner.startswith(p + "/")}
            new = {p: c for p, c in self.work[which].items() if p == inner or p.startswith(inner + "/")}
            self.tracked[which] = {**kept, **new}
        else:
            self.tracked[which] = dict(self.work[which])

    @rule(which=st.integers(0, 1))
    def commit(self, which: int) -> None:
        tracked = self.tracked[which]
        assert tracked is not None
        project = self.projects[which]
        head = project.commit(message="more")
        project.git("tag", f"t{len(self.commits)}-{which}")
        self.commits.append((head, dict(tracked), False, which))
        if which == 1:  # the first clone knows all commits, so each can be checked out there
            project.git("push", "--quiet", "--tags", str(self.projects[0].path))

    @rule(which=st.integers(0, 1))
    def push(self, which: int) -> None:
        project = self.projects[which]
        known = set(project.git("rev-list", "--all", "HEAD").split())
        run = project.dvcx("push", "--all-tags", "--all-branches")
        if run.code == 4:
            # It knows of commits whose data the other one has not pushed.
            assert any(head in known and not pushed and whose != which for head, _, pushed, whose in self.commits)
            return
        run.ok()
        self.commits = [(head, files, pushed or head in known, whose) for head, files, pushed, whose in self.commits]

    @rule(which=st.integers(0, 1), number=st.integers(0, 100), force=st.booleans())
    def switch(self, which: int, number: int, force: bool) -> None:
        """Goes to some commit whose data was pushed, and gets it with `pull`; `force` goes over unsaved work."""
        head, files, pushed, _ = self.commits[number % len(self.commits)]
        project = self.projects[which]
        if not pushed:
            return
        if which == 1:
            project.git("fetch", "--quiet", "--tags", "origin")
        project.git("checkout", "--quiet", "--force", "--detach", head)
        before = dict(self.work[which])
        self.tracked[which] = dict(files)
        run = project.dvcx("pull", *(["--force"] if force else []))
        if run.code == 6:
            assert not force
            return  # unsaved work in the way: nothing changed
        run.ok()
        now = project.files("data") if (project.path / "data").exists() else {}
        if force:
            assert now == files
        else:
            # What nobody saved and is in nobody's way stays; all else is as the commit says.
            extra = {path: content for path, content in now.items() if path not in files}
            assert {**files, **extra} == now
            assert extra.items() <= before.items()
        self.work[which] = now

    @rule(which=st.integers(0, 1))
    def collect(self, which: int) -> None:
        self.projects[which].dvcx("gc", "--yes").ok()

    @rule(which=st.integers(0, 1))
    def check(self, which: int) -> None:
        self.projects[which].dvcx("fsck").ok()

    @rule(which=st.integers(0, 1))
    def forget_state(self, which: int) -> None:
        for file in self.projects[which].path.glob(".git/dvcx/state.db*"):
            file.unlink()
        shutil.rmtree(self.projects[which].own_folder / "index", ignore_errors=True)
        shutil.rmtree(self.projects[which].own_folder / "cache/index", ignore_errors=True)

    @rule(which=st.integers(0, 1))
    def status(self, which: int) -> None:
        code = self.projects[which].dvcx("status", "--exit-code").code
        assert code == (0 if self.work[which] == self.tracked[which] else 1)

    @invariant()
    def the_workspace_is_what_the_dictionary_says(self) -> None:
        for project, work in zip(self.projects, self.work, strict=True):
            assert (project.files("data") if (project.path / "data").exists() else {}) == work


def _is_in_the_way(work: Files, path: str) -> bool:
    return any(other.startswith(path + "/") or path.startswith(other + "/") for other in work)


def _remove_empty(data: Path, path: str) -> None:
    """Removes the folders above `path` that have nothing in them any more: they are data too, and no dictionary's."""
    for folder in (data / path).parents:
        if folder == data or any(folder.iterdir()):
            return
        folder.rmdir()


def _run(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        Commands,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )


def test_any_sequence_of_commands_agrees_with_a_dictionary() -> None:
    _run(6, 15)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_many_long_sequences_of_commands_agree_with_a_dictionary() -> None:
    _run(150, 40)
