from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from dvcx.base import links
from dvcx.base.errors import Refused
from dvcx.base.files import closing
from dvcx.base.folders import Roots, make_folder
from dvcx.base.links import LinkType, clone_into, link_problem, try_link
from dvcx.base.paths import (
    MAX_DEPTH,
    MAX_PATH_BYTES,
    are_plain_names,
    check_depth,
    check_name,
    check_relative,
    fold,
    open_folder,
    twins,
)

FOLDER = os.O_RDONLY | os.O_DIRECTORY


@pytest.mark.parametrize(
    "name", ["a", "a b", "a\nb", ".hidden", "ü", "é" * 127, "-rf", "...", "a~1", "con", "x.git", "git", "*?[", "a:b"]
)
def test_names_that_a_disk_can_hold_are_accepted(name: str) -> None:
    check_name(name, "a test")


def test_many_plain_names_are_told_at_a_glance() -> None:
    assert are_plain_names([]) and are_plain_names(["0001.png", "a b", "x-y_z (1)", "A" * 63])


HOSTILE = [
    ("", "is empty"),
    (".", "leads out of its folder"),
    ("..", "leads out of its folder"),
    ("a/b", "contains a slash"),
    ("a\0b", "contains a NUL character"),
    ("a\udcff", "is not valid UTF-8"),
    ("é" * 128, "is longer than 255 bytes"),
    (".git", "is reserved for Git or dvcx"),
    (".GiT", "is reserved for Git or dvcx"),
    (".git ", "is reserved for Git or dvcx"),
    (".git.", "is reserved for Git or dvcx"),
    (".g\u200cit", "is reserved for Git or dvcx"),
    (".git:stream", "is reserved for Git or dvcx"),
    ("GIT~1", "is reserved for Git or dvcx"),
    (".dvcx", "is reserved for Git or dvcx"),
]


@pytest.mark.parametrize("name", [name for name, _ in HOSTILE] + ["a\n" * 150, "a\n.git", "b\n", "\nb"])
def test_no_hostile_name_is_taken_for_plain(name: str) -> None:
    assert not are_plain_names(["a", name, "z"]) and not are_plain_names([name])


@pytest.mark.parametrize(("name", "problem"), HOSTILE)
def test_hostile_names_are_refused_with_what_is_wrong(name: str, problem: str) -> None:
    with pytest.raises(Refused) as raised:
        check_name(name, "the tree x")
    assert (raised.value.message, raised.value.names) == (f"the tree x names {name!r}, which {problem}", (name,))


def test_relative_paths_are_split_and_their_parts_checked() -> None:
    assert check_relative("a/b c/d", "x") == ("a", "b c", "d")
    for path in ("/a", "a//b", "a/../b", "../a", "a/.git/b", "", "a/"):
        with pytest.raises(Refused):
            check_relative(path, "x")


def test_the_deepest_and_the_longest_path_are_accepted_and_the_next_one_is_not() -> None:
    check_depth("/".join("a" * MAX_DEPTH) + "/f", "x")
    with pytest.raises(Refused, match=f"is {MAX_DEPTH + 1} folders deep"):
        check_depth("/".join("a" * (MAX_DEPTH + 1)) + "/f", "x")
    longest = "/".join(["é" * 100] * 17)
    longest += "/" + "x" * (MAX_PATH_BYTES - len(longest.encode()) - 1)
    check_depth(longest, "x")
    with pytest.raises(Refused, match="is longer than 3584 bytes"):
        check_depth(longest + "x", "x")


def test_names_that_some_disks_take_for_one_are_twins() -> None:
    assert twins(["a", "b", "A"]) == ("a", "A")
    assert twins(["Stra\u00dfe", "strasse"]) == ("Stra\u00dfe", "strasse")
    assert twins(["e\u0301", "\u00c9"]) == ("e\u0301", "\u00c9")
    assert twins(["\u212a", "k"]) == ("\u212a", "k")  # the Kelvin sign
    assert twins(["a", "b", "ab", "ä"]) is None
    assert fold("ABC") == "abc"


def test_folders_are_opened_name_by_name_and_made_where_that_is_wanted(tmp_path: Path) -> None:
    with closing(os.open(tmp_path, FOLDER)) as root:
        with pytest.raises(FileNotFoundError):
            open_folder(root, ("a", "b"))
        with closing(open_folder(root, ("a", "b"), create=True)) as made:
            assert os.path.samestat(os.fstat(made), (tmp_path / "a/b").stat())
        with closing(open_folder(root, ())) as same:
            assert os.path.samestat(os.fstat(same), tmp_path.stat())
        (tmp_path / "file").touch()
        with pytest.raises(NotADirectoryError):
            open_folder(root, ("file",))


@pytest.mark.parametrize("create", [True, False])
def test_no_folder_is_opened_through_a_link(tmp_path: Path, create: bool) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "root" / "a").mkdir(parents=True)
    (tmp_path / "root" / "a" / "link").symlink_to("../../outside")
    before = len(os.listdir("/dev/fd"))
    with closing(os.open(tmp_path / "root", FOLDER)) as root, pytest.raises(Refused) as raised:
        open_folder(root, ("a", "link", "deep"), create=create)
    assert raised.value.names == ("a/link",)
    assert os.listdir(tmp_path / "outside") == []
    assert len(os.listdir("/dev/fd")) == before


