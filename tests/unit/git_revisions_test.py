from __future__ import annotations

from pathlib import Path

import pytest

from dvcx.base.errors import UsageError
from dvcx.git.location import GitLocation, find_git
from dvcx.git.revisions import NoSuchRevision, resolve, resolve_or_none
from tests.git_repository import GitRepository


def located(repo: GitRepository) -> GitLocation:
    location = find_git(repo.path)
    assert location is not None
    return location


def test_every_way_to_name_a_commit_gives_its_id(git_repo: GitRepository) -> None:
    first = git_repo.commit(message="the very first")
    git_repo.git("tag", "light")
    git_repo.git("tag", "-a", "-m", "note", "heavy")
    git_repo.git("tag", "-a", "-m", "note", "heavier", "heavy")
    second = git_repo.commit()
    git_repo.git("branch", "topic/ünïcode")
    location = located(git_repo)
    for name in ("light", "heavy", "heavier", "HEAD~1", first, first[:9], ":/very first", "refs/tags/light"):
        assert resolve(location, name) == first
    for name in ("HEAD", "main", "topic/ünïcode", "@", "HEAD^{commit}"):
        assert resolve(location, name) == second


@pytest.mark.parametrize(
    "name", ["", "--all", "-h", "--output=x", "^HEAD", "HEAD^@", "HEAD..HEAD", "HEAD:a", "a\0b", "a\nb", "--", "0" * 40]
)
def test_what_names_no_single_commit_is_a_usage_error(git_repo: GitRepository, name: str) -> None:
    git_repo.commit({"a": ""})
    with pytest.raises(UsageError, match="no commit is called"):
        resolve(located(git_repo), name)
    assert [file.name for file in git_repo.path.iterdir() if file.name != ".git"] == ["a"]


def test_an_unknown_name_brings_those_that_look_alike(git_repo: GitRepository) -> None:
    git_repo.commit()
    for name in ("v1.0", "v1.1"):
        git_repo.git("tag", name)
    git_repo.git("branch", "feature")
    with pytest.raises(NoSuchRevision) as caught:
        resolve(located(git_repo), "featur")
    assert (caught.value.revision, caught.value.close) == ("featur", ("feature",))
    assert caught.value.hint == "did you mean feature?"


def test_before_the_first_commit_that_is_what_the_error_says(git_repo: GitRepository) -> None:
    location = located(git_repo)
    with pytest.raises(NoSuchRevision, match="no commits yet"):
        resolve(location, "HEAD")
    assert resolve_or_none(location, "HEAD") is None


def test_each_worktree_has_its_own_head(git_repo: GitRepository, tmp_path: Path) -> None:
    first = git_repo.commit()
    git_repo.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "other"))
    second = git_repo.commit()
    other = find_git(tmp_path / "other")
    assert other is not None
    assert (resolve(other, "HEAD"), resolve(located(git_repo), "HEAD")) == (first, second)
