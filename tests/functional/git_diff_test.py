"""What `git diff`, `git log -p` and `git show` print of pointers: the driver that `dvcx init` sets up."""

from __future__ import annotations

from pathlib import Path

from tests.functional.arranging import use_store
from tests.project import Project


def changed_lines(text: str) -> list[str]:
    return [line.split("  ")[0] for line in text.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]


def test_the_files_that_changed_are_shown_with_their_sizes(project: Project) -> None:
    project.save({"data/a": "1", "data/in/b": "1", "data/c": "same"}, tag="v1")
    (project.path / "data/a").unlink()
    project.save({"data/in/b": "2" * 2000, "data/d": "2"}, "data", tag="v2")
    expected = ["-3 files, 6 B in data", "-a", "+3 files, 2.0 KiB in data", "+d", "-in/b", "+in/b"]
    for words in (("diff", "v1", "v2"), ("log", "-p", "-1", "--format=", "v2"), ("show", "--format=", "v2")):
        text = project.git(*words)
        assert sorted(changed_lines(text)) == sorted(expected)
        assert "+in/b  2.0 KiB  " in text
    project.write("data/new", "3")
    project.dvcx("add", "data").ok()
    assert "+new" in changed_lines(project.git("diff"))


def test_a_file_and_its_notes(project: Project) -> None:
    project.save({"m.bin": "1"})
    project.save({"m.bin": "22"}, "m.bin")
    pointer = project.path / "m.bin.dvcx"
    pointer.write_text(pointer.read_text() + 'desc: "better"\n')
    project.commit(message="a note")
    assert changed_lines(project.git("show", "--format=", "HEAD~1")) == ["-m.bin", "+m.bin"]
    assert changed_lines(project.git("show", "--format=", "HEAD")) == ["+desc: better"]


def test_the_same_size_with_another_content_shows(project: Project) -> None:
    project.save({"data/a": "1"})
    project.save({"data/a": "2"}, "data")
    assert changed_lines(project.git("show", "--format=")) == ["-a", "+a"]


def test_a_listing_that_is_not_here_shows_as_the_pointer(project: Project, tmp_path: Path) -> None:
    use_store(project)
    project.save({"data/a": "1"})
    project.save({"data/a": "2"}, "data")
    project.dvcx("push").ok()
    clone = project.clone(tmp_path / "clone")
    clone.dvcx("pull").ok()
    text = clone.git("show", "--format=")
    assert "-id: blake3:" in text and "not known here" in text and "+a  1 B" in text


def test_a_project_in_a_folder_and_text_that_is_no_pointer(tmp_path: Path) -> None:
    outer = Project.create(tmp_path / "outer")
    (outer.path / "sub").mkdir()
    outer.dvcx("init", "--subdir", cwd="sub").ok()
    sub = Project(outer.path / "sub")
    sub.save({"data/a": "1"})
    sub.save({"data/a": "22"}, "data")
    assert "+a" in changed_lines(sub.git("show", "--format="))
    sub.commit({"odd.dvcx": "one\n"})
    sub.commit({"odd.dvcx": "two\n"})
    assert changed_lines(sub.git("show", "--format=")) == ["-one", "+two"]


def test_names_cannot_act_on_the_terminal_or_break_their_line(project: Project) -> None:
    project.save({"data/a": "1"})
    project.save({"data/x\x1b[2J\ny": "1"}, "data")
    text = project.git("show", "--format=")
    assert "\x1b" not in text and len([line for line in changed_lines(text) if "x" in line]) == 1


def test_damage_and_hostile_trees_do_not_stop_git(project: Project) -> None:
    project.save({"data/a": "1"})
    project.save({"data/a": "2"}, "data")
    for pack in (project.own_folder / "cache/packs").rglob("*.pack"):
        pack.chmod(0o644)
        pack.write_bytes(b"\0" * pack.stat().st_size)
    assert "diff --git" in project.git("show", "--format=")
