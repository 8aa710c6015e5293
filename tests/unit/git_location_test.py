from __future__ import annotations

import os
from pathlib import Path

import pytest

from dvcx.base.errors import DvcxError
from dvcx.git import location as location_module
from dvcx.git.location import GitLocation, find_git
from tests.git_repository import GitRepository


@pytest.fixture
def no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("git was asked where it was not needed")

    monkeypatch.setattr(location_module, "ask_git_about", refuse)


def plain(top: Path) -> GitLocation:
    return GitLocation(worktree=top, git_dir=top / ".git", common_dir=top / ".git")


@pytest.mark.usefixtures("no_processes")
@pytest.mark.parametrize("folder", [".", "a", "a/b c/ü\nx"])
def test_a_work_tree_is_found_from_any_folder_in_it_without_a_process(git_repo: GitRepository, folder: str) -> None:
    (git_repo.path / folder).mkdir(parents=True, exist_ok=True)
    assert find_git(git_repo.path / folder) == plain(git_repo.path)


def test_outside_of_a_repository_nothing_is_found(tmp_path: Path) -> None:
    assert find_git(tmp_path) is None


@pytest.mark.usefixtures("no_processes")
def test_a_symbolic_link_into_the_work_tree_leads_to_its_real_place(git_repo: GitRepository, tmp_path: Path) -> None:
    (git_repo.path / "deep").mkdir()
    (tmp_path / "link").symlink_to(git_repo.path / "deep")
    assert find_git(tmp_path / "link") == plain(git_repo.path)


@pytest.mark.usefixtures("no_processes")
def test_a_linked_worktree_shares_the_common_dir(git_repo: GitRepository, tmp_path: Path) -> None:
    git_repo.commit()
    git_repo.git("worktree", "add", "--quiet", "-b", "other", str(tmp_path / "other tree"))
    assert find_git(tmp_path / "other tree") == GitLocation(
        worktree=tmp_path / "other tree",
        git_dir=git_repo.path / ".git/worktrees/other-tree",
        common_dir=git_repo.path / ".git",
    )


def test_a_submodule_is_a_repository_of_its_own(git_repo: GitRepository, tmp_path: Path) -> None:
    inner = GitRepository.create(tmp_path / "inner")
    inner.commit({"a.txt": "a"})
    git_repo.git("submodule", "--quiet", "add", f"file://{inner.path}", "lib/inner")
    git_dir = git_repo.path / ".git/modules/lib/inner"
    assert find_git(git_repo.path / "lib/inner") == GitLocation(git_repo.path / "lib/inner", git_dir, git_dir)


def test_a_worktree_of_a_bare_repository_is_no_bare_repository(tmp_path: Path) -> None:
    bare = GitRepository.create(tmp_path / "store.git", "--bare")
    GitRepository.create(tmp_path / "source").commit({"a": "a"})
    bare.git("fetch", "--quiet", str(tmp_path / "source"), "main:main")
    bare.git("worktree", "add", "--quiet", str(tmp_path / "tree"), "main")
    found = find_git(tmp_path / "tree")
    assert found == GitLocation(tmp_path / "tree", bare.path / "worktrees/tree", bare.path)


def test_a_bare_repository_is_marked_and_has_no_work_tree(tmp_path: Path) -> None:
    bare = GitRepository.create(tmp_path / "store.git", "--bare").path
    assert find_git(bare) == GitLocation(bare, bare, bare, bare=True)


def test_inside_the_git_folder_there_is_no_work_tree(git_repo: GitRepository) -> None:
    assert find_git(git_repo.path / ".git" / "refs") is None


def test_a_configured_work_tree_is_honoured(git_repo: GitRepository, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    git_repo.git("config", "core.worktree", str(tmp_path / "elsewhere"))
    git_dir = git_repo.path / ".git"
    assert find_git(git_repo.path) == GitLocation(tmp_path / "elsewhere", git_dir, git_dir)


def test_a_separate_git_dir_is_followed(tmp_path: Path) -> None:
    GitRepository.create(tmp_path / "tree", f"--separate-git-dir={tmp_path / 'kept here'}")
    kept = tmp_path / "kept here"
    assert find_git(tmp_path / "tree") == GitLocation(tmp_path / "tree", kept, kept)


@pytest.mark.usefixtures("no_processes")
def test_sparse_checkout_and_its_worktree_config_need_no_process(git_repo: GitRepository) -> None:
    git_repo.commit({"a/x": "", "b/x": ""})
    git_repo.git("sparse-checkout", "set", "a")
    assert find_git(git_repo.path) == plain(git_repo.path)


def test_an_empty_git_folder_is_passed_over(git_repo: GitRepository) -> None:
    (git_repo.path / "sub/.git").mkdir(parents=True)
    assert find_git(git_repo.path / "sub") == plain(git_repo.path)


@pytest.mark.parametrize("text", ["", "gitdir: ../nowhere\n", "elephant"])
def test_a_broken_git_file_is_an_error_that_names_it(git_repo: GitRepository, text: str) -> None:
    file = git_repo.write("sub/.git", text)
    with pytest.raises(DvcxError, match=str(file)):
        find_git(git_repo.path / "sub")


def test_a_fifo_named_git_does_not_hang(git_repo: GitRepository) -> None:
    (git_repo.path / "sub").mkdir()
    os.mkfifo(git_repo.path / "sub/.git")
    assert find_git(git_repo.path / "sub") == plain(git_repo.path)


def test_git_dir_counts_only_when_it_is_passed_in(
    git_repo: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = GitRepository.create(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other.path / ".git"))
    assert find_git(git_repo.path) == plain(git_repo.path)
    told = {"GIT_DIR": str(other.path / ".git"), "GIT_WORK_TREE": str(other.path)}
    assert find_git(git_repo.path, told) == plain(other.path)


def test_git_dir_of_the_process_does_not_count_where_git_is_asked(
    git_repo: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git_repo.git("config", "core.worktree", str(git_repo.path))
    other = GitRepository.create(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other.path / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.path))
    assert find_git(git_repo.path) == plain(git_repo.path)


def test_the_search_stops_below_a_ceiling(git_repo: GitRepository) -> None:
    (git_repo.path / "a/b").mkdir(parents=True)
    assert find_git(git_repo.path / "a/b", {"GIT_CEILING_DIRECTORIES": str(git_repo.path)}) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_repository_of_another_user_is_opened_only_when_git_trusts_it(git_repo: GitRepository) -> None:
    os.chown(git_repo.path, 12345, 12345)
    os.chown(git_repo.path / ".git", 12345, 12345)
    with pytest.raises(DvcxError, match="belongs to another user") as caught:
        find_git(git_repo.path)
    assert "safe.directory" in (caught.value.hint or "")
    git_repo.git("config", "--global", "--add", "safe.directory", str(git_repo.path))
    assert find_git(git_repo.path) == plain(git_repo.path)