def test_made_folders_are_there_and_those_that_are_there_stay(tmp_path: Path) -> None:
    make_folder(tmp_path / "a/b/c", durable=True)
    make_folder(tmp_path / "a/b/c", durable=False)
    assert (tmp_path / "a/b/c").is_dir()


def test_what_lies_below_the_roots_is_told_apart_from_the_rest(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "one" / "two"
    two.mkdir(parents=True)
    (two / "file").write_bytes(b"123")
    (one / "link").symlink_to("/etc")
    with Roots([str(one), str(two)]) as roots:
        assert roots.split(f"{two}/a/b") == (str(two), ("a", "b"))
        assert roots.split(f"{one}/a") == (str(one), ("a",))
        for path in (str(one), "/etc/passwd", f"{one}/../x", f"{one}//x", f"{one}/a\0"):
            with pytest.raises(Refused):
                roots.split(path)
        status = roots.status(f"{two}/file")
        assert status is not None and status.st_size == 3
        assert roots.status(f"{two}/none") is roots.status(f"{two}/none/deep") is None
        with pytest.raises(Refused):
            roots.status(f"{one}/link/passwd")
        assert roots.way_to(f"{one}/a/b/c") == (None, [f"{one}/a", f"{one}/a/b"])
        assert roots.way_to(f"{two}/file/x") == (f"{two}/file", [])


@pytest.mark.parametrize(
    ("target", "depth", "problem"),
    [
        ("a/b", 0, None),
        ("../a", 1, None),
        ("./.././../a", 2, None),
        ("../a", 0, "leads to '../a', outside of what is tracked"),
        ("../../a", 1, "leads to '../../a', outside of what is tracked"),
        ("a/../../b", 5, "leads to 'a/../../b', with `..` behind another name"),
        ("../../../a", None, None),
        ("/a", 5, "leads to '/a', outside of what is tracked"),
        ("", 0, "leads nowhere"),
        ("a\0", 0, "has a NUL character in its target"),
        ("x" * 4096, 0, "has a target of more than 4095 bytes"),
    ],
)
def test_links_are_judged_by_their_text(target: str, depth: int | None, problem: str | None) -> None:
    assert link_problem(target.encode(), depth) == problem


def test_a_link_that_is_no_utf8_is_a_problem() -> None:
    assert link_problem(b"\xff", 0) == "has a target that is not valid UTF-8"


def test_hard_and_symbolic_links_are_made(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x")
    with closing(os.open(tmp_path, FOLDER)) as folder:
        assert try_link(LinkType.HARDLINK, str(source), "hard", folder)
        assert try_link(LinkType.SYMLINK, str(source), "soft", folder)
        assert not try_link(LinkType.COPY, str(source), "copy", folder)
        with pytest.raises(FileExistsError):
            try_link(LinkType.HARDLINK, str(source), "hard", folder)
        with pytest.raises(FileNotFoundError):
            try_link(LinkType.HARDLINK, str(tmp_path / "none"), "other", folder)
    assert os.path.samefile(source, tmp_path / "hard")
    assert os.readlink(tmp_path / "soft") == str(source)
    assert sorted(os.listdir(tmp_path)) == ["hard", "soft", "source"]


def test_a_reflink_is_a_file_of_its_own_or_nothing(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * 5000)
    with closing(os.open(tmp_path, FOLDER)) as folder:
        made = try_link(LinkType.REFLINK, str(source), "new", folder)
    assert (tmp_path / "new").exists() == made
    if made:
        (tmp_path / "new").write_bytes(b"y")
    with (
        closing(os.open(source, os.O_RDONLY)) as origin,
        closing(os.open(tmp_path / "t", os.O_RDWR | os.O_CREAT)) as target,
    ):
        assert clone_into(origin, target) == made
    assert source.read_bytes() == b"x" * 5000


def test_a_clone_of_a_mac_has_the_mode_and_time_of_a_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"content")
    source.chmod(0o444)
    os.utime(source, (1, 1))

    def clone(origin: int, folder: int, name: bytes, flags: int) -> int:
        """Does what macOS does: the new file has the mode and times of the old one."""
        fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, dir_fd=folder)
        os.write(fd, os.pread(origin, 100, 0))
        os.utime(fd, (1, 1))
        os.fchmod(fd, 0o444)
        os.close(fd)
        return 0

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(links, "_clone_call", lambda: clone)
    with closing(os.open(tmp_path, FOLDER)) as folder:
        assert try_link(LinkType.REFLINK, str(source), "new", folder)
        monkeypatch.setattr(links, "_clone_call", lambda: None)
        assert not try_link(LinkType.REFLINK, str(source), "other", folder)
    (tmp_path / "fresh").touch()
    new, fresh = (tmp_path / "new").stat(), (tmp_path / "fresh").stat()
    assert ((tmp_path / "new").read_bytes(), new.st_mode) == (b"content", fresh.st_mode)
    assert abs(new.st_mtime - fresh.st_mtime) < 10
    assert not (tmp_path / "other").exists()


def test_links_to_another_disk_are_told_not_to_work(tmp_path: Path) -> None:
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system")
    source = tmp_path / "source"
    source.write_bytes(b"x")
    with closing(os.open(other, FOLDER)) as folder:
        for kind in (LinkType.HARDLINK, LinkType.REFLINK):
            assert not try_link(kind, str(source), f"dvcx-test-{os.getpid()}", folder)
    assert not (other / f"dvcx-test-{os.getpid()}").exists()
