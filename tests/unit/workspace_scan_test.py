from __future__ import annotations

import os
import socket
import time
from dataclasses import replace
from pathlib import Path

import pytest

from dvcx.base.errors import Refused
from dvcx.base.hashing import ALGORITHMS
from dvcx.base.paths import MAX_DEPTH
from dvcx.formats.tree_bytes import dump_tree
from dvcx.manifest.trees import files_below
from dvcx.model.tree import EntryKind, Tree, TreeEntry, file_entry, foreign_entry, link_entry
from dvcx.workspace import reading
from dvcx.workspace.reading import read_file
from dvcx.workspace.scan import Scanned, ScanRules, scan
from dvcx.workspace.state import Seen, State
from dvcx.workspace.symlinks import is_cache_link

BLAKE3 = ALGORITHMS["blake3"]
ADDING = ScanRules(BLAKE3)
LOOKING = ScanRules(BLAKE3, looking=True)


def file(name: str, content: bytes, *, executable: bool = False) -> TreeEntry:
    return file_entry(name, BLAKE3.of(content), len(content), executable=executable)


def write(root: Path, **contents: bytes | str) -> None:
    """Writes files, named with `__` for a slash; a text is the target of a link."""
    for name, content in contents.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            path.symlink_to(content)
        else:
            path.write_bytes(content)


def state_of(root: Path) -> State:
    return State(root.parent / "state.db")


def found(root: Path, path: str = "data", rules: ScanRules = ADDING, **more: object) -> Scanned:
    scanned = scan(root, path, state_of(root), rules, **more)  # type: ignore[arg-type]
    assert scanned is not None
    return scanned


def listed(scanned: Scanned, path: str = "data") -> dict[str, TreeEntry]:
    """Gives every file, link and empty folder, by path."""
    return dict(files_below(scanned.entry, path, scanned.trees.__getitem__))


class MemoryIntake:
    """Takes contents into dictionaries."""

    def __init__(self) -> None:
        self.blobs: dict[bytes, bytes] = {}
        self.trees: dict[bytes, bytes] = {}

    def has(self, digest: bytes) -> bool:
        return digest in self.blobs

    def small(self, digest: bytes, data: bytes) -> None:
        self.blobs[digest] = data

    def large(self, fd: int, size: int) -> bytes:
        data = os.pread(fd, size, 0)
        self.blobs[BLAKE3.of(data)] = data
        return BLAKE3.of(data)

    def tree(self, digest: bytes, data: bytes) -> None:
        self.trees[digest] = data


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


def test_a_folder_is_a_tree_of_trees(root: Path) -> None:
    write(root, data__b=b"bb", data__a=b"a", data__sub__x=b"xxx", data__link="sub/x", data__deep__er__f=b"")
    (root / "data/b").chmod(0o755)
    (root / "data/empty").mkdir()
    scanned = found(root)
    inner = Tree((file("x", b"xxx"),))
    top = scanned.trees[scanned.entry.digest]
    assert [entry.name for entry in top.entries] == ["a", "b", "deep", "empty", "link", "sub"]
    assert top.entries[:2] == (file("a", b"a"), file("b", b"bb", executable=True))
    assert top.get("link") == link_entry("link", "sub/x")
    assert scanned.trees[BLAKE3.of(dump_tree(inner))] == inner
    assert (scanned.entry.name, scanned.entry.size, scanned.entry.files) == ("data", 6, 5)
    assert all(BLAKE3.of(dump_tree(tree)) == digest for digest, tree in scanned.trees.items())
    assert len(scanned.trees) == 5


def test_a_file_alone_and_nothing_at_all_are_found_too(root: Path) -> None:
    write(root, sub__model=b"weights")
    assert found(root, "sub/model") == Scanned(file("model", b"weights"))
    assert scan(root, "none", state_of(root), ADDING) is None
    assert scan(root, "sub/model/below", state_of(root), ADDING) is None


def test_all_contents_and_trees_are_taken_in_once(root: Path) -> None:
    write(root, data__a=b"a", data__b=b"b" * 3_000_000, data__sub__a=b"a")
    intake = MemoryIntake()
    scanned = found(root, intake=intake)
    assert intake.blobs == {BLAKE3.of(data): data for data in (b"a", b"b" * 3_000_000)}
    assert intake.trees == {digest: dump_tree(tree) for digest, tree in scanned.trees.items()}


