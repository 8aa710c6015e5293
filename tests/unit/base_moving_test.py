from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from dvcx.base import moving
from dvcx.base.errors import Refused
from dvcx.base.files import closing
from dvcx.base.moving import brought_over, exists_at, is_brought_over, move, remove_tree, rename_new


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[tuple[int, int]]:
    """Descriptors of the folders `from` and `to`."""
    flags = os.O_RDONLY | os.O_DIRECTORY
    (tmp_path / "from").mkdir()
    (tmp_path / "to").mkdir()
    with closing(os.open(tmp_path / "from", flags)) as source, closing(os.open(tmp_path / "to", flags)) as target:
        yield source, target


def fill(folder: Path) -> None:
    (folder / "deep").mkdir(parents=True)
    (folder / "file").write_bytes(b"content")
    (folder / "file").chmod(0o751)
    os.utime(folder / "file", ns=(5, 123_456_789))
    (folder / "link").symlink_to("../nowhere")
    (folder / "deep" / "empty").mkdir()
    (folder / "deep").chmod(0o555)


def looks(folder: Path) -> dict[str, tuple[int, object]]:
    found: dict[str, tuple[int, object]] = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        what: object = None
        if path.is_symlink():
            what = os.readlink(path)
        elif path.is_file():
            what = path.read_bytes(), status.st_mtime_ns
        found[str(path.relative_to(folder))] = stat.S_IMODE(status.st_mode), what
    return found


@pytest.fixture(params=["one disk", "two disks"])
def disks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "two disks":
        real = moving.rename_new

        def across(source: int, name: str, target: int, new_name: str) -> None:
            if source != target:
                raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
            real(source, name, target, new_name)

        monkeypatch.setattr(moving, "rename_new", across)
    return str(request.param)


def test_a_folder_moves_with_all_that_it_is(tmp_path: Path, folders: tuple[int, int], disks: str) -> None:
    fill(tmp_path / "from" / "x")
    before = looks(tmp_path / "from" / "x")
    move(folders[0], "x", folders[1], "y")
    assert looks(tmp_path / "to" / "y") == before
    assert (os.listdir(tmp_path / "from"), os.listdir(tmp_path / "to")) == ([], ["y"])


def test_files_and_links_move_too(tmp_path: Path, folders: tuple[int, int], disks: str) -> None:
    (tmp_path / "from" / "file").write_bytes(b"x")
    (tmp_path / "from" / "link").symlink_to("/nowhere")
    for name in ("file", "link"):
        move(folders[0], name, folders[1], name, durable=False)
    assert ((tmp_path / "to" / "file").read_bytes(), os.readlink(tmp_path / "to" / "link")) == (b"x", "/nowhere")


def test_nothing_is_moved_over_what_is_there(tmp_path: Path, folders: tuple[int, int], disks: str) -> None:
    (tmp_path / "from" / "x").write_bytes(b"new")
    (tmp_path / "to" / "x").symlink_to("nowhere")
    with pytest.raises(FileExistsError):
        move(folders[0], "x", folders[1], "x")
    assert ((tmp_path / "from" / "x").read_bytes(), os.readlink(tmp_path / "to" / "x")) == (b"new", "nowhere")
    assert os.listdir(tmp_path / "to") == ["x"]


def test_what_cannot_be_copied_stays_and_leaves_nothing_behind(
    tmp_path: Path, folders: tuple[int, int], disks: str
) -> None:
    (tmp_path / "from" / "x").mkdir()
    os.mkfifo(tmp_path / "from" / "x" / "pipe")
    if disks == "one disk":
        move(folders[0], "x", folders[1], "x")
        assert (tmp_path / "to" / "x" / "pipe").is_fifo()
        return
    with pytest.raises(Refused, match="pipe is a socket, FIFO or device"):
        move(folders[0], "x", folders[1], "x")
    assert (os.listdir(tmp_path / "from" / "x"), os.listdir(tmp_path / "to")) == (["pipe"], [])


def test_a_new_name_is_given_only_when_it_is_free(
    tmp_path: Path, folders: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "from" / "a").write_bytes(b"a")
    (tmp_path / "from" / "b").write_bytes(b"b")
    for call in (moving._exclusive_rename(), None):
        monkeypatch.setattr(moving, "_exclusive_rename", lambda call=call: call)
        with pytest.raises(FileExistsError):
            rename_new(folders[0], "a", folders[0], "b")
    rename_new(folders[0], "a", folders[1], "c")
    assert (os.listdir(tmp_path / "from"), os.listdir(tmp_path / "to")) == (["b"], ["c"])
    assert (exists_at(folders[1], "c"), exists_at(folders[1], "a"), exists_at(folders[1], "c/d")) == (
        True,
        False,
        False,
    )


def test_read_only_folders_are_removed_too(tmp_path: Path, folders: tuple[int, int]) -> None:
    fill(tmp_path / "from" / "x")
    (tmp_path / "from" / "link").symlink_to("x")
    remove_tree(folders[0], "link")
    remove_tree(folders[0], "x")
    assert os.listdir(tmp_path / "from") == []


def test_a_copy_from_another_disk_has_a_name_that_is_known_and_goes_when_it_is_not_taken(
    tmp_path: Path, folders: tuple[int, int]
) -> None:
    fill(tmp_path / "from" / "x")
    with brought_over(folders[0], "x", folders[1], durable=True) as name:
        assert is_brought_over(name)
        assert looks(tmp_path / "to" / name) == looks(tmp_path / "from" / "x")
    assert os.listdir(tmp_path / "to") == []
    assert not is_brought_over(".dvcx-moving-1-x")
