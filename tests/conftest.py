"""What every test gets: a HOME, Git configuration and environment of its own, and real Git repositories."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.git_repository import GitRepository

GIT_CONFIG = """\
[user]
    name = Ada Test
    email = ada@example.org
[init]
    defaultBranch = main
[commit]
    gpgSign = false
[tag]
    gpgSign = false
[advice]
    detachedHead = false
[gc]
    auto = 0
[protocol "file"]
    allow = always
"""

_FOREIGN = ("GIT_", "DVCX_", "XDG_", "LC_", "LANG", "AWS_", "GOOGLE_", "EDITOR", "PAGER")


# A shell that is no terminal's starts `pytest &` deaf to Control-C, and so would be every program that a test starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty HOME, with Git set up; nothing of the real user's settings is seen by dvcx or git."""
    folder = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name.startswith(_FOREIGN):
            monkeypatch.delenv(name)
    for name, value in {
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder / ".config"),
        "XDG_CACHE_HOME": str(folder / ".cache"),
        "XDG_DATA_HOME": str(folder / ".local/share"),
        "XDG_STATE_HOME": str(folder / ".local/state"),
        "GIT_CONFIG_GLOBAL": str(folder / "gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CEILING_DIRECTORIES": str(folder.parent),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "NO_COLOR": "1",
    }.items():
        monkeypatch.setenv(name, value)
    (folder / "gitconfig").write_text(GIT_CONFIG)
    yield folder


@pytest.fixture(params=[pytest.param(5, id="some steps"), pytest.param(1, id="every step", marks=pytest.mark.slow)])
def stride(request: pytest.FixtureRequest) -> int:
    """How many steps apart a process is killed or failed (`tests/sudden_end.py`): every one in the slow suite only."""
    assert isinstance(request.param, int)
    return request.param


@pytest.fixture
def git_repo(tmp_path: Path) -> GitRepository:
    """A new Git repository without commits, in `tmp_path/repo`."""
    return GitRepository.create(tmp_path / "repo")
