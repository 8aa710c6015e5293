from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dvcx.base.errors import Refused
from dvcx.git.location import GitLocation, find_git
from dvcx.git.roots import MissingHistory, Root, UnreadableRoot, all_roots, missing_history
from dvcx.git.worktrees import worktrees
from tests.git_repository import GitRepository


def located(repo: GitRepository) -> GitLocation:
    location = find_git(repo.path)
    assert location is not None
    return location


def names_by_commit(roots: list[Root]) -> dict[str, set[str]]:
    names: dict[str, set[str]] = {}
    for root in roots:
        names.setdefault(root.commit, set()).add(root.name)
    return names


def test_a_new_repository_has_no_roots(git_repo: GitRepository) -> None:
    assert all_roots(located(git_repo)) == []


def test_every_kind_of_ref_is_a_root(git_repo: GitRepository) -> None:
    first = git_repo.commit({"a": "1"})
    git_repo.git("tag", "light")
    git_repo.git("tag", "-a", "-m", "note", "heavy")
    git_repo.git("tag", "-a", "-m", "note", "heavier", "heavy")
    git_repo.git("tag", "-a", "-m", "note", "heaviest", "heavier")
    git_repo.git("notes", "add", "-m", "a note")
    git_repo.git("update-ref", "refs/dvcx/exp/ünï", first)
    git_repo.git("update-ref", "refs/remotes/origin/main", first)
    git_repo.git("update-ref", "refs/heads/with/slash", first)
    git_repo.git("tag", "blob", "HEAD:a")
    git_repo.git("tag", "tree", "HEAD^{tree}")
    found = names_by_commit(all_roots(located(git_repo)))
    assert found.pop(git_repo.git("rev-parse", "refs/notes/commits")) == {"refs/notes/commits"}
    assert found.pop(git_repo.git("rev-parse", "HEAD^{tree}")) == {"refs/tags/tree"}
    tags = {f"refs/tags/{name}" for name in ("light", "heavy", "heavier", "heaviest")}
    others = {"HEAD", "refs/heads/main", "refs/dvcx/exp/ünï", "refs/remotes/origin/main", "refs/heads/with/slash"}
    assert found == {first: tags | others}


def test_packed_refs_and_a_detached_head_are_roots(git_repo: GitRepository) -> None:
    first, second, third = (git_repo.commit() for _ in range(3))
    git_repo.git("tag", "v1", first)
    git_repo.git("pack-refs", "--all")
    git_repo.git("checkout", "-q", "--detach", second)
    found = names_by_commit(all_roots(located(git_repo)))
    assert found == {first: {"refs/tags/v1"}, second: {"HEAD"}, third: {"refs/heads/main"}}


def test_every_stash_entry_is_a_root_not_only_the_newest(git_repo: GitRepository) -> None:
    git_repo.commit({"a.dvcx": "0"})
    for number in range(3):
        git_repo.write("a.dvcx", f"stashed {number}")
        git_repo.git("stash")
    entries = [git_repo.git("rev-parse", f"stash@{{{number}}}") for number in range(3)]
    found = {root.name: root.commit for root in all_roots(located(git_repo))}
    assert [found[f"stash@{{{number}}}"] for number in range(3)] == entries
    assert len(set(entries)) == 3


def test_heads_of_all_worktrees_count_even_when_the_folder_is_gone(git_repo: GitRepository, tmp_path: Path) -> None:
    git_repo.commit()
    commits: dict[str, str] = {}
    for name in ("here", "gone"):
        git_repo.git("worktree", "add", "--quiet", "--detach", str(tmp_path / name))
        commits[name] = GitRepository(tmp_path / name, commits=10 + len(commits)).commit(message=name)
    shutil.rmtree(tmp_path / "gone")
    expected = {"worktrees/here/HEAD": commits["here"], "worktrees/gone/HEAD": commits["gone"]}
    for place in (git_repo, GitRepository(tmp_path / "here")):
        found = {root.name: root.commit for root in all_roots(located(place))}
        assert {name: found[name] for name in expected} == expected


def test_refs_that_only_another_worktree_has_are_roots(git_repo: GitRepository, tmp_path: Path) -> None:
    git_repo.commit()
    git_repo.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "other"))
    other = GitRepository(tmp_path / "other", commits=20)
    lost = other.commit()
    other.git("update-ref", "refs/worktree/kept", lost)
    other.git("checkout", "-q", "--detach", "HEAD~1")
    found = {root.name: root.commit for root in all_roots(located(git_repo))}
    assert found["worktrees/other/refs/worktree/kept"] == lost


def test_both_sides_of_an_unfinished_merge_are_roots(git_repo: GitRepository) -> None:
    git_repo.commit({"a": "base"})
    git_repo.git("checkout", "-q", "--detach")
    theirs = git_repo.commit({"a": "theirs"})
    git_repo.git("checkout", "-q", "main")
    git_repo.commit({"a": "ours"})
    git_repo.git("merge", theirs, check=False)
    assert "MERGE_HEAD" in names_by_commit(all_roots(located(git_repo)))[theirs]


def test_the_branch_under_an_unfinished_rebase_and_its_autostash_are_roots(git_repo: GitRepository) -> None:
    git_repo.commit({"a": "base", "b": "b"})
    git_repo.git("checkout", "-q", "--detach")
    before = git_repo.commit({"a": "mine"})
    git_repo.git("checkout", "-q", "main")
    git_repo.commit({"a": "theirs"})
    git_repo.git("checkout", "-q", "--detach", before)
    git_repo.write("b", "changed")
    git_repo.git("rebase", "--autostash", "main", check=False)
    names = {name for names in names_by_commit(all_roots(located(git_repo))).values() for name in names}
    assert {"REBASE_HEAD", "rebase-merge/orig-head", "rebase-merge/autostash"} <= names
    assert "rebase-merge/orig-head" in names_by_commit(all_roots(located(git_repo)))[before]


