from __future__ import annotations

import pytest

from dvcx.base.errors import shown
from dvcx.base.globs import may_match_below, path_pattern
from dvcx.base.text import counted


def test_counts_come_with_the_word_that_fits_them() -> None:
    assert [counted(n, "file") for n in (0, 1, 2, 20_000)] == ["0 files", "1 file", "2 files", "20,000 files"]
    assert [counted(n, "file has", "files have") for n in (1, 2)] == ["1 file has", "2 files have"]


def test_long_lists_of_names_are_cut() -> None:
    assert shown(["a", "b"]) == "a, b"
    assert shown(["a", "b", "c", "d"], most=2) == "a, b and 2 more"


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("data/*.jpg", ["data/1.jpg", "data/.jpg"], ["data/s/1.jpg", "data/1.jpgx", "xdata/1.jpg", "data/1_jpg"]),
        ("data/?", ["data/x"], ["data/", "data/xy", "data//"]),
        ("a?b", ["axb"], ["a/b", "ab"]),
        ("**/x", ["x", "a/x", "a/b/x"], ["ax", "x/y"]),
        ("a/**/x", ["a/x", "a/b/x", "a/b/c/x"], ["ab/x", "a/bx"]),
        ("a/**", ["a/x", "a/b/c"], ["a", "a/", "ab/c"]),
        ("a/**/b/**", ["a/b/x", "a/c/b/x/y"], ["a/b", "b/x"]),
        ("[a-c]x", ["ax", "cx"], ["dx", "-x", "/x"]),
        ("[!a-c]x", ["dx"], ["ax", "/x"]),
        ("[]a]", ["]", "a"], ["b"]),
        ("[.*]", [".", "*"], ["x", "xx"]),
        ("[a", ["[a"], ["a"]),
        ("[z-a]", [], ["a", "z", "m"]),
        ("a.b\\", ["a.b\\"], ["axb\\"]),
        ("***", ["abc"], ["a/b"]),
        ("./a//b/", ["./a/b"], []),
    ],
)
def test_path_patterns_match_name_by_name(pattern: str, matching: list[str], other: list[str]) -> None:
    matches = path_pattern(pattern).fullmatch
    assert [path for path in matching if not matches(path)] == []
    assert [path for path in other if matches(path)] == []


@pytest.mark.parametrize(
    ("pattern", "folder", "may"),
    [
        ("data/*.jpg", "data", True),
        ("data/*.jpg", "data/s", False),
        ("data/*/x", "data/s", True),
        ("*", "data", False),
        ("d?ta/x", "data", True),
        ("other/x", "data", False),
        ("**/x", "a/b", True),
        ("a/**", "a/b/c", True),
        ("a/**", "b", False),
    ],
)
def test_folders_in_which_a_pattern_cannot_match_are_known(pattern: str, folder: str, may: bool) -> None:
    assert may_match_below(pattern, folder) is may
