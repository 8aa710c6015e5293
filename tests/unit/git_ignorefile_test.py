from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dvcx.base.errors import Refused
from dvcx.git.files import ignored
from dvcx.git.ignorefile import has_line, ignore_line, with_line, without_line
from dvcx.git.location import GitLocation, find_git
from tests.git_repository import GitRepository

# Names are bytes: what a disk can hold, of which a .gitignore cannot hold a newline.
SPECIAL = st.sampled_from(
    [b"#", b"!", b"*", b"?", b"[", b"]", b"\\", b" ", b"\t", b"\r", b"\x0c", b"-", b"a", b"\xff", "ü".encode()]
)
NAMES = (
    st.lists(SPECIAL | st.binary(min_size=1, max_size=1), min_size=1, max_size=6)
    .map(b"".join)
    .filter(lambda name: not {0, 10, 47}.intersection(name) and name not in (b".", b"..") and name.lower() != b".git")
    .map(os.fsdecode)
)
TEXTS = st.lists(st.sampled_from(["", "/other", "# note", "*.tmp", "!keep", " "]), max_size=4).map("\n".join)


@pytest.fixture(scope="module")
def location(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitLocation]:
    repo = GitRepository.create(tmp_path_factory.mktemp("ignore") / "repo")
    (repo.path / "sub").mkdir()
    found = find_git(repo.path)
    assert found is not None
    yield found


def write(folder: Path, text: str) -> None:
    (folder / ".gitignore").write_bytes(os.fsencode(text))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=NAMES, base=st.sampled_from(["", "# no line end", "/other\r\n", "\ufeff# a byte order mark\n"]))
def test_git_ignores_exactly_the_named_entry(location: GitLocation, name: str, base: str) -> None:
    write(location.worktree, with_line(base, name))
    near = {
        name + "x",
        "x" + name,
        name[:-1],
        name[1:],
        name.rstrip(),
        name.strip(),
        name + " ",
        "sub/" + name,
        name * 2,
    }
    near |= {name.replace("\\", ""), name.replace("*", "xx"), name.replace("?", "x"), name.replace("[", "x"), "plain"}
    near -= {name, "", ".", "..", "/other", "other"}
    asked = [name, name + "/inside", *sorted(each for each in near if each.strip("/") and each.lower() != ".git")]
    assert ignored(location, asked) == {name, name + "/inside"}


@given(text=TEXTS, name=NAMES, end=st.sampled_from(["", "\n", "\r\n"]))
def test_adding_twice_is_adding_once_and_taking_away_brings_the_text_back(text: str, name: str, end: str) -> None:
    if end:
        text = "".join(line + end for line in text.split("\n"))
    added = with_line(text, name)
    assert has_line(added, name)
    assert with_line(added, name) == added
    if not has_line(text, name):
        ended = text if not text or text.endswith("\n") else text + ("\r\n" if "\r\n" in text else "\n")
        assert without_line(added, name) == ended
    assert not has_line(without_line(added, name), name)


@given(text=TEXTS, one=NAMES, other=NAMES)
def test_lines_of_different_names_do_not_touch_each_other(text: str, one: str, other: str) -> None:
    both = with_line(with_line(text, one), other)
    assert has_line(without_line(both, other), one) == (one != other)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("data", "/data"),
        ("two words", "/two words"),
        ("ends in space ", "/ends in space\\ "),
        ("#hash", "/#hash"),
        ("!bang", "/!bang"),
        ("a*b?c[d]e\\f", "/a\\*b\\?c\\[d]e\\\\f"),
        ("carriage\r", "/carriage[\r]"),
        ("ünï", "/ünï"),
    ],
)
def test_lines_read_as_a_person_would_write_them(name: str, line: str) -> None:
    assert ignore_line(name) == line
    assert with_line("x\n", name) == f"x\n{line}\n"


def test_line_ends_of_the_file_are_kept() -> None:
    assert with_line("a\r\nb\r\n", "c") == "a\r\nb\r\n/c\r\n"
    assert with_line("a\nb", "c") == "a\nb\n/c\n"
    assert with_line("", "c") == "/c\n"
    assert without_line("a\r\n/c\r\nb", "c") == "a\r\nb"
    assert without_line("/c", "c") == ""
    assert without_line("a\n/c/d\n", "c") == "a\n/c/d\n"


@pytest.mark.parametrize("name", ["new\nline", "", ".", "..", "a/b", "nul\0"])
def test_what_no_line_can_express_is_refused(name: str) -> None:
    with pytest.raises(Refused):
        with_line("", name)
