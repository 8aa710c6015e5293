from __future__ import annotations

import shutil
from pathlib import Path

from tests.project import Project

FILES = {"data/a": "one", "data/sub/b": "three", "models/big.bin": "x" * 2000}


def names(project: Project, *words: str, cwd: str = "") -> list[str]:
    return project.dvcx("ls", *words, cwd=cwd).ok().lines


def test_the_top_shows_tracked_data_and_the_folders_that_lead_to_it(project: Project) -> None:
    project.add(FILES, "data", "models/big.bin")
    assert names(project) == ["data/", "models/"]
    assert names(project, "models") == ["big.bin"]
    assert names(project, "data") == ["a", "sub/"]
    assert names(project, "data/sub/b") == ["b"]


def test_recursive_listings_show_every_file_below(project: Project) -> None:
    project.add(FILES, "data", "models/big.bin")
    assert names(project, "-R") == ["data/a", "data/sub/b", "models/big.bin"]
    assert names(project, "-R", "data") == ["a", "sub/b"]


def test_the_current_folder_is_listed_without_a_path(project: Project) -> None:
    project.add(FILES, "data", "models/big.bin")
    assert names(project, cwd="models") == ["big.bin"]
    assert names(project, cwd="data/sub") == ["b"]
    (project.path / "src").mkdir()
    empty = project.dvcx("ls", cwd="src")
    assert (empty.code, empty.out) == (0, "") and "nothing is tracked in src" in empty.err


def test_sizes_and_numbers_of_files_stand_before_the_names(project: Project) -> None:
    project.add(FILES, "data", "models/big.bin")
    assert names(project, "--size") == ["    8 B  2 files  data/", "2.0 KiB   1 file  models/"]


def test_a_revision_is_listed_without_touching_the_workspace(project: Project) -> None:
    project.save({"data/a": "one", "data/old": "old"}, tag="v1")
    project.git("rm", "-q", "--cached", "data.dvcx")
    (project.path / "data.dvcx").unlink()
    shutil.rmtree(project.path / "data")
    project.commit(message="no data")
    assert names(project, "--rev", "v1", "data") == ["a", "old"]
    assert names(project, "--rev", "v1") == ["data/"]
    assert project.files() == {name: content for name, content in project.files().items() if "data" not in name}
    gone = project.dvcx("ls", "data")
    assert (gone.code, gone.out) == (2, "")


def test_json_has_ids_sizes_and_what_each_entry_is(project: Project) -> None:
    project.add({"data/a": "one", "data/run.sh": "#!", "data/empty/.keep": ""})
    (project.path / "data/empty/.keep").unlink()
    (project.path / "data/run.sh").chmod(0o755)
    (project.path / "data/link").symlink_to("a")
    project.dvcx("add", "data").ok()
    (top,) = project.json("ls")["entries"]
    assert (top["path"], top["type"], top["size"], top["files"], top["output"]) == ("data", "folder", 5, 3, True)
    assert top["id"].startswith("blake3:")
    found = {each["path"]: each for each in project.json("ls", "-R")["entries"]}
    assert {path: each["type"] for path, each in found.items()} == {
        "data/a": "file",
        "data/empty": "folder",
        "data/link": "link",
        "data/run.sh": "file",
    }
    assert found["data/run.sh"]["executable"] and found["data/link"]["target"] == "a"
    assert names(project, "data") == ["a", "empty/", "link -> a", "run.sh*"]


def test_what_is_not_there_is_an_error_that_names_what_may_be_meant(project: Project) -> None:
    project.add(FILES, "data", "models/big.bin")
    for word, meant in (("data/sub/bb", "data/sub/b"), ("modls/big.bin", "models/big.bin")):
        run = project.dvcx("ls", word)
        assert run.code == 2 and f"did you mean {meant}?" in run.err
    assert project.dvcx("ls", "--rev", "v9").code == 2


def test_a_folder_whose_listing_was_never_fetched_is_named(project: Project, tmp_path: Path) -> None:
    project.save(FILES, "data", "models/big.bin")
    project.dvcx("remote", "add", "-d", "store", str(tmp_path / "store")).ok()
    project.commit(message="a remote")
    project.dvcx("push").ok()
    clone = project.clone(tmp_path / "clone")
    assert names(clone) == ["data/", "models/"]
    inside = clone.dvcx("ls", "data")
    assert inside.code == 4 and "dvcx fetch data" in inside.err
    deep = clone.dvcx("ls", "-R")
    assert (deep.code, deep.lines) == (4, ["data/", "models/big.bin"])
    assert names(clone, "-r", "store", "data") == ["a", "sub/"]
    assert names(clone, "-R", "-r", "store") == ["data/a", "data/sub/b", "models/big.bin"]
    assert clone.dvcx("ls", "data").code == 4, "looking at a remote stores nothing"


def test_names_cannot_act_on_the_terminal(project: Project) -> None:
    project.add({"data/\x1b[31mred\nline": "x", "data/-rf": "y"})
    assert names(project, "data") == ["\\x1b[31mred\\x0aline", "-rf"]


def test_a_broken_pointer_is_told_and_the_rest_is_listed(project: Project) -> None:
    project.add(FILES, "data", "models/big.bin")
    project.write("data.dvcx", "<<<<<<< ours\n")
    run = project.dvcx("ls")
    assert (run.code, run.lines) == (0, ["models/"])
    assert "data.dvcx" in run.err and "conflict" in run.err
    assert project.dvcx("ls", "data").code == 3


def test_projects_without_git_and_in_subfolders_are_listed(plain_project: Project, project: Project) -> None:
    plain_project.add(FILES, "data")
    assert names(plain_project, "-R") == ["data/a", "data/sub/b"]
    run = plain_project.dvcx("ls", "--rev", "v1")
    assert run.code == 2 and "--no-git" in run.err
    inner = Project(project.path / "team/x")
    inner.path.mkdir(parents=True)
    inner.dvcx("init", "--subdir").ok()
    inner.add({"data/a": "one"})
    inner.commit(message="inner")
    assert names(inner, "--rev", "HEAD", "-R") == ["data/a"]
    assert names(project, "-R") == names(project, "-R", "--rev", "HEAD") == [], "the outer project has none of it"


def test_what_is_neither_here_nor_a_project_gets_no_hint_for_adding_it(project: Project, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    for where in (tmp_path / "nope", tmp_path / "plain"):
        run = project.dvcx("ls", str(where))
        assert run.code == 2 and "nor the address of a Git repository" in run.err and "dvcx add" not in run.err
        for command in ("update", "status", "checkout"):
            run = project.dvcx(command, str(where))
            assert run.code == 2 and "cannot be tracked here" in run.err and "dvcx add" not in run.err, command
    run = project.dvcx("add", str(tmp_path / "plain"))
    assert run.code == 2 and "`dvcx add -o PATH SOURCE`" in run.err
