"""Exports and encrypted remotes on real servers of every kind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dvcx.base.hashing import ALGORITHMS
from dvcx.base.sodium import new_key
from dvcx.formats.keyring import with_new_key
from dvcx.formats.table import Role
from dvcx.storage.bucket_wrappers import RetryingBucket
from dvcx.storage.export_target import BucketTarget
from dvcx.storage.fsspec_bucket import FsspecBucket
from dvcx.storage.reencrypt import reencrypt, under_older_keys
from dvcx.storage.remote import Remote
from dvcx.storage.remote_fsck import check_remote
from tests.encryption import ADA, encrypted, shelf
from tests.project import Project
from tests.servers.stores import WRITABLE, marked, new_place

ALGORITHM = ALGORITHMS["blake3"]


@pytest.mark.parametrize("kind", marked(WRITABLE))
def test_files_of_any_size_are_sent_in_pieces(kind: str, tmp_path: Path) -> None:
    place = new_place(kind)
    bucket = RetryingBucket(FsspecBucket(place.url, place.options))
    target = BucketTarget(bucket)
    sizes = {"data/empty": 0, "data/small ü.txt": 1000, "data/deep/large.bin": 120 << 20}
    for name, size in sizes.items():
        (tmp_path / "source").write_bytes(os.urandom(size))
        bucket.write_file(name, tmp_path / "source")
        assert b"".join(target.blocks(name)) == (tmp_path / "source").read_bytes()
        target.put_file(name, tmp_path / "source", size, executable=False)
    assert {name: size for name, size in target.files().items() if not name.startswith("tmp/")} == sizes
    target.delete(sizes)
    assert target.files() == {}


@pytest.mark.parametrize("kind", marked(WRITABLE))
def test_an_encrypted_remote_lives_on_it(kind: str, tmp_path: Path) -> None:
    place = new_place(kind)
    inner = RetryingBucket(FsspecBucket(place.url, place.options))
    contents = {ALGORITHM.of(data): data for data in (b"", b"one", os.urandom(300_000), os.urandom(3 << 20))}
    with Remote(encrypted(inner, tmp_path), "store", ALGORITHM, None).writer() as writer:
        for digest, data in contents.items():
            writer.put(Role.BLOB, digest, data)
    opened = encrypted(inner, tmp_path)
    assert dict(Remote(opened, "store", ALGORITHM, None).read_many(contents)) == contents
    ring = shelf(inner, tmp_path, ADA).load()
    assert ring is not None
    shelf(inner, tmp_path, ADA).store(with_new_key(ring, ADA, "ada", 2.0, new_key()))
    opened = encrypted(inner, tmp_path)
    assert reencrypt(opened, under_older_keys(opened)).damaged == ()
    assert under_older_keys(encrypted(inner, tmp_path)) == []
    remote = Remote(encrypted(inner, tmp_path), "store", ALGORITHM, None)
    assert dict(remote.read_many(contents)) == contents and check_remote(remote) == []


@pytest.mark.parametrize("kind", marked(("s3-moto", "ssh")))
def test_a_project_is_exported_below_a_remote(kind: str, tmp_path: Path) -> None:
    place = new_place(kind)
    project = Project.make(tmp_path / "project")
    project.dvcx("remote", "add", "--local", "store", place.url).ok()
    for name, value in place.options.items():
        project.dvcx("remote", "modify", "--local", "store", name, str(value)).ok()
    project.save({"data/a": "one", "data/b": "two"}, tag="v1")
    (project.path / "data/b").unlink()
    project.save({"data/c": "three"}, "data", tag="v2")
    project.dvcx("push", "-r", "store", "--all-commits").ok()
    assert len(project.json("export", "v1", "remote://store/public")["written"]) == 2
    done = project.json("export", "v2", "remote://store/public", "--delete", "--verify")
    assert (done["written"], done["deleted"], done["unchanged"]) == (["data/c"], ["data/b"], 1)
    target = BucketTarget(FsspecBucket(f"{place.url}/public", place.options))
    assert {path: b"".join(target.blocks(path)) for path in target.files()} == {"data/a": b"one", "data/c": b"three"}
    project.dvcx("fsck", "--remote", "store").ok()