def hashed(root: Path, monkeypatch: pytest.MonkeyPatch, **more: object) -> list[str]:
    """Scans `data` and gives the paths of the files that were read."""
    paths: list[str] = []

    def note(absolute: str, path: str, *rest: object) -> tuple[bytes, os.stat_result]:
        paths.append(path)
        return read_file(absolute, path, *rest)  # type: ignore[arg-type]

    state = state_of(root)
    with monkeypatch.context() as patch:
        patch.setattr("dvcx.workspace.scan.read_file", note)
        scan(root, "data", state, ADDING, **more)  # type: ignore[arg-type]
    state.close()
    return sorted(paths)


def test_only_what_changed_is_read_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(root, data__a=b"a", data__b=b"b", data__sub__c=b"c")
    time.sleep(0.05)
    assert hashed(root, monkeypatch) == ["data/a", "data/b", "data/sub/c"]
    assert hashed(root, monkeypatch) == []
    os.utime(root / "data/a")
    write(root, data__new=b"n")
    time.sleep(0.05)
    assert hashed(root, monkeypatch) == ["data/a", "data/new"]
    intake = MemoryIntake()
    intake.blobs = {BLAKE3.of(data): data for data in (b"a", b"b", b"c")}
    assert hashed(root, monkeypatch, intake=intake) == ["data/new"]  # known, but not stored


