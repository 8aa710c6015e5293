from __future__ import annotations

from pathlib import Path

import pytest

from tests.project import Project


@pytest.fixture
def history(project: Project) -> Project:
    """A project with four commits that changed `data`, two of them `data/sub/b`; `model.bin` came with the third."""
    for number, files in enumerate(
        (
            {"data/a": "a1", "data/sub/b": "b1"},
            {"data/a": "a2"},
            {"data/sub/b": "b two", "model.bin": "m"},
            {"data/c": "c1"},
        )
    ):
        project.add(files)
        project.commit(message=f"change {number + 1}")
    project.commit({"notes.txt": "no data"}, message="unrelated")
    return project


def subjects(project: Project, *words: str, cwd: str = "") -> list[tuple[str, str]]:
    """Gives the subject and the kind of change of each commit."""
    found = project.json("log", *words, cwd=cwd)["commits"]
    return [(each["subject"], " ".join(change["change"] for change in each["changes"])) for each in found]


def test_the_commits_that_changed_a_folder_are_listed_newest_first(history: Project) -> None:
    assert subjects(history, "data") == [
        ("change 4", "modified"),
        ("change 3", "modified"),
        ("change 2", "modified"),
        ("change 1", "added"),
    ]
    assert subjects(history, "data.dvcx", "-n", "2") == subjects(history, "data")[:2]


def test_a_file_inside_a_tracked_folder_has_a_history_of_its_own(history: Project) -> None:
    assert subjects(history, "data/sub/b") == [("change 3", "modified"), ("change 1", "added")]
    assert subjects(history, "data/sub") == [("change 3", "modified"), ("change 1", "added")]
    assert subjects(history, "b", "-n", "1", cwd="data/sub") == [("change 3", "modified")]
    (first, *_) = history.json("log", "data/sub/b")["commits"]
    assert (first["changes"][0]["old_size"], first["changes"][0]["new_size"]) == (2, 5)


def test_a_folder_that_is_not_tracked_stands_for_all_in_it(history: Project) -> None:
    history.save({"x/y/one": "1"}, "x/y/one")
    assert subjects(history, "x") == [("save x/y/one", "added")]
    everything = subjects(history, ".")
    assert ("change 3", "modified added") in everything and ("unrelated", "") not in everything
    assert len(everything) == 5


def test_a_deleted_file_shows_its_end(history: Project) -> None:
    (history.path / "data/a").unlink()
    history.dvcx("add", "data").ok()
    history.commit(message="a is gone")
    assert subjects(history, "data/a")[0] == ("a is gone", "deleted")
    assert subjects(history, "data/a", "--rev", "HEAD~1")[0] == ("change 2", "modified")


def test_a_note_in_the_pointer_is_no_change_of_the_data(history: Project) -> None:
    pointer = history.path / "model.bin.dvcx"
    pointer.write_text(pointer.read_text() + "desc: better words\n")
    history.commit(message="a note")
    assert [subject for subject, _ in subjects(history, "model.bin")] == ["change 3"]


def test_data_that_goes_from_one_pointer_to_another_did_not_change(history: Project) -> None:
    (history.path / "data.dvcx").unlink()
    (history.path / ".gitignore").write_text("/model.bin\n")
    for name in ("a", "c", "sub"):
        history.dvcx("add", f"data/{name}").ok()
    history.commit(message="split")
    assert subjects(history, "data/sub/b") == [("change 3", "modified"), ("change 1", "added")]


def test_the_text_has_a_line_for_each_commit_and_what_it_changed(history: Project) -> None:
    lines = history.dvcx("log", "model.bin").ok().lines
    commit = history.git("rev-parse", "--short=10", "HEAD~2")
    assert lines == [f"{commit} 2023-11-15 00:13 change 3  (Ada Test)", "    added    model.bin  (1 B)"]


def test_versions_that_were_never_fetched_are_unknown(history: Project, tmp_path: Path) -> None:
    history.dvcx("remote", "add", "-d", "store", str(tmp_path / "store")).ok()
    history.commit(message="remote")
    history.dvcx("push", "--all-commits").ok()
    clone = history.clone(tmp_path / "clone")
    assert [change for _, change in subjects(clone, "data")] == ["modified", "modified", "modified", "added"]
    run = clone.dvcx("log", "data/sub/b").ok()
    assert run.out.count("unknown") == 4 and "dvcx fetch --all-commits data" in run.err
    clone.dvcx("fetch", "--all-commits").ok()
    assert subjects(clone, "data/sub/b") == subjects(history, "data/sub/b")


def test_what_was_never_tracked_is_an_error(history: Project, plain_project: Project) -> None:
    run = history.dvcx("log", "modl.bin")
    assert run.code == 2 and "did you mean model.bin?" in run.err
    history.add({"young/a": "x"})
    fresh = history.dvcx("log", "young").ok()
    assert fresh.out == "" and "git commit" in fresh.err
    plain_project.add({"data/a": "x"})
    assert plain_project.dvcx("log", "data").code == 2


