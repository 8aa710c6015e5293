"""Mistakes with data from elsewhere: each is told with what is wrong and what to type next."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.functional.arranging import use_store
from tests.git_repository import GitRepository
from tests.project import Project


@pytest.fixture
def places(project: Project, tmp_path: Path) -> Path:
    """A folder with sources of every kind, good and bad, beside the project."""
    plain = GitRepository.create(tmp_path / "plain")
    plain.commit({"a.txt": "1"})
    of_dvc = GitRepository.create(tmp_path / "of-dvc")
    of_dvc.commit({".dvc/config": "[core]\n", "data.dvc": "outs:\n- md5: abc\n  path: data\n"})
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/a.txt").write_text("1")
    source = Project.make(tmp_path / "source")
    source.save({"owls/a": "1", "m.bin": "2"})
    return tmp_path


@pytest.mark.parametrize("command", [("get",), ("import",), ("ls",)], ids=lambda words: str(words[0]))
@pytest.mark.parametrize(
    ("source", "message", "hint"),
    [
        ("../of-dvc", "is a project of DVC, which is no source for dvcx", "`dvc get ../of-dvc PATH`"),
        ("file://{}/of-dvc", "is a project of DVC, which is no source for dvcx", "--show-url"),
        ("../plain", "../plain is a Git repository, but no dvcx project", "`dvcx import-url ../plain/PATH` tracks"),
        ("file://{}/plain", "is a Git repository, but no dvcx project: commit ", "git clone --depth 1 file://"),
        ("file://{}/nowhere", "does not appear to be a git repository", "`git ls-remote file://"),
        (
            "git@127.0.0.1:x/y.git",
            "git@127.0.0.1:x/y.git cannot be read: ssh: ",
            "`git ls-remote git@127.0.0.1:x/y.git`",
        ),
    ],
)
def test_what_is_no_project_is_called_what_it_is(
    project: Project, places: Path, command: tuple[str, ...], source: str, message: str, hint: str
) -> None:
    if source.startswith("git@"):
        project.git("config", "--global", "core.sshCommand", "ssh -p 9 -o BatchMode=yes")
    run = project.dvcx(*command, source.format(places), "data")
    assert run.code in (2, 5) and message in run.err
    assert hint in run.err.partition("hint: ")[2] and "dvcx init" not in run.err


@pytest.mark.parametrize("source", ["../source", "file://{}/source"])
def test_what_another_project_does_not_have_is_told_with_how_to_see_what_it_has(
    project: Project, places: Path, source: str
) -> None:
    source = source.format(places)
    shown = str(places / "source") if source.startswith("..") else source
    for command in ("get", "import", "ls"):
        run = project.dvcx(command, source, "nothing")
        assert run.code == 2 and f"hint: see what is there: `dvcx ls {shown}`\n" in run.err
        run = project.dvcx(command, source, "m.bin", "--rev", "v9")
        assert run.code == 2 and f"`git ls-remote {shown}` lists" in run.err
    run = project.dvcx("get", source, "m.bin", "-r", "none")
    assert run.code == 2 and "there is no remote called none in " in run.err and "it has none" in run.err


def test_a_listing_that_is_not_complete_says_what_the_owners_do(project: Project, places: Path) -> None:
    source = Project(places / "source")
    address = f"file://{source.path}"
    for words in (("-R",), ("owls",)):
        run = project.dvcx("ls", address, *words)
        assert run.code == 4 and "hint: there, `dvcx remote add -d NAME URL` sets one up" in run.err
    use_store(source)
    run = project.dvcx("ls", address, "-R")
    assert run.code == 4 and run.lines == ["m.bin", "owls/"] and "hint: run `dvcx push` where it was added" in run.err
    source.dvcx("push").ok()
    assert project.dvcx("ls", address, "-R").ok().lines == ["m.bin", "owls/a"]


def test_without_a_project_there_is_something_else_to_type(places: Path) -> None:
    here = Project(places / "folder")
    run = here.dvcx("import", "../source", "m.bin")
    assert run.code == 1 and "`dvcx get ../source m.bin` takes it without a project" in run.err
    run = here.dvcx("import-url", "../plain/a.txt")
    assert run.code == 1 and "`dvcx get-url ../plain/a.txt` takes it without a project" in run.err
    run = here.dvcx("ls", "nothing")
    assert run.code == 2 and run.err.startswith("error: nothing is neither the folder of a project nor the address")


def test_what_was_written_is_named_as_it_was_typed(project: Project, places: Path) -> None:
    for typed, shown in (("m.bin", "m.bin"), ("../there", "../there"), (f"{places}/abs", f"{places}/abs")):
        assert project.dvcx("get", "../source", "m.bin", "-o", typed).ok().out.startswith(f"got {shown}  (")
        assert project.dvcx("get-url", "../folder/a.txt", f"{typed}.txt").ok().out.startswith(f"got {shown}.txt  (")
    assert project.json("get", "../source", "m.bin", "-o", "k.bin")["path"] == str(project.path / "k.bin")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # ftplib leaves its socket open
def test_what_is_at_no_url_is_told_with_what_is_near(project: Project, places: Path) -> None:
    run = project.dvcx("get-url", "../folder/nothing")
    assert run.code == 2 and f"hint: see what there is: `dvcx ls-url {places}/folder`" in run.err
    run = project.dvcx("get-url", "ftp://127.0.0.1:9/x")
    assert run.code == 5 and "ftp://127.0.0.1:9/x: nothing listens" in run.err and "hint: " in run.err
    run = project.dvcx("get-url", "nope://x/y")
    assert run.code == 2 and "remote://NAME/path are known" in run.err
    project.dvcx("import-url", "../folder", "x").ok()
    run = project.dvcx("import-url", "../folder", "x")
    assert run.code == 6 and "`dvcx update x` brings it up to date" in run.err
