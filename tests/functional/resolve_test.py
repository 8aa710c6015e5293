from __future__ import annotations

from pathlib import Path

import pytest

from dvcx.formats.conflict_text import parse_conflict
from tests.functional.arranging import use_store
from tests.project import Project


def branches(
    project: Project, base: dict[str, str], ours: dict[str, str | None], theirs: dict[str, str | None]
) -> None:
    """Commits `base` on main, `theirs` on the branch other and `ours` on main, in which None deletes a file."""
    project.save(base)
    for branch, changes in (("other", theirs), ("main", ours)):
        project.git("checkout", "--quiet", *(["-b"] if branch == "other" else []), branch)
        project.dvcx("checkout").ok()
        for name, text in changes.items():
            if text is None:
                (project.path / name).unlink()
            else:
                project.write(name, text)
        tops = {name.split("/")[0] for name in changes}
        project.dvcx("add", *sorted(top for top in tops if (project.path / top).exists())).ok()
        project.commit(message=branch)


def merge(project: Project, *options: str) -> str:
    """Merges the branch other and gives what Git says, a conflict or not."""
    return project.git("merge", *options, "other", "-m", "merged", check=False)


def conflict(project: Project) -> None:
    branches(
        project,
        {"data/a.csv": "1", "data/b.csv": "1", "data/c.csv": "1"},
        {"data/a.csv": "ours", "data/b.csv": "ours", "data/mine": "m"},
        {"data/a.csv": "theirs", "data/b.csv": None, "data/other": "o"},
    )
    assert "CONFLICT" in merge(project)


def test_two_branches_that_add_files_to_one_folder_merge_cleanly(project: Project) -> None:
    branches(project, {"data/in/a": "1"}, {"data/in/b": "2"}, {"data/in/c": "3", "data/a": "4"})
    assert "CONFLICT" not in merge(project)
    assert project.git("status", "--porcelain") == ""
    project.dvcx("checkout").ok()
    assert project.files("data") == {"in/a": b"1", "in/b": b"2", "in/c": b"3", "a": b"4"}


def test_two_branches_that_track_different_data_merge_cleanly(project: Project) -> None:
    branches(project, {"data/a": "1"}, {"mine": "2"}, {"other": "3"})
    assert "CONFLICT" not in merge(project)
    project.dvcx("checkout").ok()
    assert (project.read("mine"), project.read("other")) == (b"2", b"3")
    assert set(project.read(".gitignore").decode().split()) == {"/data", "/mine", "/other"}


def test_a_rebase_and_a_cherry_pick_merge_as_well(project: Project) -> None:
    branches(project, {"data/a": "1"}, {"data/b": "2"}, {"data/c": "3"})
    project.git("checkout", "--quiet", "other")
    project.git("rebase", "--quiet", "main")
    project.dvcx("checkout").ok()
    assert sorted(project.files("data")) == ["a", "b", "c"]


def test_a_conflict_lists_the_files_and_either_half_is_whole(project: Project) -> None:
    conflict(project)
    text = project.read("data.dvcx").decode()
    assert "#     data/a.csv  (ours 4 B, theirs 6 B)\n#     data/b.csv  (ours 4 B, theirs deleted)\n" in text
    halves = parse_conflict(text)
    assert halves is not None and halves.is_merged
    for half, files in ((halves.ours, "files: 5"), (halves.theirs, "files: 4")):
        assert files in half
    run = project.dvcx("status")
    assert "conflict markers" in run.out and "dvcx resolve" in run.err


@pytest.mark.parametrize(
    ("choice", "files"),
    [
        ("--ours", {"a.csv": b"ours", "b.csv": b"ours"}),
        ("--theirs", {"a.csv": b"theirs"}),
        ("--both", {"a.csv": b"ours", "a.theirs.csv": b"theirs", "b.csv": b"ours"}),
    ],
)
def test_resolving_takes_a_side_and_keeps_what_is_not_in_conflict(
    project: Project, choice: str, files: dict[str, bytes]
) -> None:
    conflict(project)
    run = project.dvcx("resolve", choice, "data").ok()
    assert "git add data.dvcx" in run.err
    assert project.files("data") == files | {"c.csv": b"1", "mine": b"m", "other": b"o"}
    project.git("add", "data.dvcx")
    project.git("commit", "--quiet", "-m", "merged")
    assert project.json("status")["outputs"][0]["state"] == "clean"


def test_single_files_are_decided_one_after_the_other(project: Project) -> None:
    conflict(project)
    run = project.dvcx("resolve", "--theirs", "data/a.csv")
    assert run.code == 4 and "data/b.csv" in run.err and "data/a.csv" not in run.err
    project.dvcx("resolve", "--ours", "data/b.csv").ok()
    assert (project.read("data/a.csv"), project.read("data/b.csv")) == (b"theirs", b"ours")


def test_a_decision_can_be_taken_back(project: Project) -> None:
    conflict(project)
    before = project.read("data.dvcx")
    project.dvcx("resolve", "--ours").ok()
    project.dvcx("undo").ok()
    assert project.read("data.dvcx") == before


