from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.functional.arranging import cache_of, configure, edit_in_place, loose_files, use_store
from tests.project import Project, Run

BIG = 100_000


def big(letter: str) -> bytes:
    return letter.encode() * BIG


def findings(run: Run, state: str) -> list[dict[str, object]]:
    return [each for store in run.json["stores"] for each in store["findings"] if each["state"] == state]


def paths(run: Run, state: str) -> list[str]:
    found = [each["paths"] for each in findings(run, state)]
    return sorted({path for each in found for path in each})  # type: ignore[attr-defined]


def flip(file: Path, at: int) -> None:
    """Changes one bit of a file, as a bad disk does, keeping its times."""
    status = file.stat()
    data = bytearray(file.read_bytes())
    data[at] ^= 1
    file.chmod(0o644)
    file.write_bytes(data)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def packs(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.pack"))


@pytest.fixture
def stored(project: Project) -> Project:
    """A project with small and large files, all of it pushed."""
    use_store(project)
    project.save({"data/a": "first small", "data/b": "second small", "data/large": big("x"), "model": big("m")})
    project.dvcx("push").ok()
    return project


def store_of(project: Project) -> Path:
    return project.path.parent / "store"


def empty_workspace(project: Project) -> None:
    shutil.rmtree(project.path / "data")
    (project.path / "model").unlink()


def test_what_is_sound_is_said_to_be(stored: Project) -> None:
    run = stored.dvcx("fsck")
    assert (run.code, run.out) == (0, "")
    assert "the cache is sound: 5 objects" in run.err or "the cache is sound: 6 objects" in run.err
    assert stored.dvcx("fsck", "--remote", "store").code == 0
    both = stored.json("fsck", "--cache", "--remote", "store")
    assert [store["store"] for store in both["stores"]] == ["the cache", 'remote "store"']


def test_one_changed_byte_of_a_large_object_is_found_and_named(stored: Project) -> None:
    for file in loose_files(stored):
        if file.read_bytes() == big("m"):
            flip(file, 50_000)
    run = stored.dvcx("fsck", "--json")
    assert (run.code, paths(run, "damaged")) == (3, ["model"])
    assert "--repair" in run.err


def test_one_changed_byte_anywhere_in_a_pack_is_found(stored: Project) -> None:
    for pack in packs(stored.own_folder / "cache/packs"):
        whole = pack.read_bytes()
        for at in range(0, len(whole), 37):
            flip(pack, at)
            assert stored.dvcx("fsck").code == 3, (pack, at)
            pack.write_bytes(whole)
    assert stored.dvcx("fsck").code == 0


def test_a_small_damaged_file_is_named(stored: Project) -> None:
    (pack,) = [pack for pack in packs(stored.own_folder / "cache/packs") if b"second small" in pack.read_bytes()]
    flip(pack, pack.read_bytes().index(b"second small"))
    run = stored.dvcx("fsck", "--json")
    assert (run.code, paths(run, "damaged")) == (3, ["data/b"])


def test_the_cache_is_mended_from_a_remote(stored: Project) -> None:
    empty_workspace(stored)
    for file in loose_files(stored):
        flip(file, 0)
    for pack in packs(stored.own_folder / "cache/packs"):
        flip(pack, pack.read_bytes().find(b"small") if b"small" in pack.read_bytes() else 60)
    run = stored.dvcx("fsck", "--repair", "--json")
    assert (run.code, findings(run, "lost"), findings(run, "damaged")) == (0, [], [])
    assert set(paths(run, "repaired")) >= {"data/large", "model"}
    assert run.json["stores"][0]["set_aside"]
    assert stored.dvcx("fsck").code == 0
    stored.dvcx("checkout").ok()
    assert stored.files("data") == {"a": b"first small", "b": b"second small", "large": big("x")}
    assert stored.read("model") == big("m")


def test_the_cache_is_mended_from_the_workspace_when_no_remote_has_it(project: Project) -> None:
    project.save({"data/a": "first small", "data/large": big("x")})
    for file in loose_files(project):
        flip(file, 7)
    for pack in packs(project.own_folder / "cache/packs"):
        flip(pack, len(pack.read_bytes()) - 3)
    run = project.dvcx("fsck", "--repair", "--json")
    assert (run.code, findings(run, "lost")) == (0, [])
    assert project.dvcx("fsck").code == 0
    shutil.rmtree(project.path / "data")
    project.dvcx("checkout").ok()
    assert project.files("data") == {"a": b"first small", "large": big("x")}


def test_a_damaged_listing_is_mended_and_then_what_it_names(stored: Project) -> None:
    cache = cache_of(stored)
    (tree,) = [s.digest for s in cache.ids() if s.role.name == "TREE"]
    place = cache.packs.find(tree)
    assert place is not None
    flip(cache.packs.path_of(place.pack), place.record.offset + 15)
    for file in loose_files(stored):
        flip(file, 7)
    empty_workspace(stored)
    run = stored.dvcx("fsck", "--repair", "--json")
    assert (run.code, findings(run, "lost")) == (0, [])
    stored.dvcx("checkout").ok()
    assert stored.read("data/large") == big("x")


def test_what_has_no_good_copy_is_named_and_ends_with_an_error_each_time(project: Project) -> None:
    project.save({"data/large": big("x"), "model": "m"})
    (file,) = loose_files(project)
    flip(file, 7)
    damaged = file.read_bytes()
    (project.path / "data/large").unlink()
    run = project.dvcx("fsck", "--repair", "--json")
    assert (run.code, paths(run, "lost")) == (3, ["data/large"])
    (aside,) = run.json["stores"][0]["set_aside"]
    assert Path(aside).read_bytes() == damaged
    assert project.dvcx("checkout").code == 4  # missing now, and no longer damaged


def test_what_older_commits_need_is_named_as_such(project: Project) -> None:
    project.save({"large": big("x")}, tag="v1")
    project.save({"large": big("y")})
    for file in loose_files(project):
        if file.read_bytes() == big("x"):
            flip(file, 7)
    run = project.dvcx("fsck", "--json")
    assert (run.code, paths(run, "damaged")) == (3, ["large (in older commits)"])


def test_damage_to_what_nothing_needs_is_set_aside_without_an_error(project: Project) -> None:
    project.add({"large": big("x")})
    project.dvcx("undo").ok()
    project.dvcx("undo", "--list").ok()
    (project.path / "large").unlink()
    flip(loose_files(project)[0], 7)
    run = project.dvcx("fsck", "--json")
    assert run.code == 3
    run = project.dvcx("fsck", "--repair", "--json")
    assert (run.code, len(findings(run, "not needed"))) == (0, 1)
    assert project.dvcx("fsck").code == 0


def test_a_cut_off_pack_is_found_and_mended(stored: Project) -> None:
    empty_workspace(stored)
    for pack in packs(stored.own_folder / "cache/packs"):
        pack.chmod(0o644)
        os.truncate(pack, pack.stat().st_size // 2)
    run = stored.dvcx("fsck")
    assert run.code == 3
    stored.dvcx("fsck", "--repair")
    stored.dvcx("pull").ok()
    assert stored.read("data/b") == b"second small"
    assert stored.dvcx("fsck").code == 0


def test_small_things_that_were_in_a_pack_nobody_can_read_are_named(project: Project) -> None:
    project.save({"old": "old small"})
    project.save({"data/a": "first small", "data/b": "second small", "old": "new small"})
    for pack in packs(project.own_folder / "cache/packs"):
        flip(pack, pack.stat().st_size - 3)
    (project.path / "data/b").unlink()
    run = project.dvcx("fsck", "--repair", "--json")
    assert run.code == 3
    assert paths(run, "lost") == ["data", "old (in older commits)"] or paths(run, "lost") == [
        "data/b",
        "old (in older commits)",
    ]


def test_an_edit_through_a_symbolic_link_stays_in_the_workspace(project: Project) -> None:
    use_store(project)
    configure(project, '[cache]\ntype = ["symlink"]\n')
    project.save({"large": big("x")})
    project.dvcx("push").ok()
    edit_in_place(project.path / "large", b"edited")
    assert project.dvcx("fsck").code == 3
    project.dvcx("fsck", "--repair").ok()
    assert project.read("large") == b"edited" + big("x")[6:]
    (output,) = project.json("status")["outputs"]
    assert [change["change"] for change in output["changes"]] == ["modified"]
    project.dvcx("checkout", "--force").ok()
    assert project.read("large") == big("x")
    project.dvcx("undo").ok()
    assert project.read("large").startswith(b"edited")


def test_one_changed_byte_on_a_remote_is_found_named_and_mended_from_the_cache(stored: Project) -> None:
    sound = stored.files()
    for pack in packs(store_of(stored)):
        data = pack.read_bytes()
        flip(pack, data.find(b"second small") if b"second small" in data else len(data) // 2)
    run = stored.dvcx("fsck", "--remote", "store", "--json")
    assert run.code == 3
    assert "data/b" in paths(run, "damaged") or paths(run, "damaged")

    run = stored.dvcx("fsck", "--remote", "store", "--repair", "--json")

    assert (run.code, findings(run, "lost")) == (0, [])
    assert stored.dvcx("fsck", "--remote", "store").code == 0
    clone = stored.clone(stored.path.parent / "clone")
    clone.dvcx("pull").ok()
    assert clone.files("data") == {name.removeprefix("data/"): d for name, d in sound.items() if name[:5] == "data/"}


def test_what_a_remote_has_lost_and_no_cache_has_is_named(stored: Project) -> None:
    for pack in packs(store_of(stored)):
        flip(pack, pack.read_bytes().index(b"second small"))
    clone = stored.clone(stored.path.parent / "clone")
    run = clone.dvcx("fsck", "--remote", "store", "--repair", "--json")
    assert run.code == 3
    assert findings(run, "lost")
    # Where the data is, a push sends it again.
    stored.dvcx("push").ok()
    clone.dvcx("pull").ok()
    assert clone.read("data/b") == b"second small"
    assert stored.dvcx("fsck", "--remote", "store").code == 0


def test_a_damaged_chunk_of_a_large_object_is_named_by_the_file_it_belongs_to(project: Project) -> None:
    use_store(project, 'compression = "none"\n')
    project.save({"huge": os.urandom(3_000_000)})
    project.dvcx("push").ok()
    (pack,) = [pack for pack in packs(store_of(project)) if pack.stat().st_size > 1_000_000]
    flip(pack, 1_500_000)
    run = project.dvcx("fsck", "--remote", "store", "--json")
    assert (run.code, paths(run, "damaged")) == (3, ["huge"])
    project.dvcx("fsck", "--remote", "store", "--repair").ok()
    assert project.dvcx("fsck", "--remote", "store").code == 0


def test_both_sides_mend_each_other(stored: Project) -> None:
    empty_workspace(stored)
    for file in loose_files(stored):
        flip(file, 7)
    for pack in packs(store_of(stored)):
        if b"second small" in pack.read_bytes():
            flip(pack, pack.read_bytes().index(b"second small"))
    run = stored.dvcx("fsck", "--cache", "--remote", "store", "--repair", "--json")
    assert (run.code, findings(run, "lost")) == (0, [])
    assert stored.dvcx("fsck", "--cache", "--remote", "store").code == 0


def test_a_remote_that_cannot_be_reached_is_told_and_the_workspace_still_mends(stored: Project) -> None:
    store_of(stored).rename(stored.path.parent / "unmounted")
    for file in loose_files(stored):
        flip(file, 7)
    run = stored.dvcx("fsck", "--repair", "--json")
    assert (run.code, findings(run, "lost")) == (0, [])
    assert any("store" in note for note in run.json["stores"][0]["notes"])
    assert stored.dvcx("fsck", "--remote", "store").code == 5


def test_checking_changes_nothing(stored: Project) -> None:
    for file in loose_files(stored):
        flip(file, 7)
    before = {path: path.lstat().st_mtime_ns for path in stored.own_folder.rglob("*") if "tmp" not in path.parts}
    stored.dvcx("fsck")
    assert {
        path: path.lstat().st_mtime_ns for path in stored.own_folder.rglob("*") if "tmp" not in path.parts
    } == before


def test_it_works_without_git(plain_project: Project) -> None:
    plain_project.add({"large": big("x")})
    flip(loose_files(plain_project)[0], 7)
    assert paths(plain_project.dvcx("fsck", "--json"), "damaged") == ["large"]
    plain_project.dvcx("fsck", "--repair").ok()
    assert plain_project.dvcx("fsck").code == 0


def test_a_sample_of_a_remote_reads_a_part_of_its_packs(project: Project) -> None:
    store = use_store(project)
    for number in range(10):
        project.save({f"data{number}": f"text {number}"})
        project.dvcx("push").ok()
    for pack in store.rglob("*.pack"):
        pack.write_bytes(pack.read_bytes()[:-1] + b"?")
    assert len(project.dvcx("fsck", "--remote", "store", "--json").json["stores"][0]["findings"]) == 10
    sampled = project.dvcx("fsck", "--remote", "store", "--sample", "20", "--json")
    assert sampled.code == 3 and len(sampled.json["stores"][0]["findings"]) == 2
    next(store.rglob("*.pack")).unlink()
    gone = project.dvcx("fsck", "--remote", "store", "--sample", "10", "--json")
    assert "missing pack" in [each["what"] for each in gone.json["stores"][0]["findings"]]
    assert project.dvcx("fsck", "--sample", "10").code == 2
    assert project.dvcx("fsck", "--remote", "store", "--sample", "0").code == 2


def test_what_the_cache_lacks_is_told_and_is_no_damage(project: Project) -> None:
    project.save({"data/a": "one", "data/b": "two", "model": "m"})
    run = project.dvcx("fsck").ok()
    assert "not in the cache" not in run.err
    shutil.rmtree(project.own_folder / "cache")
    run = project.dvcx("fsck").ok()
    assert "the cache is sound: 0 objects" in run.err
    assert "2 objects of tracked data are not in the cache; `dvcx status` tells" in run.err
    assert project.json("fsck")["stores"][0]["absent"] == 2
    project.dvcx("commit").ok()
    assert project.json("fsck")["stores"][0]["absent"] == 0
