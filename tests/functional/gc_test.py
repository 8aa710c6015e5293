from __future__ import annotations

import json
import os
import shutil
import threading
import time
from pathlib import Path

import pytest

from dvcx.cli.console import Console
from dvcx.operations.gc import GcOptions, collection
from dvcx.repo.open import open_repo
from tests.functional.arranging import cache_of, configure, use_store
from tests.project import Project

BIG = 100_000
DAY = 86_400


def big(letter: str) -> bytes:
    return letter.encode() * BIG


def names(result: dict[str, object]) -> list[str]:
    items = result["items"]
    assert isinstance(items, list)
    return sorted(str(item["name"]) for item in items)


def contents(project: Project) -> set[bytes]:
    """Gives the content of every object in the project's cache."""
    cache = cache_of(project)
    return {data for _, data in cache.read_many({stored.digest for stored in cache.ids()})}


def forget_the_past(project: Project) -> None:
    """Takes away what keeps data needed after a branch is gone: the trash's memory, the record of what was placed."""
    shutil.rmtree(project.own_folder / "trash", ignore_errors=True)
    for name in ("ORIG_HEAD", "FETCH_HEAD"):
        (project.path / ".git" / name).unlink(missing_ok=True)


@pytest.fixture
def with_garbage(project: Project) -> Project:
    """A project whose last commit was thrown away: it had data/b in another version, and the file `large`."""
    project.save({"data/a": "one", "data/b": "two"}, tag="v1")
    project.save({"data/b": "garbage", "large": big("g")})
    project.git("reset", "--quiet", "--hard", "v1")
    project.dvcx("checkout").ok()
    forget_the_past(project)
    return project


def test_what_nothing_needs_is_listed_with_names_and_bytes_and_moves_to_the_trash(with_garbage: Project) -> None:
    project = with_garbage
    looked = project.json("gc", "--dry-run")
    assert (names(looked), looked["done"]) == (["data", "data/b", "large"], False)
    assert looked["size"] == sum(item["size"] for item in looked["items"]) > BIG
    assert big("g") in contents(project)

    run = project.dvcx("gc", "--yes")

    assert run.code == 0
    assert [line.split()[3] for line in run.lines] == ["large", "data", "data/b"]
    assert contents(project).isdisjoint({big("g"), b"garbage"})
    assert {b"one", b"two"} <= contents(project)
    assert project.dvcx("status", "--exit-code").code == 0
    assert project.json("gc", "--yes")["items"] == []


def test_undo_brings_it_back(with_garbage: Project) -> None:
    project = with_garbage
    before = contents(project)
    project.dvcx("gc", "--yes").ok()
    assert contents(project) != before
    shown = {"large", "data/b, data"}
    (entry,) = project.json("undo", "--list")["entries"]
    assert set(entry["names"]) == shown
    undone = project.json("undo")
    assert (undone["operation"], set(undone["restored"])) == ("gc", shown)
    assert contents(project) == before
    (entry,) = project.json("undo", "--list")["entries"]
    assert set(entry["names"]) == shown
    assert set(project.json("undo")["removed"]) == shown
    assert contents(project) != before


def test_without_a_person_and_without_yes_nothing_goes(with_garbage: Project) -> None:
    before = contents(with_garbage)
    run = with_garbage.dvcx("gc")
    assert (run.code, "--yes" in run.err) == (6, True)
    assert contents(with_garbage) == before


@pytest.mark.parametrize(("answer", "goes"), [("y\n", True), ("n\n", False), ("\n", False)])
def test_on_a_terminal_it_asks_after_the_list(
    with_garbage: Project, monkeypatch: pytest.MonkeyPatch, answer: str, goes: bool
) -> None:
    monkeypatch.setattr("dvcx.cli.console.is_terminal", lambda stream: True)
    run = with_garbage.dvcx("gc", stdin=answer)
    assert run.code == 0
    assert run.err.index("large") < run.err.index("[y/N]")
    assert (big("g") not in contents(with_garbage)) is goes


def arrange_branch(project: Project) -> None:
    project.git("switch", "--quiet", "-c", "other")
    project.save({"data/b": "wanted"})
    project.git("switch", "--quiet", "main")


def arrange_tag(project: Project) -> None:
    project.save({"data/b": "wanted"}, tag="v2")
    project.git("reset", "--quiet", "--hard", "v1")


