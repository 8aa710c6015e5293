"""The trash: what goes in comes back as it was, whatever happens in between."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dvcx.base import moving
from dvcx.base.errors import Busy, MissingData, Refused
from dvcx.base.files import Durability
from dvcx.formats.trash_journal import Absent, Kept, Moved, dump_steps
from dvcx.storage.trash import Trash, UndoResult
from dvcx.storage.trash_entry import TrashEntry
from tests.sudden_end import as_nobody, fail_at_every_step, kill_at_every_step

Look = dict[str, tuple[str, int, bytes | str | None]]
"""What stands at each path: its kind, permission bits, and content or target."""


def look_at(folder: Path) -> Look:
    found: Look = {}
    for path in sorted(folder.rglob("*")):
        name, mode = str(path.relative_to(folder)), path.lstat().st_mode
        if stat.S_ISLNK(mode):
            found[name] = "link", 0, os.readlink(path)
        elif stat.S_ISDIR(mode):
            found[name] = "folder", stat.S_IMODE(mode), None
        else:
            found[name] = "file", stat.S_IMODE(mode), path.read_bytes()
    return found


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return fill(tmp_path / "project")


@pytest.fixture
def trash(tmp_path: Path) -> Trash:
    return Trash(tmp_path / "git" / "dvcx" / "trash")


def fill(project: Path) -> Path:
    """Makes a project with a bit of everything that a file system can hold."""
    (project / "data" / "empty").mkdir(parents=True)
    (project / "data" / "deep" / "er").mkdir(parents=True)
    (project / "data" / "deep" / "er" / "x y\n\u00e9").write_bytes(b"odd name")
    (project / "data" / "run.sh").write_text("#!/bin/sh")
    (project / "data" / "run.sh").chmod(0o755)
    (project / "data" / "link").symlink_to("run.sh")
    (project / "data" / "broken").symlink_to("/no/such/place")
    (project / "data.dvcx").write_text("pointer one")
    (project / "model.bin").write_bytes(bytes(range(256)) * 10)
    (project / "model.bin").chmod(0o440)
    return project


def names(result: UndoResult) -> set[str]:
    return {*result.restored, *result.removed}


def test_what_is_moved_comes_back_as_it_was(project: Path, trash: Trash) -> None:
    before = look_at(project)
    with trash.entry("checkout", project) as entry:
        entry.move_all([(project / "data", "data"), (project / "model.bin", "model.bin")])
        assert look_at(project).keys() == {"data.dvcx"}
    (info,) = trash.entries()
    assert (info.operation, info.project, info.items, info.names) == ("checkout", project, 2, ("data", "model.bin"))
    assert info.bytes >= 2560 and info.id == entry.id
    result = trash.undo(project)
    assert names(result) == {"data", "model.bin"} and result.left == ()
    assert look_at(project) == before


def test_an_entry_in_which_nothing_happened_leaves_no_trace(project: Path, trash: Trash) -> None:
    with trash.entry("checkout", project):
        pass
    assert not trash.root.exists()
    with trash.entry("add", project) as entry:
        entry.move_all([(project / name, "x") for name in ("not there", "not/there", "model.bin/x")])
        entry.keep_text([project / "data.dvcx", project / "new.dvcx"])
        entry.renamed(project / "nothing", project / "else")
    assert trash.entries() == [] and [p for p in trash.root.iterdir() if p.is_dir()] == []


def test_texts_come_back_and_new_files_leave(project: Path, trash: Trash) -> None:
    (project / "binary.dvcx").write_bytes(b"\xff\x00")
    (project / "link.dvcx").symlink_to("data.dvcx")
    (project / "gone.dvcx").write_text("removed by the command")
    (project / "gone.dvcx").chmod(0o600)
    before = look_at(project)
    changed = ["data.dvcx", "binary.dvcx", "link.dvcx", "gone.dvcx", "sub/new.dvcx", ".gitignore"]
    with trash.entry("add", project) as entry:
        entry.keep_text(project / name for name in changed)
        for name in changed:
            (project / name).unlink(missing_ok=True)
        (project / "sub").mkdir()
        for name in changed[:3] + changed[4:]:
            (project / name).write_text("new text")
    after = look_at(project)
    result = trash.undo(project)
    assert names(result) == set(changed)
    (project / "sub").rmdir()
    assert look_at(project) == before
    trash.undo(project)
    assert look_at(project) == after


def test_renames_are_reversed_and_redone(project: Path, trash: Trash) -> None:
    before = look_at(project)
    with trash.entry("move", project) as entry:
        (project / "there").mkdir()
        entry.renamed_all([(project / "data", project / "there" / "moved"), (project / "model.bin", project / "m")])
        (project / "data").rename(project / "there" / "moved")
        (project / "model.bin").rename(project / "m")
    after = look_at(project)
    assert names(trash.undo(project)) == {"data", "model.bin"}
    assert look_at(project) == before | {"there": after["there"]}
    trash.undo(project)
    assert look_at(project) == after


def test_a_rename_is_told_from_things_that_took_its_place(project: Path, trash: Trash) -> None:
    with trash.entry("move", project) as entry:
        entry.renamed(project / "model.bin", project / "m")
        (project / "model.bin").rename(project / "m")
    (project / "model.bin").write_text("a new one")
    trash.undo(project)
    assert not (project / "m").exists() and len((project / "model.bin").read_bytes()) == 2560
    trash.undo(project)
    assert (project / "model.bin").read_text() == "a new one" and (project / "m").exists()


def test_a_rename_that_never_happened_is_left_alone(project: Path, trash: Trash) -> None:
    (project / "m").write_text("was there before")
    before = look_at(project)
    with trash.entry("move", project) as entry:
        entry.renamed(project / "model.bin", project / "m")
    assert trash.undo(project) == UndoResult(entry.id, "move", (), (), (), None)
    assert look_at(project) == before


def test_what_stands_in_the_way_goes_to_the_trash_itself_and_undo_can_be_undone(project: Path, trash: Trash) -> None:
    before = look_at(project)
    with trash.entry("checkout", project) as entry:
        entry.move_all([(project / "data", "data"), (project / "model.bin", "model.bin")])
    (project / "data").write_text("a file now")
    (project / "model.bin").mkdir()
    (project / "model.bin" / "inside").write_text("and a folder here")
    after = look_at(project)
    for _ in range(3):
        trash.undo(project)
        assert look_at(project) == before
        trash.undo(project)
        assert look_at(project) == after
    assert len(trash.entries()) == 1


def test_a_file_on_the_way_makes_room_for_the_folder_and_links_are_not_followed(
    project: Path, trash: Trash, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    with trash.entry("checkout", project) as entry:
        entry.move_all([(project / "data" / "deep" / "er", "er"), (project / "data" / "run.sh", "run.sh")])
        entry.keep_text([project / "data" / "p.dvcx"])
    before = {"data/deep": "folder", "data/run.sh": "file"}
    shutil.rmtree(project / "data")
    (project / "data").symlink_to(outside)
    after = look_at(project)
    result = trash.undo(project)
    assert names(result) == {"er", "run.sh"} and result.left == ()
    assert list(outside.iterdir()) == []
    found = look_at(project)
    assert {name: found[name][0] for name in before} == before
    assert (project / "data" / "deep" / "er" / "x y\n\u00e9").read_bytes() == b"odd name"
    trash.undo(project)
    assert look_at(project) == after


def test_a_path_behind_a_link_or_outside_of_the_roots_is_refused_before_anything_moves(
    project: Path, trash: Trash, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("x")
    (project / "away").symlink_to(outside)
    before = look_at(project)
    for path in (outside / "precious", project / "away" / "precious", project / ".." / "outside" / "precious", project):
        with pytest.raises(Refused), trash.entry("remove", project) as entry:
            entry.move_all([(path, "precious")])
        with pytest.raises(Refused), trash.entry("remove", project) as entry:
            entry.keep_text([path])
    assert look_at(project) == before and (outside / "precious").exists() and trash.entries() == []


def test_journal_lines_are_flushed_before_anything_moves_and_once_for_thousands(
    project: Path, trash: Trash, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [project / "many" / f"{n}" for n in range(2000)]
    files[0].parent.mkdir()
    for file in files:
        file.write_bytes(b"x")
    events: list[str] = []
    fsync, rename = os.fsync, moving.rename_new

    def noted_fsync(fd: int) -> None:
        events.append(os.readlink(f"/proc/self/fd/{fd}").rpartition("/")[2])
        fsync(fd)

    def noted_rename(*args: object) -> None:
        events.append("move")
        rename(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(moving, "rename_new", noted_rename)
    with trash.entry("checkout", project) as entry:
        entry.move_all([(file, file.name) for file in files])
    assert events.count("move") == 2000
    assert "journal.jsonl" in events[: events.index("move")]
    assert len(events) - 2000 < 10


def change(project: Path, trash: Trash) -> None:
    """Does what a forced checkout does: old things leave, texts change, something is renamed, new things come."""
    with trash.entry("checkout", project) as entry:
        entry.move_all([(project / "data", "data"), (project / "gone already", "x")])
        entry.keep_text([project / "data.dvcx", project / "new.dvcx"])
        entry.renamed(project / "model.bin", project / "moved.bin")
        os.rename(project / "model.bin", project / "moved.bin")
        for name in ("data.dvcx", "new.dvcx"):
            (project / (name + ".tmp")).write_text("pointer two")
            os.replace(project / (name + ".tmp"), project / name)
        os.mkdir(project / "data")
        os.symlink("x", project / "data" / "new link")


def without_leftovers(look: Look) -> Look:
    return {name: what for name, what in look.items() if not name.endswith(".tmp")}


@pytest.mark.parametrize("durability", ["full", "fast"])
def test_killed_anywhere_an_operation_can_be_taken_back(tmp_path: Path, durability: Durability, stride: int) -> None:
    before = look_at(fill(tmp_path / "reference"))

    def check(place: Path) -> None:
        trash, project = Trash(place / "trash"), place / "project"
        if trash.entries():
            assert trash.undo(project).left == ()
        assert without_leftovers(look_at(project)) == before

    steps = kill_at_every_step(
        tmp_path / "runs",
        lambda place: fill(place / "project"),
        lambda place: change(place / "project", Trash(place / "trash", durability)),
        check,
        stride=stride,
    )
    assert steps > 15


def test_killed_anywhere_an_undo_is_finished_by_the_next_one_and_can_itself_be_undone(
    tmp_path: Path, stride: int
) -> None:
    before = look_at(fill(tmp_path / "reference"))
    looks: list[Look] = []

    def arrange(place: Path) -> None:
        change(fill(place / "project"), Trash(place / "trash"))
        (place / "project" / "model.bin").write_text("came later")
        looks.append(look_at(place / "project"))

    def check(place: Path) -> None:
        trash, project = Trash(place / "trash"), place / "project"
        first, *more = trash.entries()
        if more or first.operation != "undo":
            assert trash.undo(project).left == ()
        assert without_leftovers(look_at(project)) == before
        assert [info.operation for info in trash.entries()] == ["undo"]
        assert trash.undo(project).left == ()
        assert without_leftovers(look_at(project)) == looks[-1]
        trash.undo(project)
        assert without_leftovers(look_at(project)) == before

    def act(place: Path) -> None:
        Trash(place / "trash").undo(place / "project")

    assert kill_at_every_step(tmp_path / "runs", arrange, act, check, stride=stride) > 15


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_where_the_disk_fails_nothing_is_lost_and_undo_takes_back_what_was_done(
    tmp_path: Path, code: int, stride: int
) -> None:
    before = look_at(fill(tmp_path / "reference"))

    def check(place: Path) -> None:
        trash, project = Trash(place / "trash"), place / "project"
        if trash.entries():
            assert trash.undo(project).left == ()
        assert without_leftovers(look_at(project)) == before

    steps = fail_at_every_step(
        tmp_path / "runs",
        code,
        lambda place: fill(place / "project"),
        lambda place: change(place / "project", Trash(place / "trash")),
        check,
        stride=stride,
    )
    assert steps > 15


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_where_the_disk_fails_an_undo_can_be_repeated(tmp_path: Path, code: int, stride: int) -> None:
    before = look_at(fill(tmp_path / "reference"))

    def check(place: Path) -> None:
        trash, project = Trash(place / "trash"), place / "project"
        first, *more = trash.entries()
        if more or first.operation != "undo":
            assert trash.undo(project).left == ()
        assert without_leftovers(look_at(project)) == before

    steps = fail_at_every_step(
        tmp_path / "runs",
        code,
        lambda place: change(fill(place / "project"), Trash(place / "trash")),
        lambda place: Trash(place / "trash").undo(place / "project"),
        check,
        stride=stride,
    )
    assert steps > 15


def test_a_journal_cut_off_anywhere_is_read_as_far_as_it_goes(project: Path, trash: Trash) -> None:
    before = look_at(project)
    change(project, trash)
    (info,) = trash.entries()
    journal = trash.root / info.id / "journal.jsonl"
    whole = journal.read_bytes()
    for length in range(len(whole)):
        journal.write_bytes(whole[:length])
        known = {each.id: each for each in trash.entries()}
        if length <= whole.index(b"\n"):
            assert known == {} and list(trash.pointer_texts()) == []
        else:
            assert known[info.id].operation == "checkout"
    journal.write_bytes(whole[:-5])
    assert without_leftovers(look_at(project)) != before
    result = trash.undo(project)
    assert "data" in names(result)


def test_what_the_journal_does_not_explain_is_told_and_kept(project: Path, trash: Trash) -> None:
    with trash.entry("checkout", project) as entry:
        entry.move_all([(project / "data", "data"), (project / "model.bin", "model.bin")])
    journal = entry.folder / "journal.jsonl"
    first, second, third = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(first + second.replace(b"{", b"[", 1) + third)
    result = trash.undo(project)
    assert names(result) == {"model.bin"} and len(result.left) == 2
    assert (entry.folder / "files" / "0" / "run.sh").exists()


@pytest.mark.parametrize(
    "hostile",
    [
        ("{project}/../outside/x", "files/0"),
        ("{outside}/x", "files/0"),
        ("{project}/x", "../../../../outside/secret"),
        ("{project}/x", "{outside}/secret"),
        ("{project}/x", "files/../journal.jsonl"),
        ("{project}/x/../../outside/y", "files/0"),
        ("{project}", "files/0"),
        ("{project}//x", "files/0"),
    ],
)
def test_a_journal_that_leads_out_of_the_project_is_refused(
    project: Path, trash: Trash, tmp_path: Path, hostile: tuple[str, str]
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("x")
    with trash.entry("checkout", project) as entry:
        entry.move_all([(project / "model.bin", "model.bin")])
    path, kept = (text.format(outside=outside, project=project) for text in hostile)
    journal = entry.folder / "journal.jsonl"
    header = journal.read_bytes().splitlines(keepends=True)[0]
    journal.write_bytes(
        header + dump_steps([Moved(path, kept, "m"), Kept(path, b"text"), Absent(str(outside / "secret"), 0, 0)])
    )
    before = look_at(outside)
    result = trash.undo(project)
    assert look_at(outside) == before and result.left
    assert (entry.folder / "files" / "0").exists() and journal.exists()


def test_across_disks_everything_is_copied_flushed_and_removed(project: Path, elsewhere: Path) -> None:
    trash = Trash(elsewhere / "trash")
    (project / "data" / "deep").chmod(0o555)
    old = 1_500_000_000
    os.utime(project / "model.bin", (old, old))
    before = look_at(project)
    with trash.entry("checkout", project) as entry:
        entry.move_all([(project / "data", "data"), (project / "model.bin", "model.bin"), (project / "data.dvcx", "p")])
    assert look_at(project) == {}
    assert names(trash.undo(project)) == {"data", "model.bin", "p"}
    assert look_at(project) == before and (project / "model.bin").stat().st_mtime == old


def test_a_copy_on_another_disk_is_flushed_before_the_original_goes(
    project: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    fsync, remove = os.fsync, moving.remove_tree

    def noted_fsync(fd: int) -> None:
        events.append("folder" if stat.S_ISDIR(os.fstat(fd).st_mode) else "file")
        fsync(fd)

    def noted_remove(folder: int, name: str) -> None:
        remove(folder, name)
        events.append("gone")

    with Trash(elsewhere).entry("remove", project) as entry:
        entry.move_all([(project / "data.dvcx", "p")])
        monkeypatch.setattr(os, "fsync", noted_fsync)
        monkeypatch.setattr(moving, "remove_tree", noted_remove)
        monkeypatch.setattr(moving, "sync_filesystem_of", lambda fd, name: events.append("all"))
        entry.move_all([(project / "model.bin", "model.bin"), (project / "data", "data")])
    assert events == ["file", "file", "folder", "gone", "all", "folder", "gone"]


def test_killed_anywhere_a_move_across_disks_loses_nothing(tmp_path: Path, elsewhere: Path, stride: int) -> None:
    before = look_at(fill(tmp_path / "reference"))
    original = moving.rename_new

    def act(place: Path) -> None:
        with Trash(elsewhere / place.name).entry("checkout", place / "project") as entry:
            entry.move_all([(place / "project" / "data", "data"), (place / "project" / "model.bin", "model.bin")])

    def check(place: Path) -> None:
        trash = Trash(elsewhere / place.name)
        if trash.entries():
            assert trash.undo(place / "project").left == ()
        assert look_at(place / "project") == before
        assert original is moving.rename_new

    assert kill_at_every_step(tmp_path / "runs", lambda place: fill(place / "project"), act, check, stride=stride) > 30


def test_what_cannot_be_copied_to_another_disk_stays_where_it_is(project: Path, elsewhere: Path) -> None:
    os.mkfifo(project / "data" / "deep" / "pipe")
    before = look_at_names(project)
    with pytest.raises(Refused, match="pipe"), Trash(elsewhere / "trash").entry("checkout", project) as entry:
        entry.move_all([(project / "data", "data")])
    assert look_at_names(project) == before
    same_disk = Trash(project.parent / "trash")
    with same_disk.entry("checkout", project) as entry:
        entry.move_all([(project / "data", "data")])
    same_disk.undo(project)
    assert look_at_names(project) == before


def test_what_leaves_a_cache_on_another_disk_stays_on_that_disk(project: Path, trash: Trash, elsewhere: Path) -> None:
    cache = elsewhere / "cache"
    (cache / "packs").mkdir(parents=True)
    (cache / "packs" / "a.pack").write_text("a")
    inode = (cache / "packs" / "a.pack").stat().st_ino
    with trash.entry("gc", project, cache) as entry:
        entry.move_all([(cache / "packs" / "a.pack", "a.pack"), (project / "model.bin", "model.bin")])
    kept = cache / "trash" / entry.id / "0"
    assert kept.stat().st_ino == inode
    assert trash.entries()[0].bytes == 2561
    trash.undo(project)
    assert (cache / "packs" / "a.pack").stat().st_ino == inode and not kept.exists()
    trash.undo(project)
    assert not (cache / "packs" / "a.pack").exists() and not (project / "model.bin").exists()
    trash.expire(-1.0, time.time())
    assert trash.entries() == [] and list((cache / "trash").iterdir()) == []


def test_old_entries_expire_and_one_under_way_does_not(project: Path, tmp_path: Path) -> None:
    now = [1_000_000.0]
    trash = Trash(tmp_path / "trash", clock=lambda: now[0])
    (project / "data" / "deep").chmod(0o555)
    with trash.entry("checkout", project) as old:
        old.move_all([(project / "data", "data")])
    now[0] += 100
    with trash.entry("remove", project) as young:
        young.move_all([(project / "model.bin", "model.bin")])
        assert trash.expire(50, now[0]) == (old.id,)
        assert trash.expire(-1, now[0]) == ()
        with pytest.raises(Busy):
            trash.undo(project)
    assert [info.id for info in trash.entries()] == [young.id]
    assert trash.expire(50, now[0]) == ()
    assert trash.expire(50, now[0] + 51) == (young.id,)
    assert [path for path in trash.root.iterdir() if path.is_dir()] == []


def test_a_killed_expiry_leaves_whole_entries_and_is_finished_by_the_next_one(tmp_path: Path, stride: int) -> None:
    def arrange(place: Path) -> None:
        change(fill(place / "project"), Trash(place / "trash"))

    def check(place: Path) -> None:
        trash = Trash(place / "trash")
        if trash.entries():
            assert trash.undo(place / "project").left == ()
        trash.expire(-1, time.time() + 1)
        assert [path.name for path in trash.root.iterdir() if path.is_dir()] == []

    assert kill_at_every_step(
        tmp_path / "runs",
        arrange,
        lambda place: Trash(place / "trash").expire(-1, time.time() + 1),
        check,
        stride=stride,
    )


def test_every_pointer_that_could_come_back_is_told(project: Path, trash: Trash) -> None:
    (project / "data" / "inner.dvcx").write_text("pointer in a folder")
    (project / "other.dvcx").write_text("pointer moved")
    (project / ".gitignore").write_text("no pointer")
    (project / "data" / "link.dvcx").symlink_to("inner.dvcx")
    with trash.entry("remove", project) as entry:
        entry.keep_text([project / "data.dvcx", project / ".gitignore", project / "absent.dvcx"])
        entry.move_all([(project / name, name) for name in ("data", "other.dvcx", "model.bin")])
    expected = [b"pointer in a folder", b"pointer moved", b"pointer one"]
    assert sorted(trash.pointer_texts()) == expected
    (project / "data.dvcx").write_text("pointer two")
    trash.undo(project)
    assert sorted(trash.pointer_texts()) == [b"pointer two"]


def test_undo_takes_the_last_entry_of_its_own_project(project: Path, trash: Trash, tmp_path: Path) -> None:
    other = fill(tmp_path / "worktree")
    with trash.entry("checkout", project) as first:
        first.move_all([(project / "model.bin", "model.bin")])
    with trash.entry("checkout", other) as second:
        second.move_all([(other / "model.bin", "model.bin")])
    assert trash.undo(project).id == first.id
    assert not (other / "model.bin").exists()
    assert trash.undo(project, second.id).id == second.id
    assert (other / "model.bin").exists()
    with pytest.raises(MissingData):
        trash.undo(tmp_path / "third")
    with pytest.raises(MissingData):
        trash.undo(project, "20200101T000000.000000-gc-00000000")


def test_entries_keep_their_order_when_the_clock_is_set_back(project: Path, tmp_path: Path) -> None:
    now = [2_000_000_000.0]
    trash = Trash(tmp_path / "trash", clock=lambda: now[0])
    for name in ("model.bin", "data", "data.dvcx"):
        with trash.entry("remove", project) as entry:
            entry.move_all([(project / name, name)])
        now[0] -= 1000
    assert [info.names for info in trash.entries()] == [("model.bin",), ("data",), ("data.dvcx",)]
    assert trash.undo(project).restored == ("data.dvcx",)


def test_a_moved_project_gets_its_things_back_where_it_is_now(project: Path, trash: Trash, tmp_path: Path) -> None:
    before = look_at(project)
    change(project, trash)
    project.rename(tmp_path / "renamed")
    (info,) = trash.entries()
    assert trash.undo(tmp_path / "renamed", info.id).left == ()
    assert without_leftovers(look_at(tmp_path / "renamed")) == before and not project.exists()


def test_of_several_records_of_one_place_the_first_one_holds(project: Path, trash: Trash) -> None:
    before = look_at(project)
    with trash.entry("checkout", project) as entry:
        for text in ("changed", "pointer one"):
            entry.keep_text([project / "data.dvcx"])
            (project / "data.dvcx").write_text(text)
        for text in ("one", "two", "three"):
            entry.keep_text([project / "data.dvcx"])
            entry.move_all([(project / "model.bin", "model.bin"), (project / "data" / "deep", "deep")])
            (project / "data.dvcx").write_text(text)
            (project / "model.bin").write_text(text)
            (project / "data" / "deep").mkdir()
            (project / "data" / "deep" / text).write_text(text)
    after = look_at(project)
    for _ in range(2):
        assert trash.undo(project).left == ()
        assert look_at(project) == before
        assert trash.undo(project).left == ()
        assert look_at(project) == after


def test_a_file_that_appears_while_undo_is_at_it_is_not_overwritten(
    project: Path, trash: Trash, monkeypatch: pytest.MonkeyPatch
) -> None:
    with trash.entry("checkout", project) as entry:
        entry.move_all([(project / "model.bin", "model.bin")])
    rename = moving.rename_new
    racing = [True]

    def racing_rename(source: int, name: str, target: int, new_name: str) -> None:
        if racing.pop() if racing else False:
            (project / "model.bin").write_text("just now")
        rename(source, name, target, new_name)

    monkeypatch.setattr(moving, "rename_new", racing_rename)
    trash.undo(project)
    assert len((project / "model.bin").read_bytes()) == 2560
    trash.undo(project)
    assert (project / "model.bin").read_text() == "just now"


def test_a_folder_that_its_owner_may_not_write_goes_and_comes_back(tmp_path: Path) -> None:
    place = Path(tempfile.mkdtemp())
    try:
        project = fill(place / "project")
        (project / "data" / "deep").chmod(0o555)
        (project / "data").chmod(0o555)
        before = look_at(project)

        def act() -> None:
            trash = Trash(place / "trash")
            with trash.entry("checkout", project) as entry:
                entry.move_all([(project / "data", "data")])
            assert "data" not in look_at(project)
            trash.undo(project)
            assert look_at(project) == before
            with trash.entry("checkout", project) as entry:
                entry.move_all([(project / "data", "data")])
            assert trash.expire(-1, time.time() + 1)[-1] == entry.id and trash.entries() == []

        assert as_nobody(act) == 0
    finally:
        shutil.rmtree(place)


def test_a_place_that_cannot_be_written_is_told_and_what_belongs_there_stays_in_the_trash() -> None:
    place = Path(tempfile.mkdtemp())
    try:
        project = fill(place / "project")

        def act() -> None:
            trash = Trash(place / "trash")
            with trash.entry("checkout", project) as entry:
                entry.move_all([(project / "data" / "run.sh", "run.sh"), (project / "model.bin", "model.bin")])
            (project / "data").chmod(0o555)
            result = trash.undo(project)
            assert result.restored == ("model.bin",) and [name for name, _ in result.left] == ["run.sh"]
            (project / "data").chmod(0o755)
            assert trash.undo(project).restored == ("run.sh",)

        assert as_nobody(act) == 0
    finally:
        shutil.rmtree(place)


def test_a_text_that_changed_and_changed_back_stays(project: Path, trash: Trash) -> None:
    before = look_at(project)
    with trash.entry("add", project) as entry:
        for text in ("changed", "pointer one"):
            entry.keep_text([project / "data.dvcx"])
            (project / "data.dvcx").write_text(text)
        entry.move_all([(project / "model.bin", "model.bin")])
    trash.undo(project)
    assert look_at(project) == before


@pytest.mark.parametrize("text_first", [True, False])
def test_a_folder_that_the_operation_replaced_is_not_taken_for_the_old_one(
    project: Path, trash: Trash, text_first: bool
) -> None:
    with trash.entry("checkout", project) as entry:
        entry.move_all([(project / "data" / "run.sh", "run.sh")])
        (project / "data").rename(project / "old")
        (project / "data").mkdir()
        (project / "data" / "link").write_text("the new one")
        if text_first:
            entry.keep_text([project / "data" / "link"])
        entry.move_all([(project / "data" / "link", "link")])
    assert (project / "old" / "link").is_symlink()
    trash.undo(project)
    assert (project / "data" / "link").read_text() == "the new one"


def test_what_left_with_its_folder_is_not_taken_out_of_the_trash(project: Path, trash: Trash) -> None:
    before = look_at(project)
    names_in_order = ["data/run.sh", "data", "data/link", "data/deep/er"]
    with trash.entry("remove", project) as entry:
        entry.move_all([(project / name, name) for name in names_in_order])
    assert trash.entries()[0].names == ("data/run.sh", "data")
    trash.undo(project)
    assert look_at(project) == before


def test_folders_that_an_undo_made_leave_with_the_next_one(project: Path, trash: Trash) -> None:
    with trash.entry("remove", project) as entry:
        entry.move_all([(project / "data" / "deep" / "er" / "x y\n\u00e9", "x")])
        entry.keep_text([project / "data" / "deep" / "p.dvcx"])
    shutil.rmtree(project / "data")
    after = look_at(project)
    trash.undo(project)
    assert (project / "data" / "deep" / "er" / "x y\n\u00e9").exists()
    trash.undo(project)
    assert look_at(project) == after
    trash.undo(project)
    (project / "data" / "deep" / "mine").write_text("x")
    trash.undo(project)
    assert look_at(project).keys() - after.keys() == {"data", "data/deep", "data/deep/mine"}


def test_half_a_line_in_the_journal_does_not_spoil_the_next_one(
    project: Path, trash: Trash, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = look_at(project)
    full = [False, True, False]
    write = os.write

    def short_of_space(fd: int, data: bytes) -> int:
        if full.pop(0) if full else False:
            write(fd, data[:20])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(fd, data)

    monkeypatch.setattr(os, "write", short_of_space)
    with trash.entry("remove", project) as entry:
        with pytest.raises(OSError):
            entry.move_all([(project / "data", "data")])
        assert (project / "data").is_dir()
        entry.move_all([(project / "model.bin", "model.bin")])
    assert trash.undo(project).left == () and look_at(project) == before


def test_a_file_that_vanishes_while_its_folder_is_copied_is_no_reason_to_go_on(
    project: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = look_at(project)

    def vanished(*args: object) -> None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))

    with monkeypatch.context() as patch:
        patch.setattr(moving, "_copy_file", vanished)
        with pytest.raises(FileNotFoundError), Trash(elsewhere).entry("remove", project) as entry:
            entry.move_all([(project / "data", "data")])
    assert look_at(project) == before and Trash(elsewhere).entries() == []


def test_an_undo_across_disks_that_fails_leaves_no_half_copy(
    project: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, trash = look_at(project), Trash(elsewhere)
    with trash.entry("remove", project) as entry:
        entry.move_all([(project / "data", "data")])
    after = look_at(project)
    copy_file = moving._copy_file

    def out_of_space(source: int, name: str, target: int, new_name: str) -> None:
        copy_file(source, name, target, new_name)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(moving, "_copy_file", out_of_space)
        assert [name for name, _ in trash.undo(project).left] == ["data"]
    assert look_at(project) == after
    assert trash.undo(project).left == () and look_at(project) == before


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A folder on another disk."""
    if not os.path.isdir("/dev/shm") or os.stat("/dev/shm").st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no other file system here")
    folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
    yield folder
    shutil.rmtree(folder)


