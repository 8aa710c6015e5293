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
