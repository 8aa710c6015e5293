from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from dvcx.base import files
from dvcx.base.direct import PAGE, write_direct
from dvcx.base.errors import Refused
from dvcx.base.files import (
    begin_flush,
    closing,
    flush,
    naming_full_disk,
    read_exactly,
    read_own_file,
    remove_if_there,
    same_filesystem,
    sync_directory,
    sync_filesystem,
    temporary_name,
    write_all,
    write_all_atomically,
    write_atomically,
)


@pytest.fixture(params=[0o022, 0o077, 0o002])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


@pytest.mark.parametrize("durable", [True, False])
@pytest.mark.parametrize("with_scratch", [True, False])
def test_a_file_is_written_whole_and_leaves_nothing_beside(tmp_path: Path, durable: bool, with_scratch: bool) -> None:
    place, scratch = tmp_path / "place", tmp_path / "scratch"
    place.mkdir()
    scratch.mkdir()
    (place / "file").write_bytes(b"an older, longer content")
    write_atomically(place / "file", b"new", durable=durable, scratch=scratch if with_scratch else None)
    assert ((place / "file").read_bytes(), names(place), names(scratch)) == (b"new", ["file"], [])


def test_new_files_have_the_mode_that_the_umask_leaves(tmp_path: Path, umask: int) -> None:
    write_atomically(tmp_path / "file", b"")
    write_atomically(tmp_path / "secret", b"", mode=0o600)
    write_all_atomically({tmp_path / str(number): b"" for number in range(20)}, tmp_path)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {**dict.fromkeys(modes, 0o666 & ~umask), "secret": 0o600}


def test_a_link_is_replaced_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"other")
    (tmp_path / "file").symlink_to("other")
    write_atomically(tmp_path / "file", b"new")
    assert not (tmp_path / "file").is_symlink()
    assert ((tmp_path / "file").read_bytes(), (tmp_path / "other").read_bytes()) == (b"new", b"other")


@pytest.mark.parametrize("count", [1, 3, 40])
def test_many_files_are_written_in_their_folders(tmp_path: Path, count: int) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    wanted: dict[Path, bytes] = {}
    for number in range(count):
        folder = tmp_path / str(number % 3)
        folder.mkdir(exist_ok=True)
        wanted[folder / f"file {number}"] = b"%d" % number
    write_all_atomically(wanted, scratch)
    assert {path: path.read_bytes() for path in tmp_path.rglob("file *")} == wanted
    assert names(scratch) == []


@pytest.mark.parametrize("count", [1, 40])
def test_files_are_written_where_scratch_is_another_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    scratch, place = tmp_path / "scratch", tmp_path / "place"
    scratch.mkdir()
    place.mkdir()
    rename = Path.replace

    def across(self: Path, target: Path) -> Path:
        if self.parent == scratch:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", across)
    wanted = {place / str(number): b"%d" % number for number in range(count)}
    write_all_atomically(wanted, scratch)
    assert {path: path.read_bytes() for path in place.iterdir()} == wanted


def test_a_failed_write_leaves_the_old_file_and_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"old")

    def full(fd: int, data: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files, "write_all", full)
    with pytest.raises(OSError, match="No space") as raised:
        write_atomically(tmp_path / "file", b"new")
    assert raised.value.filename == str(tmp_path / "file")
    assert ((tmp_path / "file").read_bytes(), names(tmp_path)) == (b"old", ["file"])


def test_the_error_of_a_full_disk_names_it_once() -> None:
    with pytest.raises(OSError) as raised, naming_full_disk(Path("/the/file")):
        raise OSError(errno.ENOSPC, "full")
    assert raised.value.filename == "/the/file"
    with pytest.raises(OSError) as raised, naming_full_disk(Path("/the/file")):
        raise OSError(errno.ENOSPC, "full", "/another")
    assert raised.value.filename == "/another"


def test_everything_is_written_however_little_a_call_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, memoryview(data)[:3]))
    with closing(os.open(tmp_path / "file", os.O_WRONLY | os.O_CREAT)) as fd:
        write_all(fd, b"0123456789")
    assert (tmp_path / "file").read_bytes() == b"0123456789"


