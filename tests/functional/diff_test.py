from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.project import Project


def changes(project: Project, *words: str, cwd: str = "") -> list[tuple[str, ...]]:
    """Gives kind and path of each change, and for a rename the path before."""
    found = project.json("diff", *words, cwd=cwd)["changes"]
    return [tuple(filter(None, (each["change"], each["old_path"], each["path"]))) for each in found]


@pytest.fixture
def saved(project: Project) -> Project:
    """A project whose tag v1 has four files in `data`, and `model.bin`."""
    files = {"data/a": "one", "data/b": "two", "data/c": "three", "data/sub/d": "four", "model.bin": "m" * 100}
    project.save(files, "data", "model.bin", tag="v1")
    return project


def edit(project: Project) -> None:
    """Adds, deletes, modifies and renames one file each."""
    project.write("data/new", "brand new")
    (project.path / "data/a").unlink()
    project.write("data/b", "two and more")
    (project.path / "data/c").rename(project.path / "data/sub/moved")


EDITED = [
    ("deleted", "data/a"),
    ("modified", "data/b"),
    ("added", "data/new"),
    ("renamed", "data/c", "data/sub/moved"),
]


def test_a_workspace_without_changes_differs_in_nothing(saved: Project) -> None:
    run = saved.dvcx("diff").ok()
    assert (run.out, "nothing differs between HEAD and the workspace" in run.err) == ("", True)


def test_the_files_themselves_are_compared_not_only_the_pointers(saved: Project) -> None:
    edit(saved)
    assert changes(saved) == EDITED
    saved.dvcx("add", "data").ok()
    assert changes(saved) == EDITED


def test_two_revisions_are_compared_without_touching_anything(saved: Project) -> None:
    edit(saved)
    saved.dvcx("add", "data").ok()
    saved.commit(message="v2")
    shutil.rmtree(saved.path / "data")
    before = saved.files()
    assert changes(saved, "v1", "HEAD") == EDITED
    assert ("renamed", "data/sub/moved", "data/c") in changes(saved, "HEAD", "v1")
    assert saved.files() == before and saved.git("status", "--porcelain") == ""


def test_sizes_and_totals_are_shown(saved: Project) -> None:
    edit(saved)
    *changed, totals = saved.dvcx("diff").ok().lines
    assert changed == [
        "deleted   data/a  (3 B)",
        "modified  data/b  (3 B -> 12 B)",
        "added     data/new  (9 B)",
        "renamed   data/c -> data/sub/moved  (5 B)",
    ]
    counts = "1 added (9 B), 1 deleted (3 B), 1 modified (3 B -> 12 B), 1 renamed (5 B), +15 B in all"
    assert totals == f"HEAD -> the workspace: {counts}"
    assert saved.json("diff")["totals"]["modified"] == {"files": 1, "old_size": 3, "new_size": 12}


def test_markdown_is_one_table_in_which_no_name_is_markup(saved: Project) -> None:
    saved.write("data/a|b`<img>", "x")
    run = saved.dvcx("diff", "--md").ok()
    assert run.lines == [
        "| change | path | `HEAD` | `the workspace` |",
        "| --- | --- | ---: | ---: |",
        "| added | ``data/a\\|b`<img>`` |  | 1 B |",
        "",
        "1 added (1 B), +1 B in all",
    ]


def test_targets_narrow_the_comparison(saved: Project) -> None:
    edit(saved)
    saved.write("model.bin", "other")
    assert changes(saved, "--targets", "data/b") == [("modified", "data/b")]
    assert changes(saved, "--targets", "model.bin", "--targets", "data/sub") == [
        ("added", "data/sub/moved"),
        ("modified", "model.bin"),
    ]
    assert changes(saved, "--targets", "b", "--targets", ".", cwd="data") == EDITED
    wrong = saved.dvcx("diff", "--targets", "modl.bin")
    assert wrong.code == 2 and "did you mean model.bin?" in wrong.err
    assert saved.dvcx("diff", "--targets", "data/nope").code == 2


def test_an_executable_bit_and_a_link_are_changes(saved: Project) -> None:
    (saved.path / "data/a").chmod(0o755)
    (saved.path / "data/b").unlink()
    (saved.path / "data/b").symlink_to("c")
    assert saved.dvcx("diff").ok().lines[:2] == [
        "modified  data/a  (3 B, file -> executable)",
        "modified  data/b  (3 B -> 0 B, file -> link)",
    ]


def test_data_that_moved_to_another_folder_is_renamed(saved: Project) -> None:
    (saved.path / "data").rename(saved.path / "other")
    saved.dvcx("add", "other").ok()
    (saved.path / "data.dvcx").unlink()
    assert ("renamed", "data/a", "other/a") in changes(saved) and len(changes(saved)) == 4


def test_a_folder_whose_parts_get_pointers_of_their_own_did_not_change(saved: Project) -> None:
    (saved.path / "data.dvcx").unlink()
    saved.write("data/b", "two, edited")
    (saved.path / ".gitignore").unlink()
    for name in ("a", "b", "c", "sub"):
        saved.dvcx("add", f"data/{name}").ok()
    assert changes(saved) == [("modified", "data/b")]