def test_a_commit_that_was_reset_away_stays_a_root_through_orig_head(git_repo: GitRepository) -> None:
    git_repo.commit()
    lost = git_repo.commit()
    git_repo.git("reset", "-q", "--hard", "HEAD~1")
    assert names_by_commit(all_roots(located(git_repo)))[lost] == {"ORIG_HEAD"}


def test_an_id_in_orig_head_that_git_has_let_go_is_passed_over(git_repo: GitRepository) -> None:
    git_repo.commit()
    git_repo.write(".git/ORIG_HEAD", "1" * 40 + "\n")
    assert {root.name for root in all_roots(located(git_repo))} == {"HEAD", "refs/heads/main"}


@pytest.mark.parametrize("content", ["1" * 40 + "\n", "elephant\n", ""])
def test_a_ref_that_cannot_be_read_is_an_error_that_names_it(git_repo: GitRepository, content: str) -> None:
    git_repo.commit()
    git_repo.write(".git/refs/heads/broken", content)
    with pytest.raises(UnreadableRoot) as caught:
        all_roots(located(git_repo))
    assert caught.value.root == "refs/heads/broken"
    assert isinstance(caught.value, Refused)


def test_a_ref_whose_name_git_does_not_take_is_an_error(git_repo: GitRepository) -> None:
    git_repo.write(".git/refs/heads/two words", git_repo.commit() + "\n")
    with pytest.raises(UnreadableRoot, match="two words"):
        all_roots(located(git_repo))


@pytest.mark.parametrize("content", ["1" * 40 + "\n", "elephant\n", ""])
def test_a_worktree_head_that_cannot_be_read_is_an_error(git_repo: GitRepository, tmp_path: Path, content: str) -> None:
    git_repo.commit()
    git_repo.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "other"))
    git_repo.write(".git/worktrees/other/HEAD", content)
    with pytest.raises(UnreadableRoot, match="worktrees/other/HEAD"):
        all_roots(located(git_repo))


def test_a_worktree_on_a_branch_without_commits_is_no_error(git_repo: GitRepository) -> None:
    git_repo.commit()
    git_repo.git("symbolic-ref", "HEAD", "refs/heads/new")
    assert {root.name for root in all_roots(located(git_repo))} == {"refs/heads/main"}


def test_a_stash_whose_older_entry_is_lost_is_an_error(git_repo: GitRepository) -> None:
    git_repo.commit({"a": "0"})
    for number in range(2):
        git_repo.write("a", f"stashed {number}")
        git_repo.git("stash")
    oid = git_repo.git("rev-parse", "stash@{1}")
    (git_repo.path / ".git/objects" / oid[:2] / oid[2:]).unlink()
    with pytest.raises(UnreadableRoot, match="stash"):
        all_roots(located(git_repo))


def test_a_dangling_remote_head_is_no_error(git_repo: GitRepository) -> None:
    git_repo.commit()
    git_repo.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/gone")
    assert {root.name for root in all_roots(located(git_repo))} == {"HEAD", "refs/heads/main"}


def test_worktrees_are_listed_from_each_of_them(git_repo: GitRepository, tmp_path: Path) -> None:
    git_repo.commit()
    for name in ("b", "a"):
        git_repo.git("worktree", "add", "--quiet", str(tmp_path / f"{name} tree\nü"), "-b", name)
    common = git_repo.path / ".git"
    expected = [GitLocation(git_repo.path, common, common)]
    for git_dir in sorted((common / "worktrees").iterdir()):
        expected.append(GitLocation(tmp_path / f"{git_dir.name[0]} tree\nü", git_dir, common))
    for place in expected:
        assert worktrees(place) == expected


def test_a_bare_repository_lists_itself_and_its_worktrees(tmp_path: Path, git_repo: GitRepository) -> None:
    git_repo.commit()
    bare = git_repo.clone(tmp_path / "store.git", "--bare")
    bare.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "tree"))
    main = GitLocation(bare.path, bare.path, bare.path, bare=True)
    linked = GitLocation(tmp_path / "tree", bare.path / "worktrees/tree", bare.path)
    assert worktrees(main) == worktrees(linked) == [main, linked]
    assert {root.name for root in all_roots(linked)} >= {"HEAD", "worktrees/tree/HEAD", "refs/heads/main"}


def test_worktrees_of_a_submodule_know_its_folder(git_repo: GitRepository, tmp_path: Path) -> None:
    inner = GitRepository.create(tmp_path / "inner")
    inner.commit({"a.txt": "a"})
    git_repo.git("submodule", "--quiet", "add", f"file://{inner.path}", "lib")
    GitRepository(git_repo.path / "lib").git("worktree", "add", "--quiet", "--detach", str(tmp_path / "extra"))
    common = git_repo.path / ".git/modules/lib"
    found = worktrees(located(GitRepository(tmp_path / "extra")))
    assert found == [
        GitLocation(git_repo.path / "lib", common, common),
        GitLocation(tmp_path / "extra", common / "worktrees/extra", common),
    ]


def test_what_a_clone_does_not_have_is_told(git_repo: GitRepository, tmp_path: Path) -> None:
    git_repo.git("config", "uploadpack.allowFilter", "true")
    commits = [git_repo.commit() for _ in range(3)]
    assert not missing_history(located(git_repo))
    shallow = git_repo.clone(tmp_path / "shallow", "--depth=2")
    assert missing_history(located(shallow)) == MissingHistory((commits[1],), partial=False)
    partial = git_repo.clone(tmp_path / "partial", "--filter=blob:none")
    assert missing_history(located(partial)) == MissingHistory((), partial=True)
