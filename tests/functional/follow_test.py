"""The data follows what Git does, whatever the command: with the hooks of `dvcx install` in real repositories."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.functional.arranging import use_store
from tests.functional.install_test import git, script
from tests.project import Project


@pytest.fixture
def history(project: Project) -> Project:
    """The tags v1, v2, v3 with as many versions of `data/a`, hooks, and the branch `side` with another file."""
    for version in ("1", "2", "3"):
        project.save({"data/a": version}, "data", tag=f"v{version}")
    project.git("branch", "side", "v1")
    project.dvcx("install").ok()
    return project


def commit_to_side(project: Project) -> None:
    git(project, "checkout", "-q", "side")
    project.commit({"code.py": "1"})


def stashed(project: Project) -> None:
    project.write("data/a", "4")
    project.dvcx("add", "data").ok()
    git(project, "stash")
    assert project.read("data/a") == b"3"


def conflict(project: Project, *words: str) -> None:
    """Leaves a command in the middle: `data/a` was changed on both sides."""
    git(project, "checkout", "-q", "side")
    project.save({"data/a": "other"}, "data")
    assert git(project, *words).returncode == 1
    project.dvcx("resolve", "--ours" if words[0] == "rebase" else "--theirs", "data").ok()
    assert project.read("data/a") != b"other"


CASES: dict[str, tuple[Callable[[Project], None], str, bytes]] = {
    "reset": (lambda p: None, "reset --hard v1", b"1"),
    "reset --merge": (lambda p: None, "reset --merge v1", b"1"),
    "reset --keep": (lambda p: None, "reset --keep v2", b"2"),
    "revert": (lambda p: None, "revert --no-edit HEAD", b"2"),
    "revert -n": (lambda p: None, "revert -n HEAD", b"2"),
    "revert many": (lambda p: None, "revert --no-edit v1..v3", b"1"),
    "cherry-pick": (commit_to_side, "cherry-pick v2", b"2"),
    "cherry-pick many": (commit_to_side, "cherry-pick v1..v3", b"3"),
    "cherry-pick -n": (commit_to_side, "cherry-pick --no-commit v2", b"2"),
    "stash pop": (stashed, "stash pop", b"4"),
    "stash apply": (stashed, "stash apply", b"4"),
    "stash branch": (stashed, "stash branch new", b"4"),
    "pull --rebase": (commit_to_side, "pull -q --rebase . main", b"3"),
    "merge --squash": (commit_to_side, "merge --squash main", b"3"),
    "merge --abort": (lambda p: conflict(p, "merge", "main"), "merge --abort", b"other"),
    "rebase --abort": (lambda p: conflict(p, "rebase", "main"), "rebase --abort", b"other"),
    "rebase --skip": (lambda p: conflict(p, "rebase", "main"), "rebase --skip", b"3"),
    "cherry-pick --abort": (lambda p: conflict(p, "cherry-pick", "v2"), "cherry-pick --abort", b"other"),
    "commit after a merge": (lambda p: conflict(p, "merge", "main"), "commit -a -m merged", b"3"),
    "bisect": (lambda p: None, "bisect start v3 v1", b"2"),
}


QUICK = {"reset", "revert -n", "cherry-pick many", "stash pop", "rebase --abort", "commit after a merge"}


@pytest.mark.parametrize("name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in CASES])
def test_the_data_follows(history: Project, name: str) -> None:
    arrange, command, expected = CASES[name]
    arrange(history)
    done = git(history, *command.split())
    assert done.returncode == 0, done.stderr
    assert (history.read("data/a"), history.dvcx("status", "--exit-code").code) == (expected, 0), done.stderr


@pytest.mark.parametrize(
    "command",
    ["checkout -f HEAD", "checkout --force", pytest.param("switch --discard-changes main", marks=pytest.mark.slow)],
)
def test_a_checkout_that_throws_changes_away_is_followed_although_the_commit_stays(
    history: Project, command: str
) -> None:
    history.write("data/a", "4")
    history.dvcx("add", "data").ok()
    git(history, *command.split())
    assert history.read("data/a") == b"3" and history.dvcx("status", "--exit-code").code == 0


def test_data_that_nobody_saved_survives_a_reset_and_a_stash(history: Project) -> None:
    history.write("data/a", "precious")
    done = git(history, "reset", "--hard", "v1")
    assert history.read("data/a") == b"precious" and "`dvcx checkout --force data`" in done.stderr
    git(history, "reset", "--hard", "v3")
    git(history, "stash")
    assert history.read("data/a") == b"precious"


def test_what_moves_no_data_starts_no_python(history: Project) -> None:
    script(history.path / ".git/dvcx/launch", 'echo "$3" | grep post- >> started')
    history.write("code.py", "1")
    for command in ("status", "add code.py", "commit -m code", "stash list", "commit --allow-empty -m none"):
        git(history, *command.split())
    git(history, "checkout", "-b", "new")
    git(history, "reset", "v2")
    assert (history.path / "started").read_text() == "", "pre-commit alone was started"


@pytest.mark.parametrize(
    ("arrange", "command", "started"),
    [
        (None, "checkout v1", ["post-checkout"]),
        (None, "reset --hard v1", ["post-index-change"]),
        (None, "revert --no-edit HEAD", ["post-commit"]),
        (commit_to_side, "cherry-pick v1..v3", ["post-commit"]),
        pytest.param(None, "worktree add ../new v1", ["post-checkout"], marks=pytest.mark.slow),
        pytest.param(commit_to_side, "rebase main", ["post-checkout", "post-rewrite"], marks=pytest.mark.slow),
        pytest.param(commit_to_side, "merge --no-edit main", ["post-merge"], marks=pytest.mark.slow),
    ],
)
def test_python_starts_once_for_each_command(
    history: Project, tmp_path: Path, arrange: Callable[[Project], None] | None, command: str, started: list[str]
) -> None:
    if arrange is not None:
        arrange(history)
    script(history.path / ".git/dvcx/launch", f'[ "$2" = hook ] && echo "$3" >> {tmp_path}/started')
    git(history, *command.split())
    assert (tmp_path / "started").read_text().split() == started


def test_commits_and_resets_are_silent_of_what_was_never_fetched(history: Project, tmp_path: Path) -> None:
    use_store(history)
    history.save({"more": "1"})
    history.dvcx("push", "--all-commits").ok()
    clone = history.clone(tmp_path / "clone")
    clone.dvcx("pull", "more").ok()
    clone.dvcx("install").ok()
    clone.add({"more": "2"})
    for words in (("commit", "-a", "-m", "more"), ("reset", "--hard", "HEAD^")):
        done = git(clone, *words)
        assert done.returncode == 0 and "not in the cache" not in done.stderr
    assert clone.read("more") == b"1"
    clone.dvcx("pull", "data").ok()
    assert "`dvcx pull` fetches it" in git(clone, "reset", "--hard", "v1").stderr


def test_a_hook_of_ones_own_gets_every_call(history: Project, tmp_path: Path) -> None:
    script(history.path / ".git/hooks/post-index-change.before-dvcx", f'echo "$*" >> {tmp_path}/seen')
    history.write("x", "1")
    git(history, "add", "x")
    git(history, "reset", "--hard", "v1")
    assert (tmp_path / "seen").read_text().splitlines() == ["0 0", "1 0"]
    assert history.read("data/a") == b"1"
