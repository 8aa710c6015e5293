from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from dvcx.base.errors import UsageError
from dvcx.git.history import CommitInfo, FileChange, PointerBlob, commits_touching, pointer_blobs_of_history
from dvcx.git.location import GitLocation, find_git
from dvcx.git.process import GitFailed
from dvcx.git.revisions import NoSuchRevision
from dvcx.git.roots import Root, all_roots
from tests.git_repository import GitRepository


def located(repo: GitRepository) -> GitLocation:
    location = find_git(repo.path)
    assert location is not None
    return location


def blobs(repo: GitRepository, since: datetime | None = None) -> dict[str, set[str]]:
    """The contents found in the history, by path; each may come only once."""
    location = located(repo)
    found: dict[str, set[str]] = {}
    seen = []
    for blob in pointer_blobs_of_history(location, all_roots(location), since):
        assert repo.git("rev-parse", f"{blob.commit}:{blob.path}") == blob.oid
        seen.append(blob.oid)
        found.setdefault(blob.path, set()).add(repo.git("cat-file", "blob", blob.oid))
    assert len(seen) == len(set(seen))
    return found


def conflicting_branches(repo: GitRepository) -> None:
    repo.commit({"a.dvcx": "base"})
    repo.git("checkout", "-q", "-b", "side")
    repo.commit({"a.dvcx": "theirs"})
    repo.git("checkout", "-q", "main")
    repo.commit({"a.dvcx": "ours"})


def test_every_version_on_every_branch_comes_once(git_repo: GitRepository) -> None:
    git_repo.commit({"a.dvcx": "1", "other.txt": "x", "sub/dvcx.lock": "lock 1", "sub/notdvcx.lock": "no"})
    git_repo.commit({"a.dvcx": "2"})
    git_repo.git("checkout", "-q", "-b", "side", "HEAD~1")
    git_repo.commit({"a.dvcx": "3", "sub/dvcx.lock": "lock 2"})
    git_repo.git("checkout", "-q", "main")
    git_repo.commit({"a.dvcx": "1"})
    (git_repo.path / "a.dvcx").unlink()
    git_repo.commit()
    assert blobs(git_repo) == {"a.dvcx": {"1", "2", "3"}, "sub/dvcx.lock": {"lock 1", "lock 2"}}


def test_a_version_that_only_a_merge_commit_has_is_found(git_repo: GitRepository) -> None:
    conflicting_branches(git_repo)
    git_repo.git("merge", "side", check=False)
    git_repo.commit({"a.dvcx": "resolved"})
    assert blobs(git_repo) == {"a.dvcx": {"base", "theirs", "ours", "resolved"}}


def test_versions_that_a_merge_threw_away_are_found(git_repo: GitRepository) -> None:
    conflicting_branches(git_repo)
    git_repo.git("merge", "-q", "-s", "ours", "-m", "merged", "side")
    git_repo.git("branch", "-q", "-D", "side")
    assert blobs(git_repo) == {"a.dvcx": {"base", "theirs", "ours"}}


def test_unrelated_histories_and_tags_without_a_branch_are_found(git_repo: GitRepository) -> None:
    git_repo.commit({"a.dvcx": "1"})
    git_repo.git("checkout", "-q", "--orphan", "second")
    git_repo.commit({"a.dvcx": "2"})
    git_repo.git("tag", "-a", "-m", "note", "v2")
    git_repo.git("checkout", "-q", "main")
    git_repo.git("branch", "-q", "-D", "second")
    git_repo.git("tag", "only-a-tree", git_repo.git("write-tree"))
    assert blobs(git_repo) == {"a.dvcx": {"1", "2"}}


def test_what_is_stashed_is_found_the_index_and_new_files_too(git_repo: GitRepository) -> None:
    git_repo.commit({"a.dvcx": "committed"})
    git_repo.write("a.dvcx", "staged")
    git_repo.git("add", "a.dvcx")
    git_repo.write("a.dvcx", "worktree")
    git_repo.write("new.dvcx", "untracked")
    git_repo.git("stash", "--include-untracked")
    git_repo.write("a.dvcx", "newer stash")
    git_repo.git("stash")
    assert blobs(git_repo) == {
        "a.dvcx": {"committed", "staged", "worktree", "newer stash"},
        "new.dvcx": {"untracked"},
    }