def test_exact_reads_end_at_the_end_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    pread = os.pread
    monkeypatch.setattr(os, "pread", lambda fd, length, offset: pread(fd, min(length, 4), offset))
    with closing(os.open(tmp_path / "file", os.O_RDONLY)) as fd:
        assert [read_exactly(fd, 9, 0), read_exactly(fd, 99, 3), read_exactly(fd, 1, 10)] == [
            b"012345678",
            b"3456789",
            b"",
        ]


def test_small_files_of_a_repository_are_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    assert read_own_file(tmp_path / "file", 7, "file") == b"content"
    with pytest.raises(FileNotFoundError):
        read_own_file(tmp_path / "none", 7, "none")


@pytest.mark.parametrize("what", ["link", "pipe", "socket", "folder", "large"])
def test_nothing_else_is_read_in_the_place_of_a_small_file(tmp_path: Path, what: str) -> None:
    import socket

    path = tmp_path / "file"
    if what == "link":
        (tmp_path / "secret").write_bytes(b"secret")
        path.symlink_to("secret")
    elif what == "pipe":
        os.mkfifo(path)
    elif what == "socket":
        socket.socket(socket.AF_UNIX).bind(os.path.relpath(path))
    elif what == "folder":
        path.mkdir()
    else:
        path.write_bytes(bytes(8))
    with pytest.raises(Refused) as raised:
        read_own_file(path, 7, "the/file")
    assert raised.value.names == ("the/file",)


def test_flushing_works_on_files_folders_and_file_systems(tmp_path: Path) -> None:
    sync_directory(tmp_path)
    sync_filesystem(tmp_path)
    with closing(os.open(tmp_path / "file", os.O_WRONLY | os.O_CREAT)) as fd:
        begin_flush(fd, 0, 100)
    with pytest.raises(FileNotFoundError):
        sync_filesystem(tmp_path / "none")


def test_without_syncfs_everything_is_flushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    monkeypatch.setattr(files, "_sync_of_a_filesystem", lambda: None)
    monkeypatch.setattr(os, "sync", lambda: called.append("sync"))
    sync_filesystem(tmp_path)
    assert called == ["sync"]


def test_where_fsync_does_not_reach_the_platter_the_full_flush_is_taken_and_else_fsync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def full_flush(fd: int, command: int) -> int:
        asked.append(command)
        if len(asked) > 1:
            raise OSError(errno.ENOTSUP, "not on this file system")
        return 0

    monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", full_flush)
    monkeypatch.setattr(os, "fsync", lambda fd: asked.append("fsync"))
    with closing(os.open(tmp_path / "file", os.O_WRONLY | os.O_CREAT)) as fd:
        flush(fd)
        assert asked == [51]
        flush(fd)
    assert asked == [51, 51, "fsync"]


def test_small_questions_about_files(tmp_path: Path) -> None:
    assert temporary_name("x") != temporary_name("x")
    assert temporary_name("x").startswith(f".x-{os.getpid()}-")
    assert same_filesystem(tmp_path, tmp_path.parent)
    (tmp_path / "file").touch()
    assert (remove_if_there(tmp_path / "file"), remove_if_there(tmp_path / "file")) == (True, False)


def test_direct_writes_write_whole_pages_or_say_how_far_they_came(tmp_path: Path) -> None:
    import mmap

    buffer = mmap.mmap(-1, 3 * PAGE)
    buffer.write(b"x" * (2 * PAGE + 10))
    with closing(os.open(tmp_path / "file", os.O_WRONLY | os.O_CREAT)) as fd:
        written = write_direct(fd, memoryview(buffer)[: 2 * PAGE + 10])
        assert os.lseek(fd, 0, os.SEEK_CUR) == written
    assert written in (0, 2 * PAGE)  # none where the file system cannot
    assert (tmp_path / "file").read_bytes() == b"x" * written
    with closing(os.open(tmp_path / "small", os.O_WRONLY | os.O_CREAT)) as fd:
        assert write_direct(fd, memoryview(b"less than a page")) == 0
