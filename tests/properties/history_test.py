"""A state machine: adds, edits, checkouts, pushes, pulls, collections and undos against a plain dictionary."""

from __future__ import annotations

import contextlib
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
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.project import Project

NAMES = st.sampled_from(["a", "b c", "sub/a", "sub/deep/é", "sub2/x", "UPPER"])
# Some contents are the same under many names, some are large enough for a file of their own in the cache.
CONTENTS = st.sampled_from([b"", b"one", b"two\n", b"x" * 5_000, b"large" * 20_000, b"Large" * 20_000])


class History(RuleBasedStateMachine):
    """A project with one tracked folder, a remote, and what should be in them.

    `now` is the workspace, `saved` what the pointer says, `commits` what each commit's pointer says.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stack = contextlib.ExitStack()
        self.top = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.now: dict[str, bytes] = {}
        self.saved: dict[str, bytes] = {}
        self.commits: dict[str, dict[str, bytes]] = {}
        self.pushed: set[str] = set()
        self.clones = 0

    def teardown(self) -> None:
        self.stack.close()

    @initialize()
    def make(self) -> None:
        self.project = Project.make(self.top / "project")
        self.project.dvcx("remote", "add", "-d", "store", str(self.top / "store")).ok()
        self.write("a", b"first")
        self.add_and_commit()

    @rule(name=NAMES, content=CONTENTS)
    def write(self, name: str, content: bytes) -> None:
        path = self.project.path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self.now[name] = content

    @precondition(lambda self: len(self.now) > 1)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.now)))
        (self.project.path / "data" / name).unlink()
        del self.now[name]
        # Empty folders are data, too; this model has none, so they go.
        folder = (self.project.path / "data" / name).parent
        while folder.name != "data" and not any(folder.iterdir()):
            folder.rmdir()
            folder = folder.parent

    @rule()
    def add_and_commit(self) -> None:
        self.project.dvcx("add", "data").ok()
        self.saved = dict(self.now)
        commit = self.project.commit(message="save")
        self.commits[commit] = dict(self.saved)

    @rule(name=NAMES, content=CONTENTS)
    def add_one_inside(self, name: str, content: bytes) -> None:
        self.write(name, content)
        self.project.dvcx("add", f"data/{name}").ok()
        self.saved[name] = content

    @precondition(lambda self: self.now == self.saved)
    @rule(data=st.data())
    def go_to_a_commit(self, data: st.DataObject) -> None:
        if self.saved not in self.commits.values():
            self.add_and_commit()
        commit = data.draw(st.sampled_from(sorted(self.commits)))
        self.project.git("checkout", "--quiet", commit)
        self.project.dvcx("checkout").ok()
        self.now = dict(self.commits[commit])
        self.saved = dict(self.now)

    @precondition(lambda self: self.now != self.saved)
    @rule()
    def force_checkout_and_undo(self) -> None:
        before = self.undoable()
        self.project.dvcx("checkout", "--force").ok()
        assert self.files() == self.saved
        if self.undoable() != before:  # one that only brought back what was not there has nothing to take back
            self.project.dvcx("undo")
            missing = {name for name in self.now if name not in self.files()}
            assert not missing, "undo brings back every file that a forced checkout replaced or removed"
            self.project.dvcx("checkout", "--force").ok()
        self.now = dict(self.saved)

    @rule()
    def push(self) -> None:
        self.project.dvcx("push", "--all-commits").ok()
        self.pushed = set(self.commits)

    @precondition(lambda self: bool(self.pushed))
    @rule(data=st.data())
    def clone_and_pull(self, data: st.DataObject) -> None:
        commit = data.draw(st.sampled_from(sorted(self.pushed)))
        self.project.git("branch", "--force", "asked", commit)
        self.clones += 1
        clone = self.project.clone(self.top / f"clone{self.clones}", "--quiet", "--branch", "asked")
        clone.dvcx("pull").ok()
        assert clone.files("data") == self.commits[commit]
        assert clone.dvcx("status", "--exit-code").code == 0
        shutil.rmtree(clone.path)

    @rule()
    def collect_garbage(self) -> None:
        self.project.dvcx("gc", "--yes").ok()

    @rule()
    def lose_what_is_derived(self) -> None:
        for name in ("state.db", "state.db-wal", "state.db-shm"):
            (self.project.own_folder / name).unlink(missing_ok=True)
        for folder in ("index", "cache/index"):
            shutil.rmtree(self.project.own_folder / folder, ignore_errors=True)

    @rule()
    def check_everything(self) -> None:
        self.project.dvcx("fsck").ok()

    def files(self) -> dict[str, bytes]:
        return self.project.files("data")

    def undoable(self) -> list[str]:
        entries = self.project.json("undo", "--list")["entries"]
        return [entry["id"] for entry in entries]

    @invariant()
    def the_workspace_is_as_it_should_be(self) -> None:
        if hasattr(self, "project"):
            assert self.files() == self.now

    @invariant()
    def status_knows_whether_anything_changed(self) -> None:
        if hasattr(self, "project"):
            dirty = self.project.dvcx("status", "--exit-code").code
            assert dirty == (0 if self.now == self.saved else 1)


_CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def test_short_histories_keep_all_data() -> None:
    run_state_machine_as_test(
        History,
        settings=settings(
            max_examples=10, stateful_step_count=12, deadline=None, suppress_health_check=_CHECKS, derandomize=True
        ),
    )


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_long_histories_keep_all_data() -> None:
    run_state_machine_as_test(
        History,
        settings=settings(max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=_CHECKS),
    )