def test_a_replaced_commit_hides_nothing(git_repo: GitRepository) -> None:
    git_repo.commit({"a.dvcx": "1"})
    real = git_repo.commit({"a.dvcx": "2"})
    git_repo.git("checkout", "-q", "--detach", "HEAD~1")
    fake = git_repo.commit({"a.dvcx": "3"})
    git_repo.git("replace", real, fake)
    git_repo.git("checkout", "-q", "main")
    location = located(git_repo)
    found = {blob.oid for blob in pointer_blobs_of_history(location, all_roots(location))}
    assert found == {git_repo.git("hash-object", "--stdin", stdin=text) for text in ("1", "2", "3")}


def test_odd_names_and_messages_do_not_confuse_the_reading(git_repo: GitRepository) -> None:
    names = ["a b.dvcx", "new\nline.dvcx", ":100644 x.dvcx", "\x01" + "f" * 40 + ".dvcx", "ü/日.dvcx", "\n.dvcx"]
    for number, name in enumerate(names):
        git_repo.commit({name: str(number)}, message=f"\x01{'0' * 40}\n\n:100644 100644 message")
    assert blobs(git_repo) == {name: {str(number)} for number, name in enumerate(names)}


def test_links_and_submodules_named_like_pointers_are_left_out(git_repo: GitRepository) -> None:
    commit = git_repo.commit()
    (git_repo.path / "link.dvcx").symlink_to("target")
    git_repo.git("update-index", "--add", "--cacheinfo", f"160000,{commit},module.dvcx")
    git_repo.git("add", "link.dvcx")
    git_repo.git("commit", "-q", "-m", "both")
    assert blobs(git_repo) == {}


def test_the_users_own_configuration_changes_nothing(git_repo: GitRepository) -> None:
    for key, value in {
        "log.showRoot": "false",
        "log.follow": "true",
        "log.showSignature": "true",
        "log.diffMerges": "off",
        "diff.renames": "copies",
        "diff.noprefix": "true",
        "core.quotePath": "true",
        "core.abbrev": "4",
        "color.ui": "always",
        "format.pretty": "oneline",
        "log.decorate": "full",
        "i18n.logOutputEncoding": "utf-16",
        "diff.relative": "true",
    }.items():
        git_repo.git("config", key, value)
    conflicting_branches(git_repo)
    git_repo.git("merge", "side", check=False)
    git_repo.commit({"a.dvcx": "resolved"}, message="ünï")
    git_repo.git("mv", "a.dvcx", "b.dvcx")
    git_repo.commit()
    assert blobs(git_repo) == {"a.dvcx": {"base", "theirs", "ours"}, "b.dvcx": {"resolved"}}
    assert [commit.subject for commit in commits_touching(located(git_repo), ["a.dvcx"])][1] == "ünï"


def test_since_keeps_what_was_unchanged_at_that_time(git_repo: GitRepository) -> None:
    git_repo.commit({"old.dvcx": "old 1", "still.dvcx": "still"})
    git_repo.commit({"old.dvcx": "old 2"})
    when = datetime.fromtimestamp(int(git_repo.git("log", "-1", "--format=%ct")), UTC) + timedelta(seconds=1)
    git_repo.commit({"new.dvcx": "new 1"})
    git_repo.commit({"new.dvcx": "new 2", "old.dvcx": "old 3"})
    git_repo.git("branch", "quiet", "HEAD~3")
    assert blobs(git_repo, when) == {
        "old.dvcx": {"old 1", "old 2", "old 3"},
        "still.dvcx": {"still"},
        "new.dvcx": {"new 1", "new 2"},
    }
    git_repo.git("branch", "-D", "quiet")
    assert blobs(git_repo, when)["old.dvcx"] == {"old 2", "old 3"}
    assert blobs(git_repo, when + timedelta(days=1)) == {
        "old.dvcx": {"old 3"},
        "still.dvcx": {"still"},
        "new.dvcx": {"new 2"},
    }


def test_a_shallow_clone_gives_what_it_has(git_repo: GitRepository, tmp_path: Path) -> None:
    for number in range(4):
        git_repo.commit({"a.dvcx": str(number), "b.dvcx": "b"})
    assert blobs(git_repo.clone(tmp_path / "shallow", "--depth=2")) == {"a.dvcx": {"2", "3"}, "b.dvcx": {"b"}}


