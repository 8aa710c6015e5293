"""Which files changed inside folders that stages depend on and make: `why` lists all, with commits, others count."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from dvcx.pipeline import seen_folders
from tests.project import Project

PIPELINE = """\
stages:
  train:
    cmd: cat data/* code/a.sh > model.txt; mkdir -p out/deep; cp data/* out; cp data/1 out/deep
    deps: [data, code]
    outs: [model.txt, out]
  use:
    cmd: cat out/* > used.txt || true
    deps: [out]
    outs: [used.txt]
"""


@pytest.fixture
def done(project: Project) -> Project:
    """A stage that ran with a folder of tracked data and one of Git's, and is committed."""
    project.add({f"data/{name}": f"{name}\n" for name in "12345"})
    project.write("code/a.sh", "a\n")
    project.write("code/lib/b.sh", "b\n")
    project.write("dvcx.yaml", PIPELINE)
    project.dvcx("repro").ok()
    project.commit(message="the run")
    return project


def files(project: Project, stage: str = "train") -> dict[str, list[tuple[Any, ...]]]:
    """By dependency or output: each changed file with its sizes and the subject of its commit, or that it has none."""
    (result,) = project.json("why", stage)
    return {
        each["reason"]["name"]: [
            (
                file["change"],
                file["path"],
                file["old_size"],
                file["new_size"],
                "-" if file["uncommitted"] else file["commit"] and file["commit"]["subject"],
            )
            for file in each["files"]
        ]
        for each in result["because"]
    }


def test_each_file_inside_tracked_data_is_named_with_sizes_and_the_commit_that_changed_it(done: Project) -> None:
    done.write("data/1", "longer\n")
    (done.path / "data/2").unlink()
    done.dvcx("add", "data").ok()
    done.commit(message="first")
    done.write("data/sub/new", "new\n")
    done.dvcx("add", "data").ok()
    done.commit(message="second")
    done.write("data/3", "later\n")
    assert files(done) == {
        "data": [
            ("modified", "data/1", 2, 7, "first"),
            ("deleted", "data/2", 2, None, "first"),
            ("modified", "data/3", 2, 6, "-"),
            ("added", "data/sub/new", None, 4, "second"),
        ]
    }
    out = done.dvcx("why", "train").ok().out
    assert "  dependency data changed: 1 added, 1 deleted, 2 modified\n" in out
    assert "    modified data/3  (2 B -> 6 B)  not committed\n" in out
    done.dvcx("checkout", "--force", "data").ok()
    done.dvcx("repro").ok()
    done.commit(message="ran again")
    assert [file[1] for file in files(done)["data"]] == ["data/1", "data/2", "data/sub/new"]  # why it ran last


def test_files_of_a_folder_of_git_are_named_also_when_nothing_of_it_was_ever_committed(done: Project) -> None:
    done.write("code/a.sh", "better\n")
    done.write("code/lib/c.sh", "c\n")
    assert files(done) == {
        "code": [("modified", "code/a.sh", 2, 7, "-"), ("added", "code/lib/c.sh", None, 2, "-")],
    }
    done.dvcx("repro").ok()
    done.write("code/a.sh", "best\n")
    assert files(done) == {"code": [("modified", "code/a.sh", 7, 5, "-")]}
    done.commit(message="both")
    done.write("code/lib/c.sh", "cc\n")
    done.commit(message="only c")
    assert [(file[1], file[4]) for file in files(done)["code"]] == [
        ("code/a.sh", "both"),
        ("code/lib/c.sh", "only c"),
    ]


def test_a_clone_finds_in_git_what_the_run_elsewhere_saw(done: Project) -> None:
    done.write("code/a.sh", "better\n")
    done.commit(message="better code")
    clone = done.clone(done.path.parent / "clone")
    assert files(clone) == {"code": [("modified", "code/a.sh", 2, 7, "better code")]}
    shutil.rmtree(done.path / ".git/dvcx/seen")
    assert files(done) == files(clone)
    (reason,) = done.json("status")["stages"][0]["reasons"]
    assert reason["inside"] is None  # Git is asked by `why` only


def test_a_folder_of_git_with_tracked_data_below_is_found_in_git_too(done: Project) -> None:
    done.write("code/big", "big\n")
    done.dvcx("add", "code/big").ok()
    done.dvcx("repro").ok()
    done.commit(message="with data")
    done.write("code/lib/b.sh", "bb\n")
    shutil.rmtree(done.path / ".git/dvcx/seen")
    assert files(done) == {"code": [("modified", "code/lib/b.sh", 2, 3, "-")]}


def test_an_output_that_was_edited_and_one_that_was_made_anew_name_their_files(done: Project) -> None:
    done.write("out/deep/1", "edited\n")
    assert files(done)["out"] == [("modified", "out/deep/1", 2, 7, None)]
    assert files(done, "use") == {"out": [("modified", "out/deep/1", 2, 7, "-")]}
    done.dvcx("repro", "-s", "-f", "--no-run-cache", "train").ok()
    done.write("data/1", "one\n")
    done.dvcx("add", "data").ok()
    done.dvcx("repro", "train").ok()
    assert [file[:2] for file in files(done, "use")["out"]] == [("modified", "out/1"), ("modified", "out/deep/1")]


def test_a_renamed_file_and_a_few_of_many_are_shown_and_all_are_in_json(done: Project) -> None:
    for name in range(21):
        done.write(f"data/n{name:02}", f"{name}\n")
    (done.path / "data/5").rename(done.path / "data/five")
    run = done.dvcx("why", "train").ok()
    assert "dependency data changed: 21 added, 1 renamed" in run.out
    assert "    renamed  data/5 -> data/five  (2 B)\n" in run.out
    assert "    ... and 12 more; --json lists all\n" in run.out
    assert len(files(done)["data"]) == 22


def test_status_dry_run_and_dag_name_the_first_files(done: Project) -> None:
    done.write("data/3", "later\n")
    text = "dependency data changed: 1 modified (data/3)"
    assert text in done.dvcx("repro", "--dry-run").ok().out
    assert text in done.dvcx("dag", "--status").ok().out
    assert text in done.dvcx("status").out
    for name in range(30):
        done.write(f"data/n{name:02}", f"{name}\n")
    assert "30 added, 1 modified (data/3, data/n00, data/n01 and 28 more)" in done.dvcx("status").out
    (reason, *_) = done.json("status")["stages"][0]["reasons"]
    assert (reason["inside"]["counts"], len(reason["inside"]["files"])) == ({"added": 30, "modified": 1}, 10)


def test_stages_in_subfolders_and_files_inside_tracked_folders_name_them_from_there(project: Project) -> None:
    project.add({"data/in/a": "1", "data/in/b": "2", "data/c": "3"})
    project.write(
        "sub/dvcx.yaml", "stages:\n  s:\n    cmd: cat ../data/in/* > o\n    deps: [../data/in]\n    outs: [o]\n"
    )
    project.dvcx("repro", "-P").ok()
    project.commit(message="ran")
    project.write("data/in/a", "11")
    project.write("data/c", "33")
    project.dvcx("add", "data").ok()
    project.commit(message="changed")
    assert files(project, "sub/dvcx.yaml:s") == {"../data/in": [("modified", "../data/in/a", 1, 2, "changed")]}


def test_what_is_known_of_folders_is_a_hint(done: Project) -> None:
    done.write("code/new.sh", "")
    done.dvcx("repro").ok()
    for file in (done.path / ".git/dvcx/seen").iterdir():
        file.write_bytes(b"broken")
    done.write("code/new.sh", "x")
    (result,) = done.json("why", "train")
    assert [(each["reason"]["name"], each["files"]) for each in result["because"]] == [("code", [])]


def test_only_the_folders_that_stages_ran_with_last_are_kept(done: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen_folders, "KEPT", 2)
    for text in ("x", "y", "z"):
        done.write("code/a.sh", text)
        done.dvcx("repro").ok()
    assert len(list((done.path / ".git/dvcx/seen").iterdir())) == 2
    done.write("code/a.sh", "zz")
    assert files(done)["code"] == [("modified", "code/a.sh", 1, 2, "-")]
