"""The hooks of `.pre-commit-hooks.yaml`, run by the real pre-commit program from a clone of this project.

pre-commit makes a virtual environment and installs the clone into it; what the clone needs comes from the environment
of the tests, so that no network is asked.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import yaml

from tests.docs.pages import ROOT
from tests.functional.arranging import use_store
from tests.git_repository import GitRepository
from tests.project import Project

pytestmark = pytest.mark.slow

STAGES = ("pre-commit", "pre-push", "post-checkout", "post-merge", "post-rewrite")


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> GitRepository:
    """A clone of this project as it is now, those changes included that are not committed."""
    top = tmp_path_factory.mktemp("upstream")
    for name in ("pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml"):
        shutil.copy(ROOT / name, top / name)
    shutil.copytree(ROOT / "dvcx", top / "dvcx", ignore=shutil.ignore_patterns("__pycache__"))
    repo = GitRepository(top)
    subprocess.run(["git", "init", "--quiet"], cwd=top, check=True)
    author = {
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@b",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@b",
    }
    for words in (["add", "--all"], ["commit", "--quiet", "--no-gpg-sign", "-m", "now"]):
        subprocess.run(["git", *words], cwd=top, check=True, env={**os.environ, **author})
    return repo


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables with which pre-commit builds its environment without a network."""
    return {
        "PRE_COMMIT_HOME": str(tmp_path_factory.mktemp("pre-commit")),
        "PYTHONPATH": sysconfig.get_path("purelib"),
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip's way to say that there is to be none
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "VIRTUALENV_NO_PERIODIC_UPDATE": "1",
    }


def run(project: Project, environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(words),
        cwd=project.path,
        env={**os.environ, **environment, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@pytest.fixture
def hooked(project: Project, upstream: GitRepository, environment: dict[str, str]) -> Project:
    """A project with all hooks of the clone, set up by `pre-commit install`."""
    hooks = [{"id": each["id"]} for each in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())]
    assert len(hooks) == 5
    config = {"repos": [{"repo": str(upstream.path), "rev": upstream.head(), "hooks": hooks}]}
    project.commit({".pre-commit-config.yaml": yaml.safe_dump(config)})
    options = [word for stage in STAGES for word in ("-t", stage)]
    done = run(project, environment, "pre-commit", "install", "--install-hooks", *options)
    assert done.returncode == 0, done.stdout
    return project


def test_the_hooks_do_what_they_say(hooked: Project, environment: dict[str, str], tmp_path: Path) -> None:
    def git(*words: str) -> subprocess.CompletedProcess[str]:
        return run(hooked, environment, "git", *words)

    store = use_store(hooked)
    hooked.add({"data/a": "1"})
    hooked.git("add", "--all")
    done = git("commit", "-m", "one")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("Passed") == 3

    hooked.write("big.bin", b"\0" * 6_000_000)
    hooked.git("add", "big.bin")
    done = git("commit", "-m", "big")
    assert done.returncode == 1 and "big.bin (large, 5.7 MiB)" in done.stdout
    hooked.git("rm", "--quiet", "--cached", "big.bin")

    hooked.write("bad.dvcx", "<<<<<<< ours\n")
    hooked.git("add", "bad.dvcx")
    done = git("commit", "-m", "bad")
    assert done.returncode == 1 and "conflict markers" in done.stdout
    hooked.git("rm", "--quiet", "--cached", "bad.dvcx")
    (hooked.path / "bad.dvcx").unlink()

    hooked.write("data/a", "2")
    done = git("commit", "--allow-empty", "-m", "dirty")
    assert done.returncode == 0 and "modified data/a" in done.stdout
    hooked.dvcx("add", "data").ok()
    assert git("commit", "-am", "two").returncode == 0

    assert git("checkout", "HEAD~2").returncode == 0
    assert hooked.read("data/a") == b"1"
    assert git("checkout", "main").returncode == 0
    assert hooked.read("data/a") == b"2"

    hooked.git("init", "--quiet", "--bare", str(tmp_path / "bare.git"))
    hooked.git("remote", "add", "origin", str(tmp_path / "bare.git"))
    assert not store.exists()
    done = git("push", "origin", "main")
    assert done.returncode == 0, done.stdout
    hooked.dvcx("gc", "--yes")
    assert hooked.dvcx("push", "--all-commits", "--dry-run").ok().out.startswith("would push to store: 0 objects")


def test_both_ways_of_installing_hooks_go_together(hooked: Project, environment: dict[str, str]) -> None:
    hooked.save({"data/a": "1"}, tag="v1")
    hooked.save({"data/a": "2"}, tag="v2")
    hooked.dvcx("install").ok()
    assert run(hooked, environment, "pre-commit", "install", "-t", "post-checkout").returncode == 0
    assert {line.split()[0] for line in hooked.dvcx("install").ok().lines} <= {"installed", "unchanged"}
    done = run(hooked, environment, "git", "checkout", "v1")
    assert done.returncode == 0 and hooked.read("data/a") == b"1"


def test_data_stays_while_pre_commit_takes_away_what_is_not_staged(
    hooked: Project, environment: dict[str, str]
) -> None:
    hooked.save({"data/a": "1"})
    hooked.dvcx("install").ok()
    hooked.add({"data/a": "2"})  # its pointer is not staged
    hooked.write("code.py", "1")
    hooked.git("add", "code.py")
    done = run(hooked, environment, "git", "commit", "-m", "code")
    assert done.returncode == 0 and "Stashing unstaged files" in done.stdout, done.stdout
    assert hooked.read("data/a") == b"2"
    assert hooked.dvcx("status", "--exit-code").code == 0
