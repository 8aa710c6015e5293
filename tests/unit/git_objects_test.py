from __future__ import annotations

from pathlib import Path

import pytest

from dvcx.base.errors import DamagedData, DvcxError
from dvcx.git import process
from dvcx.git.files import list_tree
from dvcx.git.location import GitLocation, find_git
from dvcx.git.objects import ObjectReader
from tests.git_repository import GitRepository


def located(repo: GitRepository) -> GitLocation:
    location = find_git(repo.path)
    assert location is not None
    return location


def test_blobs_are_read_by_id_and_by_revision_and_path(git_repo: GitRepository) -> None:
    names = ["plain", "with space", "ü", "new\nline", "deep/er/x"]
    git_repo.commit({name: f"content of {name}" for name in names})
    with ObjectReader(located(git_repo)) as reader:
        for name in names:
            assert reader.read(f"HEAD:{name}") == f"content of {name}".encode()
        assert reader.read(git_repo.blob("HEAD:plain")) == b"content of plain"


def test_what_is_no_blob_or_not_there_reads_as_none(git_repo: GitRepository) -> None:
    git_repo.commit({"a/b": "x"})
    with ObjectReader(located(git_repo)) as reader:
        for name in ["HEAD:a", "HEAD", "HEAD:c", "HEAD:new\nline", "0" * 40, "nonsense blob 12", "--batch"]:
            assert reader.read(name) is None
        assert reader.read("HEAD:a/b") == b"x"


def test_content_with_newlines_and_nothing_at_all_comes_back_whole(git_repo: GitRepository) -> None:
    contents = {"empty": "", "lines": "\n\n\n", "like a header": "0" * 40 + " missing\n", "nul": "a\0b"}
    git_repo.commit(contents)
    with ObjectReader(located(git_repo)) as reader:
        assert {name: reader.read(f"HEAD:{name}") for name in contents} == {
            name: text.encode() for name, text in contents.items()
        }


def test_thousands_of_blobs_come_in_order_without_the_missing_ones(git_repo: GitRepository) -> None:
    git_repo.commit({f"d/{number}": f"{number}\n" * 500 for number in range(1500)})
    lines = git_repo.git("ls-tree", "-r", "HEAD").splitlines()
    oids = [line.split()[2] for line in lines]
    with ObjectReader(located(git_repo)) as reader:
        found = list(reader.read_many([*oids[:700], "1" * 40, *oids[700:]]))
    assert [oid for oid, _ in found] == oids
    assert all(content.count(b"\n") == 500 for _, content in found)


def test_reading_in_between_and_stopping_early_do_no_harm(git_repo: GitRepository) -> None:
    git_repo.commit({str(number): str(number) for number in range(20)})
    oids = [git_repo.blob(f"HEAD:{number}") for number in range(20)]
    with ObjectReader(located(git_repo)) as reader:
        for oid, content in reader.read_many(oids):
            assert reader.read("HEAD:7") == b"7"
            if content == b"11":
                assert oid == oids[11]
                break
        assert reader.read("HEAD:3") == b"3"


def test_a_blob_too_large_for_a_pointer_is_refused_and_the_reader_goes_on(git_repo: GitRepository) -> None:
    git_repo.commit({"big.dvcx": "x" * 3000, "small.dvcx": "y" * 2000})
    with ObjectReader(located(git_repo), most_bytes=2000) as reader:
        with pytest.raises(DamagedData, match=r"big\.dvcx in Git has 3000 bytes"):
            reader.read("HEAD:big.dvcx")
        assert reader.read("HEAD:small.dvcx") == b"y" * 2000


@pytest.mark.parametrize("guard", ["GIT_NO_LAZY_FETCH", "GIT_ALLOW_PROTOCOL"])
def test_a_partial_clone_is_never_filled_by_reading(
    git_repo: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, guard: str
) -> None:
    # Either guard alone does it: older git knows only the second one.
    others = {"GIT_NO_LAZY_FETCH", "GIT_ALLOW_PROTOCOL"} - {guard}
    fixed = {name: value for name, value in process._FIXED.items() if name not in others}
    monkeypatch.setattr(process, "_FIXED", fixed)
    git_repo.git("config", "uploadpack.allowFilter", "true")
    git_repo.commit({"old.dvcx": "old", "kept.dvcx": "kept"})
    old = git_repo.blob("HEAD:old.dvcx")
    git_repo.commit({"old.dvcx": "new"})
    clone = git_repo.clone(tmp_path / "clone", "--filter=blob:none")
    location = located(clone)
    with ObjectReader(location) as reader:
        assert reader.read(old) is None
        assert reader.read("HEAD~1:old.dvcx") is None
        oids = [file.oid for file in list_tree(location, "HEAD")]
        assert [content for _, content in reader.read_many([old, *oids, old])] == [b"kept", b"new"]
    assert old not in clone.git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)")


def test_a_damaged_object_is_an_error_not_a_missing_one(git_repo: GitRepository) -> None:
    git_repo.commit({"a.dvcx": "a"})
    oid = git_repo.blob("HEAD:a.dvcx")
    loose = git_repo.path / ".git/objects" / oid[:2] / oid[2:]
    loose.chmod(0o644)
    loose.write_bytes(b"elephant")
    with ObjectReader(located(git_repo)) as reader, pytest.raises(DvcxError):
        reader.read(oid)