def test_before_the_first_commit_everything_is_added(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "new")
    project.dvcx("init").ok()
    project.add({"data/a": "one"})
    assert changes(project) == [("added", "data/a")]


def test_what_a_clone_has_not_fetched_is_absent_not_deleted(saved: Project, tmp_path: Path) -> None:
    clone = fetched_in_part(saved, tmp_path, "data/sub")
    found = clone.json("diff")
    assert found["changes"] == [] and {each["path"] for each in found["absent"]} == {
        "data/a",
        "data/b",
        "data/c",
        "model.bin",
    }
    shown = clone.dvcx("diff").ok()
    assert "absent    data  (3 files not here, so not compared)" in shown.lines
    assert clone.dvcx("diff", "--hide-missing").ok().out == ""
    (clone.path / "data/sub/d").unlink()
    clone.write("data/sub/e", "five")
    assert changes(clone) == [("deleted", "data/sub/d"), ("added", "data/sub/e")]


def test_a_folder_whose_listing_is_not_here_is_one_change(saved: Project, tmp_path: Path) -> None:
    saved.write("data/a", "another one")
    saved.dvcx("add", "data").ok()
    saved.commit(message="v2")
    clone = fetched_in_part(saved, tmp_path, "model.bin")
    run = clone.dvcx("diff", "v1", "HEAD")
    assert (run.code, run.lines[0]) == (0, "modified  data/  (4 files, 15 B -> 23 B)")
    assert "dvcx fetch --all-commits" in run.err
    assert clone.json("diff", "v1", "HEAD")["unread"] == ["data"]
    assert changes(clone, "v1", "HEAD", "-r", "store") == [("modified", "data/a")]
    inside = clone.dvcx("diff", "v1", "HEAD", "--targets", "data/a")
    assert inside.code == 4 and "fetch" in inside.err


def fetched_in_part(project: Project, tmp_path: Path, target: str) -> Project:
    """Gives a clone that pulled `target` only, from the remote `store`."""
    project.dvcx("remote", "add", "-d", "store", str(tmp_path / "store")).ok()
    project.commit(message="remote")
    project.dvcx("push", "--all-commits").ok()
    clone = project.clone(tmp_path / "clone")
    clone.dvcx("pull", target).ok()
    return clone


def test_a_broken_pointer_is_left_out_and_told(saved: Project) -> None:
    saved.write("model.bin", "other")
    saved.write("data.dvcx", "<<<<<<< ours\n")
    run = saved.dvcx("diff")
    assert (run.code, run.lines[0]) == (3, "modified  model.bin  (100 B -> 5 B)")
    assert "conflict markers" in run.err and "data/a" not in run.out


def test_revisions_that_are_none_are_usage_errors(saved: Project, plain_project: Project) -> None:
    for words in (("v9",), ("--output=x",), ("v1", "v9")):
        run = saved.dvcx("diff", "--", *words)
        assert run.code == 2 and "no commit is called" in run.err
    assert "dvcx diff --targets data" in saved.dvcx("diff", "data").err
    plain_project.add({"data/a": "one"})
    run = plain_project.dvcx("diff")
    assert run.code == 2 and "--no-git" in run.err and "status --granular" in run.err


def test_worktrees_and_projects_in_subfolders_are_compared(saved: Project, tmp_path: Path) -> None:
    saved.git("worktree", "add", "-q", str(tmp_path / "tree"), "v1")
    tree = Project(tmp_path / "tree")
    tree.dvcx("checkout").ok()
    tree.write("data/a", "edited there")
    assert changes(tree) == [("modified", "data/a")] and changes(saved) == []
    inner = Project(saved.path / "team/x")
    inner.path.mkdir(parents=True)
    inner.dvcx("init", "--subdir").ok()
    inner.add({"data/a": "one"})
    inner.commit(message="inner")
    inner.write("data/a", "two")
    assert changes(inner) == [("modified", "data/a")]
    assert changes(saved) == [], "the outer project has nothing of the inner one"


def test_names_are_data(saved: Project) -> None:
    names = {"data/new\nline": "x", "data/\x1b[2Jescape": "y", "data/ünï": "z"}
    for name, content in names.items():
        saved.write(name, content)
    assert {path for _, path in changes(saved)} == set(names)
    assert "\x1b" not in saved.dvcx("diff").out and "\\x0a" in saved.dvcx("diff").out


def test_the_json_says_what_each_side_was(saved: Project) -> None:
    saved.write("data/b", "two and more")
    found: dict[str, Any] = saved.json("diff", "v1")
    (change,) = found["changes"]
    assert (found["old"], found["new"], found["new_commit"]) == ("v1", "the workspace", None)
    assert found["old_commit"] == saved.git("rev-parse", "v1")
    assert (change["old_type"], change["new_type"], change["old_size"], change["new_size"]) == ("file", "file", 3, 12)
    assert change["old_id"].startswith("blake3:") and change["old_id"] != change["new_id"]
