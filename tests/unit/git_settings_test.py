from __future__ import annotations

from pathlib import Path

import pytest

from dvcx.base.errors import UsageError
from dvcx.git.location import GitLocation, find_git
from dvcx.git.settings import git_remotes, git_setting, set_git_setting, unset_git_setting
from tests.git_repository import GitRepository


def located(path: Path) -> GitLocation:
    location = find_git(path)
    assert location is not None
    return location


def test_settings_of_the_user_and_of_the_repository_are_read(git_repo: GitRepository) -> None:
    git_repo.git("config", "diff.dvcx pointer.command", "x y")
    location = located(git_repo.path)
    assert git_setting(location, "user.email") == "ada@example.org"
    assert git_setting(location, "diff.dvcx pointer.command") == "x y"
    assert git_setting(location, "user.nothing") is None
    assert git_setting(location, "nothing.at.all") is None


def test_a_setting_is_written_where_git_reads_it_and_taken_away_again(git_repo: GitRepository) -> None:
    location = located(git_repo.path)
    for key, value in {"merge.dvcx.name": 'a "quoted" name; # no comment', "core.longpaths": "true"}.items():
        set_git_setting(location, key, value)
        assert git_repo.git("config", "--local", key) == value
        assert git_setting(location, key) == value
        assert unset_git_setting(location, key)
        assert git_repo.git("config", key, check=False) == ""
        assert not unset_git_setting(location, key)
    assert git_repo.git("config", "core.bare") == "false"


def test_a_linked_worktree_writes_the_shared_config(git_repo: GitRepository, tmp_path: Path) -> None:
    git_repo.commit()
    git_repo.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "other"))
    set_git_setting(located(tmp_path / "other"), "merge.dvcx.name", "x")
    assert git_repo.git("config", "merge.dvcx.name") == "x"
    assert git_setting(located(tmp_path / "other"), "merge.dvcx.name") == "x"


@pytest.mark.parametrize(("key", "value"), [("nodot", "x"), ("a.b", "x\n[core]\nfsmonitor = evil"), ('a"]\n.b', "x")])
def test_what_would_break_the_config_is_refused(git_repo: GitRepository, key: str, value: str) -> None:
    before = (git_repo.path / ".git/config").read_bytes()
    with pytest.raises(UsageError):
        set_git_setting(located(git_repo.path), key, value)
    assert (git_repo.path / ".git/config").read_bytes() == before


def test_remotes_are_listed_with_their_addresses(git_repo: GitRepository) -> None:
    git_repo.git("remote", "add", "origin", "https://example.org/x.git")
    git_repo.git("remote", "add", "back up", "/mnt/x y", check=False)
    assert git_remotes(located(git_repo.path)) == {"origin": "https://example.org/x.git"}