def arrange_annotated_tag_of_a_deleted_branch(project: Project) -> None:
    arrange_branch(project)
    project.git("tag", "-a", "-m", "note", "v2", "other")
    project.git("branch", "-D", "other")


def arrange_remote_branch(project: Project) -> None:
    arrange_branch(project)
    project.git("update-ref", "refs/remotes/origin/other", "other")
    project.git("branch", "-D", "other")


def arrange_note(project: Project) -> None:
    arrange_branch(project)
    project.git("update-ref", "refs/anything/at/all", "other")
    project.git("branch", "-D", "other")


def arrange_older_commit_of_a_branch(project: Project) -> None:
    project.save({"data/b": "wanted"})
    project.save({"data/b": "two"})


def arrange_stash(project: Project) -> None:
    project.add({"data/b": "wanted"})
    project.git("stash", "--quiet")


def arrange_stash_of_an_untracked_pointer(project: Project) -> None:
    project.add({"new": "wanted"})
    project.git("stash", "--quiet", "--include-untracked")


def arrange_older_stash(project: Project) -> None:
    arrange_stash(project)
    project.add({"data/b": "another"})
    project.git("stash", "--quiet")


def arrange_detached_head(project: Project) -> None:
    project.git("switch", "--quiet", "--detach")
    project.save({"data/b": "wanted"})


def arrange_index(project: Project) -> None:
    project.add({"data/b": "wanted"})
    project.git("add", "data.dvcx")
    project.add({"data/b": "two"})


def arrange_working_tree(project: Project) -> None:
    project.add({"data/b": "wanted"})


def arrange_untracked_pointer(project: Project) -> None:
    project.add({"new": "wanted"})
    (project.path / "new").unlink()


def arrange_unfinished_merge(project: Project) -> None:
    arrange_branch(project)
    other = project.git("rev-parse", "other")
    project.save({"data/a": "ours"})
    project.git("merge", "--no-commit", "--no-ff", "-s", "ours", "other")
    project.git("branch", "-D", "other")
    assert (project.path / ".git/MERGE_HEAD").read_text().strip() == other


def arrange_head_of_another_worktree(project: Project) -> None:
    other = Project(project.path.parent / "other")
    project.git("worktree", "add", "--quiet", "--detach", str(other.path))
    other.dvcx("checkout").ok()
    other.save({"data/b": "wanted"})


def arrange_pointer_in_another_worktree(project: Project) -> None:
    other = Project(project.path.parent / "other")
    project.git("worktree", "add", "--quiet", "--detach", str(other.path))
    other.dvcx("checkout").ok()
    other.add({"data/b": "wanted"})


def arrange_index_of_another_worktree(project: Project) -> None:
    other = Project(project.path.parent / "other")
    project.git("worktree", "add", "--quiet", "--detach", str(other.path))
    other.add({"new": "wanted"})
    other.git("add", "new.dvcx")
    (other.path / "new.dvcx").unlink()


def arrange_committed_conflict(project: Project) -> None:
    project.add({"data/b": "wanted"})
    theirs = project.read("data.dvcx").decode()
    project.git("checkout", "--quiet", "--", "data.dvcx")
    ours = project.read("data.dvcx").decode()
    project.commit({"data.dvcx": f"<<<<<<< ours\n{ours}=======\n{theirs}>>>>>>> theirs\n"})
    project.commit({"data.dvcx": ours})


def arrange_subproject(project: Project) -> None:
    (project.path / "sub").mkdir()
    project.dvcx("init", "--subdir", cwd="sub").ok()
    project.write("sub/new", "wanted")
    project.dvcx("add", "new", cwd="sub").ok()


ROOTS = [value for name, value in sorted(globals().items()) if name.startswith("arrange_")]


@pytest.mark.parametrize("arrange", ROOTS, ids=lambda arrange: arrange.__name__.removeprefix("arrange_"))
def test_the_data_of_every_root_stays(project: Project, arrange: object) -> None:
    project.save({"data/a": "one", "data/b": "two"}, tag="v1")
    assert callable(arrange)
    arrange(project)
    forget_the_past(project)
    for placed in project.own_folder.parent.rglob("placed.json"):
        placed.unlink()
    assert b"wanted" in contents(project)
    project.dvcx("gc", "--yes").ok()
    assert {b"wanted", b"one", b"two"} <= contents(project)


