"""Branches from somebody hostile, merged, compared and checked out with hooks and drivers in place."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.hostile.crafting import Thing, Watch, file_entry, folder_with, lay_in_cache, nested, set_remote
from tests.hostile.trees_test import DAMAGED, REFUSED
from tests.project import Project

SOME = {label: (REFUSED | DAMAGED)[label] for label in [*list(REFUSED)[::6], *list(DAMAGED)[::4]]}


@pytest.fixture
def victim(tmp_path: Path) -> Project:
    """A project with hooks, beside a folder that is none of its business, and with a branch `other` to merge."""
    project = Project.make(tmp_path / "project")
    project.save({"data/file": "mine"})
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/precious").write_text("precious")
    set_remote(project, tmp_path / "store")
    project.dvcx("install").ok()
    project.commit(message="settings")
    project.git("branch", "other")
    return project


def hostile_branch(victim: Project, files: dict[str, str]) -> None:
    """Commits `files` on the branch other, and a change of the data on main."""
    victim.git("checkout", "--quiet", "other")
    for name, text in files.items():
        victim.write(name, text)
    victim.git("add", "--force", "--", *files)
    victim.git("commit", "--quiet", "--no-verify", "-m", "hostile")
    victim.git("-c", "core.hooksPath=/dev/null", "checkout", "--quiet", "main")
    victim.save({"data/file": "mine, changed"}, "data")


def watch(victim: Project) -> Watch:
    git = victim.path / ".git"
    changing = (git / name for name in ("dvcx", "index", "HEAD", "ORIG_HEAD", "MERGE_HEAD", "MERGE_MSG", "MERGE_MODE"))
    work = (victim.path / name for name in ("data", "data.dvcx"))
    return Watch(victim.path.parent, git / "logs", git / "objects", git / "AUTO_MERGE", *changing, *work)


def git(victim: Project, *words: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        ["git", *words], cwd=victim.path, env=os.environ, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=60, errors="replace",
    )  # fmt: skip
    assert "bug in dvcx" not in done.stderr and "Traceback" not in done.stderr, done.stderr
    return done


@pytest.mark.parametrize(
    "label", [label if at % 2 else pytest.param(label, marks=pytest.mark.slow) for at, label in enumerate(SOME)]
)
def test_a_hostile_tree_is_not_merged_shown_or_checked_out(victim: Project, label: str) -> None:
    thing: Thing = SOME[label]
    lay_in_cache(victim, thing)
    hostile_branch(victim, {"data.dvcx": thing.pointer()})
    watching = watch(victim)
    assert "CONFLICT" in git(victim, "merge", "other").stdout
    watching.check()
    assert "not merged" in victim.read("data.dvcx").decode()
    assert victim.dvcx("resolve", "--both").code in (3, 6)
    git(victim, "merge", "--abort")
    assert git(victim, "log", "-p", "--all").returncode == 0
    watching.check()
    assert victim.read("data/file") == b"mine, changed"
    done = git(victim, "checkout", "other")
    assert done.returncode == 1 and "error: " in done.stderr
    assert (victim.path.parent / "outside/precious").read_text() == "precious"
    assert not (victim.path / ".git/hooks/planted").exists()


def test_names_of_files_reach_no_shell(victim: Project) -> None:
    name = "$(touch planted)`touch planted`;touch planted;'\"& -x.dvcx"
    text = 'dvcx: 1\npath: "x"\n'
    victim.dvcx("install", "--uninstall", "--pre-commit").ok()
    victim.commit({name: text, "--output=planted.dvcx": text})
    hostile_branch(victim, {name: text + "a: 1\n", "--output=planted.dvcx": text + "a: 1\n"})
    victim.commit({name: text + "b: 2\n", "--output=planted.dvcx": text + "b: 2\n"})
    for words in (("merge", "other"), ("diff", "other"), ("log", "-p")):
        git(victim, *words)
    assert not list(victim.path.rglob("planted"))


def test_a_branch_cannot_bring_a_command_or_switch_hooks_off(victim: Project) -> None:
    marker = victim.path.parent / "ran"
    hostile_branch(
        victim,
        {
            ".gitattributes": "*.dvcx merge=evil diff=evil\n*.py filter=evil\n",
            ".gitconfig": f'[merge "evil"]\n driver = touch {marker}\n[diff "evil"]\n textconv = touch {marker}\n',
            ".dvcx/hooks/post-checkout": f"#!/bin/sh\ntouch {marker}\n",
            ".dvcx/config.toml": '[core]\nformat = 1\nhash = "blake3"\n[git]\nguard_limit = 0\ndriver = "touch ran"\n',
            "dvcx.py": f"open({str(marker)!r}, 'w')\n",
            "git.py": f"open({str(marker)!r}, 'w')\n",
            "blake3.py": f"open({str(marker)!r}, 'w')\n",
        },
    )
    for words in (("merge", "other", "-m", "x"), ("log", "-p"), ("checkout", "other"), ("checkout", "main")):
        git(victim, *words)
    assert not marker.exists()


def test_a_folder_that_became_a_link_is_not_followed_by_the_hook(victim: Project) -> None:
    outside = victim.path.parent / "outside"
    lay_in_cache(victim, thing := nested(["in"], file_entry("precious")))
    victim.git("checkout", "--quiet", "other")
    (victim.path / "way").symlink_to(outside)
    victim.write("data.dvcx", thing.pointer())
    (outside / "trap.dvcx").write_text(folder_with([file_entry("x")], name="trap").pointer())
    victim.git("add", "--all")
    victim.git("commit", "--quiet", "--no-verify", "-m", "hostile")
    victim.git("-c", "core.hooksPath=/dev/null", "checkout", "--quiet", "main")
    git(victim, "checkout", "other")
    assert sorted(path.name for path in outside.iterdir()) == ["precious", "trap.dvcx"]
    assert (outside / "precious").read_text() == "precious"
