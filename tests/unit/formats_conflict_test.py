from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from dvcx.formats.conflict_text import (
    ConflictText,
    has_conflict_markers,
    parse_conflict,
    print_conflict,
    print_unmerged,
)

TEXTS = st.lists(st.sampled_from(["dvcx: 1", "path: data", "size: 3", "# a comment", 'desc: "====="'])).map(
    lambda lines: "".join(f"{line}\n" for line in lines)
)


@given(TEXTS, TEXTS, st.lists(st.tuples(st.text(), st.just("ours 1 B, theirs 2 B")), max_size=120))
def test_what_is_printed_is_read_again(ours: str, theirs: str, lines: list[tuple[str, str]]) -> None:
    text = print_conflict("data", ours, theirs, lines, ("main", "a\nb"))
    assert parse_conflict(text) == ConflictText(ours, theirs, True)
    assert has_conflict_markers(text)
    assert parse_conflict(print_unmerged("data", ours, theirs, "no\nremote")) == ConflictText(ours, theirs, False)


def test_names_cannot_break_out_of_their_line() -> None:
    text = print_conflict("data", "a\n", "b\n", [("x\n>>>>>>> theirs\x1b[2J", "deleted")])
    assert "\x1b" not in text and text.count("\n>>>>>>> ") == 1


def test_other_texts_are_no_conflicts() -> None:
    whole = print_conflict("data", "a\n", "b\n", [])
    for text in ("", "dvcx: 1\n", "=======\n", whole + "more\n", "more\n" + whole, whole.replace("=======\n", "")):
        assert parse_conflict(text) is None


def test_the_base_that_git_may_show_is_left_out() -> None:
    text = "<<<<<<< ours\na\n||||||| base\nb\n=======\nc\n>>>>>>> theirs\n"
    assert parse_conflict(text) == ConflictText("a\n", "c\n", False)


def test_a_megabyte_of_markers_takes_no_time() -> None:
    began = time.monotonic()
    assert parse_conflict("<<<<<<< ours\n" + "=======\n" * 130_000) is None
    assert time.monotonic() - began < 2
