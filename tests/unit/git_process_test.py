from __future__ import annotations

from pathlib import Path

import pytest

from dvcx.base.errors import DvcxError, UsageError
from dvcx.git.files import ignored, list_index, list_pointer_files
from dvcx.git.history import commits_touching, pointer_blobs_of_history
from dvcx.git.location import find_git
from dvcx.git.process import GitFailed, run_git, stream_git
from dvcx.git.roots import all_roots
from tests.git_repository import GitRepository


def test_the_variables_of_a_hook_do_not_lead_to_another_repository(
    git_repo: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git_repo.commit({"mine.dvcx": ""})
    other = GitRepository.create(tmp_path / "other")
    other.commit({"theirs.dvcx": ""})
    monkeypatch.setenv("GIT_DIR", str(other.path / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.path))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other.path / ".git/index"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(other.path / ".git/objects"))
    monkeypatch.setenv("GIT_LITERAL_PATHSPECS", "1")
    location = find_git(git_repo.path)
    assert location is not None
    assert [file.path for file in list_index(location)] == ["mine.dvcx"]
    assert list_index(location, other.path / ".git/index")[0].path == "theirs.dvcx"


def test_a_failure_says_the_command_and_gits_reason(git_repo: GitRepository) -> None:
    with pytest.raises(GitFailed, match=r"^git ls-tree failed: Not a valid object name nothing$") as caught:
        run_git(git_repo.path, ["ls-tree", "nothing"])
    assert (caught.value.code, caught.value.command) == (128, ("ls-tree", "nothing"))


def test_a_stream_that_fails_says_so_at_its_end(git_repo: GitRepository) -> None:
    def read_all() -> bytes:
        with stream_git(git_repo.path, ["log", "nothing"]) as output:
            return output.read()

    with pytest.raises(GitFailed, match="git log failed"):
        read_all()


def test_leaving_a_stream_early_is_no_error(git_repo: GitRepository) -> None:
    for _ in range(3):
        git_repo.commit({"a": "x" * 200_000 + str(git_repo.commits)})
    with stream_git(git_repo.path, ["log", "-p"]) as output:
        assert output.read(6) == b"commit"


def test_a_missing_git_program_is_explained(git_repo: GitRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(git_repo.path))
    with pytest.raises(DvcxError, match="`git` was not found"):
        run_git(git_repo.path, ["version"])


def test_a_nul_in_an_argument_is_refused(git_repo: GitRepository) -> None:
    with pytest.raises(UsageError, match="NUL"):
        run_git(git_repo.path, ["ls-files", "--", "a\0b"])


def test_a_hostile_repository_config_runs_nothing(git_repo: GitRepository) -> None:
    git_repo.commit({"a.dvcx": ""})
    trap = git_repo.write("trap.sh", f"#!/bin/sh\ntouch {git_repo.path}/sprung\n")
    trap.chmod(0o755)
    for key in ("core.fsmonitor", "core.pager", "diff.external", "core.sshCommand", "core.editor"):
        git_repo.git("config", key, str(trap))
    git_repo.git("config", "log.showSignature", "true")
    git_repo.git("config", "gpg.program", str(trap))
    commit = git_repo.git("cat-file", "commit", "HEAD")
    signed = commit.replace(
        "\n\n", "\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n\n", 1
    )
    git_repo.git("update-ref", "HEAD", git_repo.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=signed))
    location = find_git(git_repo.path)
    assert location is not None
    assert list_pointer_files(location) == ["a.dvcx"]
    assert ignored(location, ["x"]) == set()
    assert [blob.path for blob in pointer_blobs_of_history(location, all_roots(location))] == ["a.dvcx"]
    assert len(list(commits_touching(location, ["a.dvcx"]))) == 1
    assert not (git_repo.path / "sprung").exists()