def test_missing_commits_are_an_error_not_a_shorter_history(git_repo: GitRepository) -> None:
    lost = git_repo.commit({"a.dvcx": "1"})
    git_repo.commit({"a.dvcx": "2"})
    (git_repo.path / ".git/objects" / lost[:2] / lost[2:]).unlink()
    location = located(git_repo)
    with pytest.raises(GitFailed):
        list(pointer_blobs_of_history(location, all_roots(location)))


def test_no_roots_give_nothing(git_repo: GitRepository) -> None:
    assert list(pointer_blobs_of_history(located(git_repo), [])) == []
    git_repo.commit({"a.dvcx": "1"})
    assert list(pointer_blobs_of_history(located(git_repo), [])) == []


def test_a_blob_comes_with_its_newest_path_and_commit(git_repo: GitRepository) -> None:
    git_repo.commit({"a.dvcx": "1"})
    git_repo.git("mv", "a.dvcx", "b.dvcx")
    newest = git_repo.commit()
    location = located(git_repo)
    expected = [PointerBlob("b.dvcx", git_repo.blob("HEAD:b.dvcx"), newest)]
    assert list(pointer_blobs_of_history(location, [Root("HEAD", newest)])) == expected


def test_the_commits_that_touched_a_path_tell_what_they_did(git_repo: GitRepository) -> None:
    first = git_repo.commit({"a.dvcx": "1", "b.txt": ""}, message="first ünï\n\nbody")
    one = git_repo.blob("HEAD:a.dvcx")
    git_repo.commit({"b.txt": "changed"})
    second = git_repo.commit({"a.dvcx": "2"}, message="second")
    two = git_repo.blob("HEAD:a.dvcx")
    (git_repo.path / "a.dvcx").unlink()
    third = git_repo.commit(message="third")

    def expected(sha: str, seconds: int, subject: str, change: FileChange) -> CommitInfo:
        date = datetime.fromtimestamp(1_700_000_000 + seconds, timezone(timedelta(hours=2)))
        return CommitInfo(sha, "Ada Test", "ada@example.org", date, subject, (change,))

    assert list(commits_touching(located(git_repo), ["a.dvcx"])) == [
        expected(third, 4, "third", FileChange("D", "a.dvcx", two, None)),
        expected(second, 3, "second", FileChange("M", "a.dvcx", one, two)),
        expected(first, 1, "first ünï", FileChange("A", "a.dvcx", None, one)),
    ]


def test_commits_are_limited_and_start_at_the_revision(git_repo: GitRepository) -> None:
    commits = [git_repo.commit({"d/a.dvcx": str(number)}) for number in range(5)]
    location = located(git_repo)
    assert [each.sha for each in commits_touching(location, ["d"], limit=2)] == [commits[4], commits[3]]
    assert [each.sha for each in commits_touching(location, ["d"], "HEAD~3")] == [commits[1], commits[0]]
    assert list(commits_touching(location, ["d*", ":(glob)**"])) == []
    assert next(iter(commits_touching(location, ["d/a.dvcx"]))).sha == commits[4]


def test_a_conflict_resolved_in_a_merge_is_a_commit_that_touched_the_path(git_repo: GitRepository) -> None:
    conflicting_branches(git_repo)
    ours = git_repo.blob("HEAD:a.dvcx")
    git_repo.git("merge", "side", check=False)
    merge = git_repo.commit({"a.dvcx": "resolved"})
    newest = next(iter(commits_touching(located(git_repo), ["a.dvcx"])))
    assert (newest.sha, newest.files) == (merge, (FileChange("M", "a.dvcx", ours, git_repo.blob("HEAD:a.dvcx")),))


def test_a_merge_that_only_brings_a_change_along_is_not_in_the_log(git_repo: GitRepository) -> None:
    first = git_repo.commit({"a.dvcx": "1"})
    git_repo.git("checkout", "-q", "-b", "side")
    second = git_repo.commit({"a.dvcx": "2"})
    git_repo.git("checkout", "-q", "main")
    git_repo.commit({"b": ""})
    git_repo.git("merge", "-q", "-m", "merged", "side")
    assert [commit.sha for commit in commits_touching(located(git_repo), ["a.dvcx"])] == [second, first]


def test_a_log_needs_a_path_and_a_revision_that_exist(git_repo: GitRepository) -> None:
    with pytest.raises(NoSuchRevision):
        list(commits_touching(located(git_repo), ["a"]))
    git_repo.commit()
    with pytest.raises(UsageError):
        list(commits_touching(located(git_repo), []))
    with pytest.raises(NoSuchRevision):
        list(commits_touching(located(git_repo), ["a"], "--all"))