def look_at_names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


PLACES = ["a", "b", "a/x", "a/y", "a/x/z", "b/x", "p.dvcx", "a/q.dvcx"]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(start={"a": "1"}, steps=[("rename", "a", "b"), ("text", "b", "a")], later={"a": "3"})
@given(
    start=st.dictionaries(st.sampled_from(PLACES), st.sampled_from(["1", "2", "folder", "link"]), max_size=6),
    steps=st.lists(
        st.tuples(st.sampled_from(["move", "text", "rename"]), st.sampled_from(PLACES), st.sampled_from(PLACES)),
        max_size=8,
    ),
    later=st.dictionaries(st.sampled_from(PLACES), st.sampled_from(["3", "folder", "link"]), max_size=4),
)
def test_any_operation_is_undone_and_redone_and_undone(
    start: dict[str, str], steps: list[tuple[str, str, str]], later: dict[str, str]
) -> None:
    with tempfile.TemporaryDirectory() as place:
        project, trash = Path(place) / "project", Trash(Path(place) / "trash", "fast")
        project.mkdir()
        for name, what in sorted(start.items()):
            _make(project / name, what)
        before = look_at(project)
        with trash.entry("operation", project) as entry:
            for step in steps:
                _operate(project, entry, *step)
        if not trash.entries():
            return
        for name, what in later.items():
            _make(project / name, what)
        after = look_at(project)
        trash.undo(project)
        undone = look_at(project)
        assert before.items() <= undone.items()
        assert trash.undo(project).left == () and look_at(project) == after
        assert trash.undo(project).left == () and look_at(project) == undone


def _make(path: Path, what: str) -> None:
    """Makes something at a path, unless something stands there or in the way."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if what == "folder":
            path.mkdir()
        elif what == "link":
            path.symlink_to("/no/such/place")
        else:
            with open(path, "x") as file:
                file.write(what)
    except (FileExistsError, NotADirectoryError):
        pass


def _operate(project: Path, entry: TrashEntry, what: str, name: str, other: str) -> None:
    path, new_path = project / name, project / other
    if what == "move":
        try:
            entry.move_all([(path, name)])
        except Refused:
            return  # behind a link
    elif what == "text":
        try:
            entry.keep_text([path])
            path.write_text(other)
        except (Refused, FileNotFoundError, NotADirectoryError):
            return
    elif os.path.lexists(path) and not os.path.lexists(new_path) and new_path.parent.is_dir():
        if new_path.is_relative_to(path) or project.joinpath(other).parent.is_symlink():
            return
        try:
            entry.renamed(path, new_path)
        except Refused:
            return
        path.rename(new_path)
