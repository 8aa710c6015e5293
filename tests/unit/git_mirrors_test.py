from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dvcx.base.errors import RemoteError, UsageError
from dvcx.git.files import list_tree
from dvcx.git.mirrors import check_git_url, fetch_blobs, fetch_commit, is_git_url, open_mirror
from dvcx.git.objects import ObjectReader
from dvcx.git.revisions import NoSuchRevision
from tests.git_repository import GitRepository


@pytest.fixture
def source(git_repo: GitRepository) -> GitRepository:
    git_repo.git("config", "uploadpack.allowFilter", "true")
    for number in range(5):
        git_repo.commit({"data.dvcx": f"version {number}", "code.py": f"print({number})"})
    git_repo.git("tag", "light", "HEAD~3")
    git_repo.git("tag", "-a", "-m", "x", "heavy", "HEAD~2")
    git_repo.git("branch", "both", "HEAD~4")
    git_repo.git("tag", "both", "HEAD~1")
    return git_repo


def address(source: GitRepository) -> str:
    return f"file://{source.path}"


def test_one_commit_comes_without_history_and_without_contents(source: GitRepository, tmp_path: Path) -> None:
    mirror = open_mirror(address(source), tmp_path / "mirrors")
    commit = fetch_commit(mirror)
    assert commit == source.head()
    inside = GitRepository(mirror.location.git_dir)
    assert inside.git("rev-list", "--count", commit) == "1"
    (file,) = list_tree(mirror.location, commit)
    with ObjectReader(mirror.location) as reader:
        assert reader.read(file.oid) is None, "the content is not here"
    fetch_blobs(mirror, [file.oid])
    with ObjectReader(mirror.location) as reader:
        assert reader.read(file.oid) == b"version 4"
        assert reader.read(source.blob("HEAD:code.py")) is None, "nothing else came"


@pytest.mark.parametrize(
    ("revision", "same"),
    [
        (None, "HEAD"),
        ("HEAD", "HEAD"),
        ("main", "main"),
        ("light", "light"),
        ("heavy", "heavy^{commit}"),
        ("both", "refs/tags/both"),
        ("refs/heads/both", "refs/heads/both"),
        ("main~2", "main~2"),
        ("heavy~1", "heavy~1"),
        (":/a commit", "HEAD"),
    ],
)
def test_a_revision_means_what_it_means_there(
    source: GitRepository, tmp_path: Path, revision: str | None, same: str
) -> None:
    mirror = open_mirror(address(source), tmp_path / "mirrors")
    assert fetch_commit(mirror, revision) == source.git("rev-parse", same)
    assert fetch_commit(mirror, revision) == source.git("rev-parse", same)


def test_ids_long_and_short(source: GitRepository, tmp_path: Path) -> None:
    mirror = open_mirror(address(source), tmp_path / "mirrors")
    old = source.git("rev-parse", "HEAD~4")
    assert fetch_commit(mirror, old) == old
    assert GitRepository(mirror.location.git_dir).git("rev-list", "--count", old) == "1"
    assert fetch_commit(mirror, source.git("rev-parse", "--short", "HEAD~3")) == source.git("rev-parse", "HEAD~3")
    source.commit({"data.dvcx": "later"})
    assert fetch_commit(mirror, "main") == source.head(), "also after the history was fetched"
    for nothing in ("nothing", "f" * 40, "", "main:data.dvcx"):
        with pytest.raises((NoSuchRevision, RemoteError)):
            fetch_commit(mirror, nothing)


def test_a_branch_that_moved_is_followed_and_one_that_did_not_costs_no_fetch(
    source: GitRepository, tmp_path: Path
) -> None:
    mirror = open_mirror(address(source), tmp_path / "mirrors")
    fetch_commit(mirror, "main")
    before = {path: path.stat().st_mtime_ns for path in mirror.location.git_dir.rglob("*")}
    fetch_commit(mirror, "main")
    assert {path: path.stat().st_mtime_ns for path in mirror.location.git_dir.rglob("*")} == before
    source.commit({"data.dvcx": "later"})
    assert fetch_commit(mirror, "main") == source.head()
    source.git("reset", "-q", "--hard", "HEAD~3")
    assert fetch_commit(mirror, "main") == source.head(), "also when it was rewound"


def test_a_server_without_partial_clones_sends_one_commit(source: GitRepository, tmp_path: Path) -> None:
    source.git("config", "uploadpack.allowFilter", "false")
    mirror = open_mirror(address(source), tmp_path / "mirrors")
    commit = fetch_commit(mirror)
    (file,) = list_tree(mirror.location, commit)
    fetch_blobs(mirror, [file.oid])
    with ObjectReader(mirror.location) as reader:
        assert reader.read(file.oid) == b"version 4"


def test_an_empty_and_an_absent_repository_are_told(tmp_path: Path) -> None:
    GitRepository.create(tmp_path / "empty")
    with pytest.raises(NoSuchRevision, match="no commits"):
        fetch_commit(open_mirror(f"file://{tmp_path}/empty", tmp_path / "mirrors"))
    with pytest.raises(RemoteError, match="nothing-there"):
        fetch_commit(open_mirror(f"file://{tmp_path}/nothing-there", tmp_path / "mirrors"))


def test_many_processes_fetch_into_one_mirror_at_once(source: GitRepository, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from dvcx.git.mirrors import *; from dvcx.git.files import list_tree\n"
        "mirror = open_mirror(sys.argv[1], Path(sys.argv[2])); commit = fetch_commit(mirror, sys.argv[3])\n"
        "fetch_blobs(mirror, [file.oid for file in list_tree(mirror.location, commit)]); print(commit)"
    )
    revisions = ["main", "light", "heavy", "both", "main"]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code, address(source), str(tmp_path / "mirrors"), revision],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for revision in revisions
    ]
    for process, revision in zip(running, revisions, strict=True):
        out, err = process.communicate()
        wanted = source.git("rev-parse", f"refs/tags/{revision}^{{commit}}" if revision != "main" else "main")
        assert out.strip() == wanted, err


def test_what_is_an_address_of_a_repository() -> None:
    good = (
        "https://host/a.git",
        "http://h/a",
        "ssh://git@host:22/a",
        "git@host:a/b.git",
        "host:a/b",
        "file:///a",
        "git://h/a",
    )
    for url in good:
        assert is_git_url(url)
        check_git_url(url)
    for url in ("ext::sh -c x", "a", "../a", "/a/b", "C:/a", "c:\\a", "-u", "--x=y", "s3://b/x", "fd::3", "http::x"):
        assert not is_git_url(url)
        with pytest.raises(UsageError):
            check_git_url(url)
    for url in ("https://a:b@host/x", "ssh://-oProxyCommand=x/y\n", "https://h/\0"):
        with pytest.raises(UsageError):
            check_git_url(url)