def test_run_in_a_linked_worktree_it_asks_the_main_one(with_garbage: Project) -> None:
    with_garbage.add({"new": "wanted"})
    other = Project(with_garbage.path.parent / "other")
    with_garbage.git("worktree", "add", "--quiet", "--detach", str(other.path))
    assert names(other.json("gc", "--yes")) == ["data", "data/b", "large"]
    assert b"wanted" in contents(with_garbage)


def test_a_main_working_tree_that_cannot_be_found_stops_it(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    project.path.mkdir()
    project.git("init", "--quiet", "--separate-git-dir", str(tmp_path / "elsewhere"))
    project.dvcx("init").ok()
    project.save({"model": "m"})
    project.add({"new": "wanted"})
    other = Project(tmp_path / "other")
    project.git("worktree", "add", "--quiet", "--detach", str(other.path))
    run = other.dvcx("gc", "--yes")
    assert (run.code, "working tree" in run.err) == (6, True)
    project.dvcx("gc", "--yes").ok()
    assert b"wanted" in contents_at(tmp_path / "elsewhere/dvcx/cache", project)


def contents_at(folder: Path, project: Project) -> set[bytes]:
    cache = cache_of(project)
    assert cache.root == folder
    return {data for _, data in cache.read_many({stored.digest for stored in cache.ids()})}


def test_the_data_of_a_pointer_that_undo_can_bring_back_stays(project: Project) -> None:
    project.save({"model": "m"})
    project.add({"data/a": "wanted"})
    project.dvcx("remove", "data").ok()
    (project.path / "data/a").unlink()
    project.dvcx("gc", "--yes").ok()
    project.dvcx("undo").ok()
    project.dvcx("checkout").ok()
    assert project.read("data/a") == b"wanted"


def test_old_trash_entries_go_for_good_and_what_they_alone_remembered_goes_to_the_trash(project: Project) -> None:
    project.save({"model": "m"})
    project.add({"data/a": "remembered"})
    project.dvcx("remove", "data").ok()
    (project.path / "data/a").unlink()
    _age_trash(project, 31)
    looked = project.json("gc", "--dry-run")
    assert (len(looked["expired"]), names(looked)) == (3, [".../a", "None"])
    assert b"remembered" in contents(project)
    run = project.dvcx("gc", "--yes")
    assert "3 trash entries of more than 30 days" in run.err
    assert b"remembered" not in contents(project)
    assert [entry["operation"] for entry in project.json("undo", "--list")["entries"]] == ["gc"]
    _age_trash(project, 31)
    project.dvcx("gc", "--yes").ok()
    assert project.json("undo", "--list")["entries"] == []


def _age_trash(project: Project, days: int) -> None:
    for journal in project.own_folder.glob("trash/*/journal.jsonl"):
        first, rest = journal.read_text().split("\n", 1)
        header = json.loads(first)
        header["when"] -= days * DAY
        journal.write_text(f"{json.dumps(header)}\n{rest}")


def test_young_objects_stay_with_older_than(with_garbage: Project) -> None:
    result = with_garbage.json("gc", "--yes", "--older-than", "1h")
    assert (result["items"], result["young"]) == ([], 3)
    for folder in ("packs", "loose"):
        for file in (with_garbage.own_folder / "cache" / folder).rglob("*"):
            os.utime(file, (1, 1))
    assert len(with_garbage.json("gc", "--yes", "--older-than", "1h")["items"]) == 3


@pytest.mark.parametrize("age", ["7", "x", "3y", "-1d", ""])
def test_an_age_that_means_nothing_is_an_error(project: Project, age: str) -> None:
    assert project.dvcx("gc", "--older-than", age).code == 2


def test_a_pointer_that_cannot_be_read_stops_it(with_garbage: Project) -> None:
    project = with_garbage
    before = contents(project)
    project.write("data.dvcx", "<<<<<<< ours\n")
    run = project.dvcx("gc", "--yes")
    assert (run.code, "data.dvcx" in run.err) == (3, True)
    other = Project(project.path.parent / "other")
    project.git("checkout", "--quiet", "--", "data.dvcx")
    project.git("worktree", "add", "--quiet", str(other.path))
    other.write("data.dvcx", "nonsense")
    assert project.dvcx("gc", "--yes").code == 3
    assert contents(project) == before


def test_a_worktree_that_is_not_there_stops_it_until_git_forgets_it(with_garbage: Project) -> None:
    project = with_garbage
    before = contents(project)
    other = project.path.parent / "other"
    project.git("worktree", "add", "--quiet", str(other))
    other.rename(other.with_name("unmounted"))
    run = project.dvcx("gc", "--yes")
    assert (run.code, "git worktree prune" in run.err) == (6, True)
    assert contents(project) == before
    project.git("worktree", "prune")
    assert len(project.json("gc", "--yes")["items"]) == 3


def test_a_ref_that_cannot_be_read_stops_it(with_garbage: Project) -> None:
    before = contents(with_garbage)
    with_garbage.write(".git/refs/heads/broken", "not an id\n")
    assert with_garbage.dvcx("gc", "--yes").code == 6
    assert contents(with_garbage) == before


def test_a_listing_that_only_a_remote_has_is_read_from_there(project: Project) -> None:
    use_store(project)
    project.save({"data/a": "one", "data/b": "shared"}, tag="v1")
    project.dvcx("push").ok()
    clone = project.clone(project.path.parent / "clone")
    clone.save({"data2/b": "shared", "data2/c": "garbage"})
    clone.git("reset", "--quiet", "--hard", "HEAD~1")
    forget_the_past(clone)
    for placed in clone.own_folder.rglob("placed.json"):
        placed.unlink()
    gone = clone.json("gc", "--yes")
    assert {name.rpartition("/")[2] for name in names(gone)} == {"data2", "c"}
    assert b"shared" in contents(clone)


def _break_remote(project: Project) -> None:
    config = project.path / ".dvcx/config.toml"
    config.write_text(f'{config.read_text()}\n[remote.broken]\nurl = "nosuchstore://x/y"\n', "utf-8")


def test_a_remote_that_cannot_be_opened_is_in_the_way_only_when_it_has_to_be_asked(project: Project) -> None:
    project.save({"data/a": "one", "data/b": "shared"}, tag="v1")
    _break_remote(project)
    project.commit()
    project.save({"model": big("g")})
    project.git("reset", "--quiet", "--hard", "HEAD~1")
    forget_the_past(project)
    clone = project.clone(project.path.parent / "clone")
    assert names(project.json("gc", "--yes")) == ["model"]
    clone.save({"more": "garbage"})
    clone.git("reset", "--quiet", "--hard", "HEAD~1")
    forget_the_past(clone)
    run = clone.dvcx("gc", "--yes")
    assert run.code == 6 and b"garbage" in contents(clone)
    for said in ("they need: data; ", "remote broken: ", "nosuchstore", "dvcx remote remove", "--allow-missing"):
        assert said in run.err
    clone.dvcx("gc", "--yes", "--allow-missing").ok()
    assert b"garbage" not in contents(clone)


def test_a_listing_that_is_nowhere_stops_it_and_is_named(with_garbage: Project) -> None:
    project = with_garbage
    cache = cache_of(project)
    (pointer,) = [line for line in project.read("data.dvcx").decode().splitlines() if line.startswith("id: ")]
    cache.delete([bytes.fromhex(pointer.split(":")[2])])
    before = contents(project)
    run = project.dvcx("gc", "--yes")
    assert (run.code, "data" in run.err, "--allow-missing" in run.err) == (6, True, True)
    assert contents(project) == before
    result = project.json("gc", "--yes", "--allow-missing")
    assert result["unread"] == ["data"]
    assert big("g") not in contents(project)


def test_a_clone_without_the_whole_history_is_told_what_that_means(project: Project) -> None:
    project.save({"model": "m"})
    clone = project.clone(project.path.parent / "clone", "--depth", "1")
    run = clone.dvcx("gc", "--yes")
    assert (run.code, "whole history" in run.err) == (0, True)


def test_a_partial_clone_whose_pointers_are_elsewhere_does_not_guess(project: Project) -> None:
    project.git("config", "uploadpack.allowFilter", "true")
    project.save({"model": "one"})
    project.save({"model": "two"})
    clone = project.clone(project.path.parent / "clone", "--filter=blob:none")
    clone.add({"new": "wanted"})
    run = clone.dvcx("gc", "--yes")
    assert (run.code, "--refetch" in run.err) == (6, True)
    assert b"wanted" in contents(clone)


def test_a_listing_that_is_nowhere_does_no_harm_when_nothing_would_go(project: Project) -> None:
    use_store(project)
    project.save({"data/a": "one"}, tag="v1")
    clone = project.clone(project.path.parent / "clone")
    clone.save({"new": "n"})
    done = clone.json("gc", "--yes")
    assert (done["items"], done["unread"]) == ([], []), "nobody was asked for it, so nobody lacks it"


def test_a_damaged_listing_stops_it(with_garbage: Project) -> None:
    project = with_garbage
    for pack in (project.own_folder / "cache/packs").rglob("*.pack"):
        data = bytearray(pack.read_bytes())
        at = data.find(b"dvcx-tree")
        if at > 0:
            data[at + 12] ^= 1
            pack.chmod(0o644)
            pack.write_bytes(data)
    assert project.dvcx("gc", "--yes").code == 3
    assert big("g") in contents_of_loose(project)


def contents_of_loose(project: Project) -> set[bytes]:
    return {file.read_bytes() for file in (project.own_folder / "cache/loose").rglob("*") if file.is_file()}


def test_a_file_that_is_a_symbolic_link_into_the_cache_keeps_its_content(project: Project) -> None:
    configure(project, '[cache]\ntype = ["symlink"]\n')
    project.save({"large": big("a")})
    (project.path / "large").unlink()
    project.add({"large": big("b")})
    project.git("checkout", "--quiet", "--", "large.dvcx")
    forget_the_past(project)
    assert os.path.islink(project.path / "large")
    project.dvcx("gc", "--yes").ok()
    assert project.read("large") == big("b")


def test_a_symbolic_link_in_the_trash_keeps_its_content(project: Project) -> None:
    configure(project, '[cache]\ntype = ["symlink"]\n')
    project.save({"large": big("a"), "other": "o"})
    (project.path / "large").unlink()
    project.add({"large": big("b")})
    project.git("checkout", "--quiet", "--", "large.dvcx")
    forget_the_past(project)
    project.dvcx("move", "--force", "other", "large").ok()
    project.dvcx("gc", "--yes").ok()
    project.dvcx("undo").ok()
    assert project.read("large") == big("b")


def test_the_record_of_what_was_put_here_stays_readable(project: Project) -> None:
    project.save({"data/a": "one", "data/b": "two"})
    project.commit({"other": "x"}, message="other")
    project.dvcx("checkout").ok()
    shutil.rmtree(project.path / "data")
    project.dvcx("checkout", "data/a").ok()
    assert project.dvcx("status", "--exit-code").code == 0
    forget_the_past(project)
    project.dvcx("gc", "--yes").ok()
    assert project.dvcx("status", "--exit-code").code == 0  # data/b is left out, not deleted


def test_the_objects_of_an_add_that_is_at_work_are_not_taken(with_garbage: Project) -> None:
    project = with_garbage
    cache = cache_of(project)
    done: list[int] = []
    with cache.lock.shared():
        collect = threading.Thread(target=lambda: done.append(project.spawn("gc", "--yes").code))
        collect.start()
        collect.join(3)
        assert done == []
        # Meanwhile someone tracks what looked like garbage.
        project.git("reset", "--quiet", "--hard", "HEAD@{1}")
    collect.join(60)
    assert done == [0]
    assert {big("g"), b"garbage"} <= contents(project)


def test_only_what_was_listed_goes_even_if_more_became_garbage(
    with_garbage: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = with_garbage
    project.save({"more": "m"}, tag="v2")

    def confirm(console: Console, text: str, hint: str) -> bool:
        project.git("reset", "--quiet", "--hard", "v1")
        project.git("tag", "-d", "v2")
        forget_the_past(project)
        return True

    monkeypatch.setattr(Console, "confirm", confirm)
    project.dvcx("gc").ok()
    assert b"m" in contents(project)
    assert big("g") not in contents(project)


def test_it_works_without_git(plain_project: Project) -> None:
    plain_project.add({"data/a": "one", "large": big("g")})
    plain_project.add({"large": big("h")})
    shutil.rmtree(plain_project.own_folder / "trash")
    assert [item["size"] for item in plain_project.json("gc", "--yes")["items"]] == [BIG]
    assert contents(plain_project) >= {b"one", big("h")}


# A cache that several projects share.


@pytest.fixture
def sharing(tmp_path: Path) -> tuple[Project, Project]:
    """Two projects with one cache; the second has data that the first has not."""
    projects = []
    for name in ("one", "two"):
        project = Project.make(tmp_path / name)
        configure(project, f'[cache]\ndir = "{tmp_path}/shared"\n')
        project.save({"data/a": f"of {name}", "data/b": "of both"})
        projects.append(project)
    return projects[0], projects[1]


def test_what_another_project_needs_stays_in_a_shared_cache(sharing: tuple[Project, Project]) -> None:
    one, two = sharing
    two.add({"new": "not committed"})
    shutil.rmtree(two.own_folder / "trash", ignore_errors=True)
    one.save({"large": big("g")})
    one.git("reset", "--quiet", "--hard", "HEAD~1")
    forget_the_past(one)
    assert names(one.json("gc", "--yes")) == ["large"]
    assert {b"of one", b"of two", b"of both", b"not committed"} <= contents(one)


def test_a_project_that_only_checked_out_is_known_to_the_cache(sharing: tuple[Project, Project]) -> None:
    one, two = sharing
    third = one.clone(one.path.parent / "third")
    third.dvcx("checkout").ok()
    roots = [user["root"] for user in one.json("cache", "users")["users"]]
    assert sorted(roots) == sorted(str(project.path) for project in (one, two, third))


def test_looking_leaves_no_note_in_the_cache(sharing: tuple[Project, Project]) -> None:
    one, _ = sharing
    third = one.clone(one.path.parent / "third")
    third.dvcx("status")
    third.dvcx("cache", "users").ok()
    assert str(third.path) not in [user["root"] for user in one.json("cache", "users")["users"]]


def test_a_project_that_cannot_be_read_stops_it_until_it_is_forgotten(sharing: tuple[Project, Project]) -> None:
    one, two = sharing
    one.save({"large": big("g")})
    one.git("reset", "--quiet", "--hard", "HEAD~1")
    forget_the_past(one)
    before = contents(one)
    away = two.path.with_name("unmounted")
    two.path.rename(away)
    run = one.dvcx("gc", "--yes")
    assert (run.code, f"dvcx cache forget {two.path}" in run.err) == (6, True)
    assert contents(one) == before

    away.rename(two.path)
    one.dvcx("gc", "--yes").ok()
    assert b"of two" in contents(one)

    two.path.rename(away)
    assert one.json("cache", "forget", str(two.path))["root"] == str(two.path)
    one.dvcx("gc", "--yes").ok()
    assert b"of two" not in contents(one)


def test_a_note_that_cannot_be_read_stops_it(sharing: tuple[Project, Project]) -> None:
    one, _ = sharing
    for note in (one.path.parent / "shared/users").glob("*.json"):
        note.write_text("{")
    assert one.dvcx("gc", "--yes").code == 6


def test_forgetting_oneself_or_a_stranger_is_an_error(sharing: tuple[Project, Project]) -> None:
    one, two = sharing
    assert one.dvcx("cache", "forget", str(one.path)).code == 2
    run = one.dvcx("cache", "forget", "/no/such")
    assert (run.code, str(two.path) in run.err) == (2, True)


def test_a_cache_inside_another_project_is_asked_about_by_its_owner_too(tmp_path: Path) -> None:
    owner, guest = Project.make(tmp_path / "owner"), Project.make(tmp_path / "guest")
    owner.save({"data/a": "of the owner"})
    configure(guest, f'[cache]\ndir = "{owner.path}/.git/dvcx/cache"\n')
    guest.save({"data/a": "of the guest"})
    guest.dvcx("gc", "--yes").ok()
    owner.dvcx("gc", "--yes").ok()
    assert {b"of the owner", b"of the guest"} <= contents(owner)


def test_a_project_can_be_moved_with_its_own_cache(with_garbage: Project) -> None:
    moved = with_garbage.path.with_name("elsewhere")
    with_garbage.path.rename(moved)
    assert len(Project(moved).json("gc", "--yes")["items"]) == 3


def test_the_garbage_of_a_shared_cache_on_another_disk_comes_back(with_garbage: Project) -> None:
    project = with_garbage
    other_disk = Path("/dev/shm")
    if not other_disk.is_dir() or other_disk.stat().st_dev == project.path.stat().st_dev:
        pytest.skip("there is no second file system here")
    shared = other_disk / f"dvcx-test-{os.getpid()}"
    try:
        shutil.copytree(project.own_folder / "cache", shared)
        configure(project, f'[cache]\ndir = "{shared}"\n')
        before = contents(project)
        assert len(project.json("gc", "--yes")["items"]) == 3
        project.dvcx("undo").ok()
        assert contents(project) == before
    finally:
        shutil.rmtree(shared, ignore_errors=True)


# On a remote.


@pytest.fixture
def pushed(project: Project) -> Project:
    """A project whose remote has the data of a commit that was thrown away."""
    use_store(project, "grace_days = 2\n")
    project.save({"data/a": "one"}, tag="v1")
    project.dvcx("push").ok()
    project.save({"data/a": "garbage", "large": big("g")})
    project.dvcx("push").ok()
    project.git("reset", "--quiet", "--hard", "v1")
    project.dvcx("checkout").ok()
    forget_the_past(project)
    return project


def _age_remote(project: Project, days: float) -> None:
    for file in (project.path.parent / "store").rglob("*"):
        status = file.stat()
        os.utime(file, (status.st_atime - days * DAY, status.st_mtime - days * DAY))


def test_on_a_remote_what_is_young_stays_then_is_marked_then_goes(pushed: Project) -> None:
    packs = sorted((pushed.path.parent / "store").rglob("*.pack"))
    young = pushed.json("gc", "--yes", "--remote", "store")
    assert (young["marked"], young["deleted"], young["grace_days"]) == (0, 0, 2)
    assert young["young"] > 0
    _age_remote(pushed, 3)
    looked = pushed.json("gc", "--dry-run", "--remote", "store")
    assert "large" in names(looked)
    marked = pushed.json("gc", "--yes", "--remote", "store")
    assert (marked["marked"], marked["deleted"]) == (1, 0)
    assert sorted((pushed.path.parent / "store").rglob("*.pack")) == packs
    clone = pushed.clone(pushed.path.parent / "clone")
    clone.dvcx("pull").ok()
    assert clone.files("data") == {"a": b"one"}


def test_undo_takes_the_marks_on_a_remote_back_until_the_packs_are_deleted(pushed: Project) -> None:
    _age_remote(pushed, 3)
    marked = pushed.dvcx("gc", "--yes", "--remote", "store").ok()
    assert "dvcx undo" in marked.err
    assert pushed.json("gc", "--dry-run", "--remote", "store")["marked"] == 0
    (entry,) = pushed.json("undo", "--list")["entries"]
    assert "large" in entry["names"][0] and entry["names"][0].endswith(" on store")
    undone = pushed.json("undo")
    assert (undone["operation"], undone["restored"], undone["undo_id"]) == ("gc", entry["names"], None)
    assert pushed.json("gc", "--yes", "--remote", "store")["marked"] == 1
    later = GcOptions("store", now=time.time() + 3 * DAY)
    assert collection(open_repo(pushed.path, {}), later).apply().deleted == 1
    run = pushed.dvcx("undo")
    assert run.code == 4
    assert "cannot be undone: its packs were deleted or its marks changed" in run.err


def test_marks_are_taken_back_only_where_the_remote_is_known(pushed: Project) -> None:
    _age_remote(pushed, 3)
    pushed.dvcx("gc", "--yes", "--remote", "store").ok()
    pushed.dvcx("remote", "rename", "store", "other").ok()
    run = pushed.dvcx("undo")
    assert (run.code, "no remote called store" in run.err) == (4, True)
    pushed.dvcx("remote", "rename", "other", "store").ok()
    pushed.dvcx("undo").ok()


def test_the_grace_period_can_be_made_longer_but_not_shorter(pushed: Project) -> None:
    run = pushed.dvcx("gc", "--yes", "--remote", "store", "--older-than", "1d")
    assert (run.code, "grace_days" in run.err) == (2, True)
    _age_remote(pushed, 3)
    assert pushed.json("gc", "--yes", "--remote", "store", "--older-than", "5d")["marked"] == 0


def test_on_a_remote_every_root_counts_too(pushed: Project) -> None:
    pushed.git("tag", "v2", "HEAD@{1}")
    _age_remote(pushed, 3)
    assert pushed.json("gc", "--yes", "--remote", "store")["marked"] == 0


def test_a_clone_without_the_whole_history_does_not_collect_on_a_remote(pushed: Project) -> None:
    pushed.commit(message="another")
    clone = pushed.clone(pushed.path.parent / "clone", "--depth", "1")
    _age_remote(pushed, 3)
    run = clone.dvcx("gc", "--yes", "--remote", "store")
    assert (run.code, "unshallow" in run.err) == (6, True)