def test_a_file_that_was_just_written_is_not_believed_next_time(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(root, data__a=b"a")
    os.utime(root / "data/a", ns=(time.time_ns() + 10**9,) * 2)
    assert hashed(root, monkeypatch) == ["data/a"]
    assert hashed(root, monkeypatch) == ["data/a"]


def special_things(folder: Path) -> dict[str, str]:
    """Makes what cannot be tracked, and gives the reason for each."""
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as made:
        here = os.open(".", os.O_RDONLY)
        os.chdir(folder)
        made.bind("socket")
        os.fchdir(here)
        os.close(here)
    (folder / "out").symlink_to("/etc/passwd")
    (folder / "back").symlink_to("..")
    (folder / ".git").mkdir()
    (folder / ".git" / "config").touch()
    follow = "use --follow-symlinks to store what it leads to"
    return {
        "data/pipe": "is a named pipe (FIFO), which cannot be tracked",
        "data/socket": "is a socket, which cannot be tracked",
        "data/out": f"is a symbolic link that leads to '/etc/passwd', outside of what is tracked: {follow}",
        "data/back": f"is a symbolic link that leads to '..', outside of what is tracked: {follow}",
        "data/.git": "data names '.git', which is reserved for Git or dvcx",
    }


def test_what_cannot_be_tracked_is_refused_all_at_once(root: Path) -> None:
    write(root, data__a=b"a")
    reasons = special_things(root / "data")
    with pytest.raises(Refused) as raised:
        found(root)
    assert sorted(raised.value.names) == sorted(reasons)
    for path, reason in reasons.items():
        assert (f"{path} {reason}" if reason.startswith("is ") else reason) in raised.value.message


def test_what_cannot_be_tracked_is_an_entry_of_its_own_to_who_only_looks(root: Path) -> None:
    write(root, data__a=b"a")
    reasons = special_things(root / "data")
    scanned = found(root, rules=LOOKING)
    assert dict(scanned.foreign) == reasons
    assert listed(scanned) == {
        "data/a": file("a", b"a"),
        **{path: foreign_entry(path.removeprefix("data/"), reason) for path, reason in reasons.items()},
    }


def test_a_name_that_is_no_utf8_is_told_and_stands_in_no_tree(root: Path) -> None:
    write(root, data__a=b"a")
    with open(os.fsencode(root / "data") + b"/bad\xff", "wb"):
        pass
    with pytest.raises(Refused, match="which is not valid UTF-8"):
        found(root)
    scanned = found(root, rules=LOOKING)
    assert listed(scanned) == {"data/a": file("a", b"a")}
    assert [path for path, _ in scanned.foreign] == ["data/bad\udcff"]


def test_names_that_differ_in_case_only_are_refused_where_that_is_set(root: Path) -> None:
    write(root, data__a=b"a", data__A=b"b")
    with pytest.raises(Refused, match="'A' and 'a'"):
        found(root)
    assert found(root, rules=replace(ADDING, portable_names=False)).entry == found(root, rules=LOOKING).entry


def test_links_stay_links_when_they_stay_inside(root: Path) -> None:
    write(root, data__a=b"a", data__s__up="../a", data__s__dangling="nowhere", data__dir="s")
    assert {path: entry.target for path, entry in listed(found(root)).items() if entry.is_link} == {
        "data/dir": "s",
        "data/s/dangling": "nowhere",
        "data/s/up": "../a",
    }


def test_a_path_inside_a_tracked_folder_may_link_to_all_of_it(root: Path) -> None:
    write(root, data__a=b"a", data__s__up="../a")
    assert listed(found(root, "data/s", tracked="data"), "s") == {"s/up": link_entry("up", "../a")}
    with pytest.raises(Refused):
        found(root, "data/s")


def test_a_link_that_leads_out_through_another_one_is_refused(root: Path) -> None:
    write(root, data__way="../outside", data__x="way/file")
    (root / "outside").mkdir()
    with pytest.raises(Refused) as raised:
        found(root)
    assert sorted(raised.value.names) == ["data/way", "data/x"]


def test_links_are_followed_when_that_is_wanted(root: Path) -> None:
    write(root, out__f=b"f", out__d__x=b"x", data__f="../out/f", data__d="../out/d", top="out/d")
    follow = replace(ADDING, follow_links=True)
    assert listed(found(root, rules=follow)) == {"data/f": file("f", b"f"), "data/d/x": file("x", b"x")}
    assert listed(found(root, "top", follow), "top") == {"top/x": file("x", b"x")}
    with pytest.raises(Refused, match="top is a symbolic link to 'out/d'"):
        found(root, "top")
    write(root, data__none="nowhere")
    with pytest.raises(Refused, match="where nothing is"):
        found(root, rules=follow)


@pytest.mark.parametrize("target", [".", "..", "s", "../data/s"])
def test_followed_links_that_go_round_in_circles_are_refused(root: Path, target: str) -> None:
    write(root, data__s__x=b"x", data__s__loop=os.path.join("..", target))
    with pytest.raises(Refused, match="leads back to a folder above it"):
        found(root, rules=replace(ADDING, follow_links=True))


def object_path(cache: Path, content: bytes) -> str:
    digest = BLAKE3.of(content).hex()
    return f"{cache}/loose/blake3/{digest[:2]}/{digest[2:]}"


def test_a_link_into_the_cache_stands_for_the_object(root: Path) -> None:
    cache = root.parent / "cache"
    path = Path(object_path(cache, b"big"))
    path.parent.mkdir(parents=True)
    path.write_bytes(b"big")
    write(root, data__big=str(path))
    assert listed(found(root, cache_prefix=f"{cache}/loose/")) == {"data/big": file("big", b"big")}
    with pytest.raises(Refused):
        found(root, cache_prefix="/another/cache/")
    assert listed(found(root, rules=LOOKING)) == {"data/big": file("big", b"big")}
    path.write_bytes(b"edited through the link")
    assert listed(found(root, rules=LOOKING)) == {"data/big": file("big", b"edited through the link")}


def test_a_link_to_an_object_that_is_gone_is_not_there(root: Path) -> None:
    write(root, data__a=b"a", data__big=object_path(root.parent / "moved", b"big"), big=object_path(root, b"big"))
    assert listed(found(root, rules=LOOKING)) == {"data/a": file("a", b"a")}
    assert scan(root, "big", state_of(root), LOOKING) is None
    with pytest.raises(Refused, match=r"data/big is a link to a cached object that is gone: .*dvcx pull"):
        found(root)


def test_links_that_dvcx_writes_are_known_by_their_text() -> None:
    digits = "0" * 62
    for text in (f"/a/loose/blake3/ab/{digits}", f"/loose/blake3/ab/{digits}", f"/a b\n/loose/blake3/ab/{digits}"):
        assert is_cache_link(text, BLAKE3)
    for text in (
        f"loose/blake3/ab/{digits}",
        f"/a/../loose/blake3/ab/{digits}",
        f"/a/loose/blake3/ab/{digits}0",
        f"/a/loose/blake3/AB/{digits}",
        f"/a/loose/sha256/ab/{digits}",
        f"/a/loose/blake3/ab/{digits}\n",
        f"/a/b/ab/{digits}",
    ):
        assert not is_cache_link(text, BLAKE3)


def test_nothing_is_seen_behind_a_link(root: Path) -> None:
    write(root, out__s__a=b"a", data="out")
    for rules in (ADDING, LOOKING):
        assert scan(root, "data/s", state_of(root), rules) is None
        assert scan(root, "data/s/a", state_of(root), rules) is None


def test_ignored_files_are_left_out_and_told(root: Path) -> None:
    write(root, data__a=b"a", data__b__tmp=b"t", data__s__deep__c=b"c", data__keep__x=b"x")
    (root / "data/b/tmp").rename(root / "data/b.tmp")
    (root / "data/b").rmdir()
    (root / ".dvcxignore").write_text("*.tmp\ndeep/\n")
    (root / "data/keep/.dvcxignore").write_text("x\n")
    scanned = found(root)
    assert sorted(listed(scanned)) == ["data/a", "data/keep/.dvcxignore"]
    assert scanned.left_out == {"data/b.tmp", "data/s/deep", "data/keep/x"}
    assert sorted(listed(found(root, rules=replace(LOOKING, ignoring=False)))) == [
        "data/a",
        "data/b.tmp",
        "data/keep/.dvcxignore",
        "data/keep/x",
        "data/s/deep/c",
    ]


def test_a_folder_that_is_too_deep_is_refused_and_not_walked(root: Path) -> None:
    here = os.open(root, os.O_RDONLY)
    for _ in range(MAX_DEPTH + 5):
        os.mkdir("d", dir_fd=here)
        inner = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    with pytest.raises(Refused, match=f"is {MAX_DEPTH + 1} folders deep"):
        found(root, "d")
    scanned = found(root, "d", LOOKING)
    ((path, entry),) = listed(scanned, "d").items()
    assert (entry.kind, path.count("/"), len(scanned.foreign)) == (EntryKind.FOREIGN, MAX_DEPTH + 1, 1)


def test_what_goes_away_while_it_is_scanned_is_not_there(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(root, data__a=b"a", data__b=b"b", data__s__c=b"c", data__l="a")
    gone: list[str] = []

    def vanish(absolute: str, path: str, *rest: object) -> tuple[bytes, os.stat_result]:
        os.unlink(absolute)
        gone.append(path)
        return read_file(absolute, path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr("dvcx.workspace.scan.read_file", vanish)
    assert listed(found(root)) == {"data/l": link_entry("l", "a")}
    assert sorted(gone) == ["data/a", "data/b", "data/s/c"]


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_what_becomes_something_else_while_it_is_scanned_is_refused(root: Path, kind: str) -> None:
    path = root / "x"
    if kind == "link":
        path.symlink_to("/etc/passwd")
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises(Refused, match="became something else"):
        read_file(str(path), "x", BLAKE3, None)


@pytest.mark.parametrize("size", [10, 3_000_000])
def test_a_file_that_changes_while_it_is_read_is_read_again(
    root: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    path = root / "x"
    path.write_bytes(b"a" * size)
    real = reading._read_open
    left = [b"b", b"cc"]

    def interrupted(fd: int, *rest: object) -> tuple[bytes, int]:
        answer = real(fd, *rest)  # type: ignore[arg-type]
        if left:
            time.sleep(0.02)
            path.write_bytes(left.pop(0) * size)
        return answer

    monkeypatch.setattr(reading, "_read_open", interrupted)
    digest, status = read_file(str(path), "x", BLAKE3, MemoryIntake())
    assert (digest, status.st_size) == (BLAKE3.of(b"cc" * size), 2 * size)


def test_a_file_that_never_stands_still_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = root / "x"
    path.write_bytes(b"x")
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    real = reading._read_open

    def interrupted(fd: int, *rest: object) -> tuple[bytes, int]:
        answer = real(fd, *rest)  # type: ignore[arg-type]
        path.write_bytes(b"x" * (path.stat().st_size + 1))
        return answer

    monkeypatch.setattr(reading, "_read_open", interrupted)
    with pytest.raises(Refused, match="x changes while it is being read") as raised:
        read_file(str(path), "x", BLAKE3, None)
    assert raised.value.names == ("x",)


def test_the_number_of_files_is_told_while_they_are_scanned(root: Path) -> None:
    write(root, data__a=b"a", data__b=b"b", data__s__c=b"c")
    time.sleep(0.05)
    counts: list[int] = []
    found(root, advance=counts.append)
    assert sum(counts) == 3


def test_a_row_of_another_content_is_not_used(root: Path) -> None:
    write(root, data__a=b"a")
    state = state_of(root)
    status = (root / "data/a").stat()
    state.remember("data", {"a": Seen(1, status.st_mtime_ns, status.st_ctime_ns, status.st_ino + 1, b"x" * 32)})
    scanned = scan(root, "data", state, ADDING)
    assert scanned is not None
    assert listed(scanned) == {"data/a": file("a", b"a")}