def test_a_tracked_file_is_decided_as_a_whole_and_both_are_tracked(project: Project) -> None:
    branches(project, {"m.bin": "1"}, {"m.bin": "ours"}, {"m.bin": "theirs"})
    assert "CONFLICT" in merge(project)
    run = project.dvcx("resolve", "--both").ok()
    assert (project.read("m.bin"), project.read("m.theirs.bin")) == (b"ours", b"theirs")
    assert "m.theirs.bin.dvcx" in run.err and "/m.theirs.bin" in project.read(".gitignore").decode()
    project.commit(message="merged")
    assert project.dvcx("status", "--exit-code").code == 0


def test_without_the_driver_git_merges_lines_and_resolve_merges_again(project: Project) -> None:
    branches(project, {"data/a": "1"}, {"data/b": "2"}, {"data/c": "3"})
    project.git("config", "--remove-section", "merge.dvcx")
    assert "CONFLICT" in merge(project)
    project.dvcx("resolve").ok()
    assert sorted(project.files("data")) == ["a", "b", "c"]


def test_deleted_on_one_side_and_changed_on_the_other(project: Project) -> None:
    project.save({"data/a": "1", "k": "k"})
    project.git("checkout", "--quiet", "-b", "other")
    project.dvcx("remove", "data").ok()
    project.commit(message="removed")
    project.git("checkout", "--quiet", "main")
    project.dvcx("checkout").ok()
    project.write("data/b", "2")
    project.dvcx("add", "data").ok()
    project.commit(message="more")
    assert "CONFLICT" in merge(project)
    run = project.dvcx("resolve")
    assert run.code == 4 and "data" in run.err
    run = project.dvcx("resolve", "--theirs", "data").ok()
    assert "removed" in run.out and "(the data stays)" in run.out
    assert not (project.path / "data.dvcx").exists()


def removed_there_and_changed_here(project: Project) -> None:
    """Merges a branch that removed the file `k`, which has changed since."""
    project.save({"k": "k"})
    project.git("checkout", "--quiet", "-b", "other")
    project.dvcx("remove", "k").ok()
    project.commit(message="removed")
    project.git("checkout", "--quiet", "main")
    project.write("k", "2")
    project.dvcx("add", "k").ok()
    project.commit(message="more")
    assert "CONFLICT" in merge(project)


def test_the_next_step_of_a_removal_names_only_what_git_can_take(project: Project) -> None:
    removed_there_and_changed_here(project)
    # Git has taken .gitignore away itself, so that it is neither on disk nor in the index.
    run = project.dvcx("resolve", "--theirs").ok()
    assert "next: git add -A -- k.dvcx, then git commit (or git rebase --continue)" in run.err
    project.git("add", "-A", "--", "k.dvcx")
    assert "UD" not in project.git("status", "--porcelain")


def test_status_tells_of_a_pointer_that_one_side_deleted_until_git_add(project: Project) -> None:
    removed_there_and_changed_here(project)
    run = project.dvcx("status").ok()
    assert "k.dvcx: one side of a merge deleted k, the other changed it" in run.out
    assert "dvcx resolve --ours k" in run.err and "clean" not in run.err
    project.dvcx("resolve", "--ours").ok()
    project.git("add", ".gitignore", "k.dvcx")
    assert "clean" in project.dvcx("status").ok().err


def test_the_next_step_holds_in_the_folder_where_one_is(project: Project) -> None:
    conflict(project)
    (project.path / "src").mkdir()
    run = project.dvcx("resolve", "--ours", cwd="src").ok()
    assert "next: git add ../data.dvcx, then git commit" in run.err


def test_changes_that_nobody_saved_stay_and_the_hint_is_about_them(project: Project) -> None:
    conflict(project)
    project.write("data/c.csv", "mine alone")
    run = project.dvcx("resolve", "--ours", "data").ok()
    assert project.read("data/c.csv") == b"mine alone"
    assert "changes that nobody saved" in run.err and "dvcx checkout --force data" in run.err
    assert "dvcx pull" not in run.err


def test_listings_that_only_a_remote_has_are_fetched_for_a_merge(project: Project, tmp_path: Path) -> None:
    use_store(project)
    branches(project, {"data/in/a": "1"}, {"data/in/b": "2"}, {"data/in/c": "3"})
    project.dvcx("push", "--all-commits").ok()
    clone = project.clone(tmp_path / "clone")
    clone.dvcx("pull", "data").ok()  # sets the driver up, too
    clone.git("merge", "origin/other", "-m", "merged")
    clone.dvcx("pull").ok()
    assert sorted(clone.files("data/in")) == ["a", "b", "c"]