def test_a_pointer_that_was_committed_broken_does_not_end_the_log(history: Project) -> None:
    good = (history.path / "data.dvcx").read_text()
    history.commit({"data.dvcx": "<<<<<<< ours\n"}, message="conflict")
    history.commit({"data.dvcx": good}, message="mended")
    assert subjects(history, "data", "-n", "3") == [
        ("mended", "unknown"),
        ("conflict", "unknown"),
        ("change 4", "modified"),
    ]


def test_projects_in_subfolders_have_their_own_log(project: Project) -> None:
    inner = Project(project.path / "team/x")
    inner.path.mkdir(parents=True)
    inner.dvcx("init", "--subdir").ok()
    inner.add({"data/a": "one"})
    inner.commit(message="inner")
    assert subjects(inner, "data/a") == subjects(inner, ".") == [("inner", "added")]


def test_many_commits_are_read_quickly(project: Project) -> None:
    project.add({"data/a": "one", "data/b": "b"})
    project.commit(message="start")
    pointer = (project.path / "data.dvcx").read_text()
    project.add({"data/a": "two"})
    other = (project.path / "data.dvcx").read_text()
    stream = []
    for number in range(600):
        text = (other if number % 2 else pointer) + f"desc: note {number}\n"
        stream.append(
            f"commit refs/heads/main\ncommitter A <a@b> {1_700_000_100 + number} +0000\ndata 1\nx\n"
            + (f"from {project.head()}\n" if not number else "")
            + f"M 100644 inline data.dvcx\ndata {len(text)}\n{text}\n"
        )
    project.git("fast-import", "--quiet", "--force", stdin="".join(stream))
    assert len(subjects(project, "data/a")) == 600
    assert len(subjects(project, "data/b")) == 1


def renames(project: Project, path: str) -> list[tuple[str, str]]:
    """Gives the subject of each commit with what it did, old names of moves included."""
    return [
        (each["subject"], f"{change['change']} {change['old_path']}" if change["old_path"] else change["change"])
        for each in project.json("log", path)["commits"]
        for change in each["changes"]
    ]


def test_a_move_is_followed_to_the_former_path(history: Project) -> None:
    history.dvcx("move", "data", "images").ok()
    history.commit(message="move the folder")
    history.dvcx("move", "images/sub/b", "images/b2").ok()
    history.commit(message="move inside it")
    history.save({"images/b2": "b three"}, "images")
    assert renames(history, "images/b2") == [
        ("save images", "modified"),
        ("move inside it", "renamed images/sub/b"),
        ("move the folder", "renamed data/sub/b"),
        ("change 3", "modified"),
        ("change 1", "added"),
    ]
    assert ("move the folder", "renamed data") in renames(history, "images")
    assert renames(history, "images")[-1] == ("change 1", "added")
    assert "renamed  data/sub/b -> images/sub/b" in history.dvcx("log", "images/b2").out


def test_a_move_out_of_a_folder_and_of_a_folder_inside_is_followed(history: Project) -> None:
    history.dvcx("move", "data/sub", "data/deep").ok()
    history.commit(message="a folder inside")
    history.dvcx("move", "data/deep/b", "alone").ok()
    history.commit(message="out of it")
    assert renames(history, "alone") == [
        ("out of it", "renamed data/deep/b"),
        ("a folder inside", "renamed data/sub/b"),
        ("change 3", "modified"),
        ("change 1", "added"),
    ]
    history.git("checkout", "--quiet", "HEAD~1")
    assert renames(history, "data/deep")[0] == ("a folder inside", "renamed data/sub")


def test_what_only_looks_like_something_that_left_is_not_followed(project: Project) -> None:
    project.save({"data/a": "one", "data/empty": "", "data/copied": "same"})
    project.write("data/copy", "same")  # the other one stays
    (project.path / "data/empty").unlink()
    project.write("data/other", "")  # all empty files are alike
    project.dvcx("add", "data").ok()
    project.commit(message="second")
    assert renames(project, "data/copy") == [("second", "added")]
    assert renames(project, "data/other") == [("second", "added")]


def test_moves_are_followed_in_a_project_in_a_subfolder(tmp_path: Path) -> None:
    outer = Project.create(tmp_path / "outer")
    (outer.path / "sub").mkdir()
    outer.dvcx("init", "--subdir", cwd="sub").ok()
    outer.write("sub/data/a", "one")
    outer.dvcx("add", "data", cwd="sub").ok()
    outer.commit(message="first")
    outer.dvcx("move", "data/a", "data/b", cwd="sub").ok()
    outer.commit(message="second")
    commits = outer.json("log", "data/b", cwd="sub")["commits"]
    assert [each["subject"] for each in commits] == ["second", "first"]


def test_without_a_path_all_tracked_data_is_meant_from_any_folder(project: Project) -> None:
    project.save({"data/a": "one"})
    project.save({"other": "two"})
    (project.path / "sub").mkdir()
    run = project.dvcx("log", cwd="sub").ok()
    assert "save data" in run.out and "save other" in run.out