def test_a_merge_that_lacks_listings_says_so_and_can_be_made_up_for(project: Project, tmp_path: Path) -> None:
    store = use_store(project)
    branches(project, {"data/in/a": "1"}, {"data/in/b": "2"}, {"data/in/c": "3"})
    project.dvcx("push", "--all-commits").ok()
    clone = project.clone(tmp_path / "clone")
    clone.dvcx("pull", "data").ok()
    store.rename(tmp_path / "away")
    assert "CONFLICT" in clone.git("merge", "origin/other", check=False)
    text = clone.read("data.dvcx").decode()
    assert text.startswith("# dvcx: the two versions of this data were not merged: ") and "<<<<<<< ours" in text
    (tmp_path / "away").rename(store)
    clone.dvcx("fetch", "--all-commits").ok()
    clone.dvcx("resolve").ok()
    assert sorted(clone.files("data/in")) == ["a", "b", "c"]


def test_what_is_not_in_conflict_is_told(project: Project) -> None:
    project.save({"data/a": "1"})
    run = project.dvcx("resolve", "--ours", "data")
    assert (run.code, "no pointer is in conflict" in run.err) == (2, True)
    assert project.dvcx("resolve", "--ours", "--theirs").code == 2


def test_paths_that_are_not_in_conflict_name_those_that_are(project: Project) -> None:
    conflict(project)
    run = project.dvcx("resolve", "--ours", "data/mine")
    assert run.code == 2 and "data/a.csv" in run.err
    run = project.dvcx("resolve", "--ours", "nothing")
    assert run.code == 2 and "these are: data" in run.err


def test_markers_that_were_staged_too_early_are_decided_from_the_file(project: Project) -> None:
    conflict(project)
    project.git("add", "data.dvcx")
    project.dvcx("resolve", "--ours").ok()
    assert project.read("data/a.csv") == b"ours"


def test_text_that_is_no_pointer_merges_by_lines(project: Project) -> None:
    lines = [f"line {number}\n" for number in range(20)]
    project.commit({"odd.dvcx": "".join(lines)})
    project.git("checkout", "--quiet", "-b", "other")
    project.commit({"odd.dvcx": "".join(["first\n", *lines])})
    project.git("checkout", "--quiet", "main")
    project.commit({"odd.dvcx": "".join([*lines, "last\n"])})
    assert "CONFLICT" not in merge(project)
    assert project.read("odd.dvcx").decode() == "".join(["first\n", *lines, "last\n"])


def test_a_project_in_a_folder_merges_its_own_pointers(tmp_path: Path) -> None:
    outer = Project.create(tmp_path / "outer")
    (outer.path / "sub").mkdir()
    outer.dvcx("init", "--subdir", cwd="sub").ok()
    outer.commit(message="start")
    sub = Project(outer.path / "sub")
    branches(sub, {"data/a": "1"}, {"data/b": "2"}, {"data/c": "3"})
    assert "CONFLICT" not in merge(sub)
    sub.dvcx("checkout").ok()
    assert sorted(sub.files("data")) == ["a", "b", "c"]


def test_a_link_in_a_branch_does_not_lead_the_driver_into_another_project(project: Project, tmp_path: Path) -> None:
    other = Project.make(tmp_path / "elsewhere")
    before = {str(path) for path in other.path.rglob("*")}
    project.save({"data/a": "1"})
    (project.path / "way").symlink_to(other.path)
    project.commit(message="a link")
    run = project.spawn("__git", "merge", *["data.dvcx"] * 3, "7", "way/data.dvcx")
    assert run.code == 0
    assert {str(path) for path in other.path.rglob("*")} == before


def locks(project: Project, base: dict[str, str], ours: dict[str, str], theirs: dict[str, str]) -> str:
    """Commits lock files on two branches, merges them and gives what Git says."""

    def text(stages: dict[str, str]) -> str:
        return "dvcx: 1\nstages:\n" + "".join(f'  {name}:\n    cmd: "{cmd}"\n' for name, cmd in stages.items())

    project.commit({"dvcx.lock": text(base)})
    project.git("checkout", "--quiet", "-b", "other")
    project.commit({"dvcx.lock": text(theirs)})
    project.git("checkout", "--quiet", "main")
    project.commit({"dvcx.lock": text(ours)})
    return merge(project)


def test_stages_that_both_branches_ran_for_the_first_time_merge(project: Project) -> None:
    assert "CONFLICT" not in locks(project, {"m": "1"}, {"m": "1", "x": "ours"}, {"m": "2", "n": "theirs"})
    text = project.read("dvcx.lock").decode()
    assert [line for line in text.splitlines() if "cmd" in line] == [
        '    cmd: "2"',
        '    cmd: "theirs"',
        '    cmd: "ours"',
    ]


def test_a_stage_with_other_results_on_both_sides_is_decided(project: Project) -> None:
    assert "CONFLICT" in locks(project, {"a": "1", "b": "1"}, {"a": "ours", "b": "2"}, {"a": "theirs", "b": "1"})
    run = project.dvcx("resolve")
    assert run.code == 4 and "dvcx.lock" in run.err and "--both" not in run.err
    assert project.dvcx("resolve", "--both", "dvcx.lock").code == 2
    run = project.dvcx("resolve", "--theirs", "dvcx.lock").ok()
    assert "git add dvcx.lock" in run.err
    text = project.read("dvcx.lock").decode()
    assert 'cmd: "theirs"' in text and 'cmd: "2"' in text and "<<<<<<<" not in text
