from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from dvcx.cli.render.sizes import age_text, count_text, size_text
from dvcx.cli.text import Cell, bold, drawn, escaped, green, table, width


def test_control_characters_are_shown_instead_of_acted_on() -> None:
    assert escaped("a\x1b[31mb\nc\td\r\x00\x7f") == r"a\x1b[31mb\x0ac\x09d\x0d\x00\x7f"
    assert escaped("csi \x9b31m") == r"csi \x9b31m"


def test_marks_that_reorder_or_break_lines_are_shown() -> None:
    assert escaped("exe\u202egnp\u2066\u2028") == r"exe\u202egnp\u2066\u2028"


def test_bytes_that_are_not_utf_8_are_shown_as_bytes() -> None:
    assert escaped(b"caf\xe9".decode("utf-8", "surrogateescape")) == r"caf\xe9"
    assert escaped("\ud800") == r"\ud800"


def test_ordinary_names_stay_as_they_are() -> None:
    for name in ("data/images 1.png", "naïve", "日本語", "a\\b", "👩‍🔬.txt", "e\u0301"):
        assert escaped(name) == name


@given(st.text(st.characters(codec=None)))
def test_nothing_that_acts_on_a_terminal_is_left(text: str) -> None:
    result = escaped(text)
    assert not any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in result)
    assert not any(unicodedata.bidirectional(character) in ("RLO", "LRO", "RLE", "LRE", "PDF") for character in result)
    assert escaped(result) == result


def test_styles_are_drawn_only_with_colour_and_cannot_be_forged() -> None:
    line = (green("new"), "  ", bold("a\x1b[0m"))
    assert drawn(line, colour=False) == r"new  a\x1b[0m"
    assert drawn(line, colour=True) == "\x1b[32mnew\x1b[0m  \x1b[1ma\\x1b[0m\x1b[0m"


def test_width_counts_columns() -> None:
    assert [width(text) for text in ("abc", "日本", "e\u0301", "")] == [3, 4, 1, 0]


def test_tables_stand_in_columns_without_spaces_at_the_end() -> None:
    rows: list[tuple[Cell, ...]] = [
        ("日本", "1 B", green("added")),
        ("long name", "999 KiB", ("x", bold("y"))),
        ("short",),
    ]
    assert [drawn(line, colour=False) for line in table(rows, right=[1])] == [
        "日本           1 B  added",
        "long name  999 KiB  xy",
        "short",
    ]
    assert list(table([])) == []


def test_an_empty_cell_keeps_its_column() -> None:
    assert [drawn(line, colour=False) for line in table([("a", "", "c"), ("a", "bb", "")])] == ["a      c", "a  bb"]


def test_sizes_have_three_digits_and_binary_units() -> None:
    shown = [size_text(size) for size in (0, 1023, 1024, 1536, 102_400, 1_048_575, 2**26, 10**12, 2**80)]
    assert shown == ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "100 KiB", "1.0 MiB", "64.0 MiB", "931 GiB", "1048576 EiB"]
    assert size_text(-2048) == "-2.0 KiB"


@given(st.integers(0, 2**63))
def test_a_size_reads_back_within_its_last_digit(size: int) -> None:
    number, unit = size_text(size).split()
    factor = 1024 ** ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB").index(unit)
    assert abs(float(number) * factor - size) <= 0.051 * factor * max(1.0, float(number) / 10)


def test_counts_and_ages_have_their_noun() -> None:
    assert [count_text(n, "file") for n in (0, 1, 20_000)] == ["0 files", "1 file", "20,000 files"]
    assert count_text(2, "entry", "entries") == "2 entries"
    assert [age_text(s) for s in (0.4, 1, 90, 7200, 86400 * 40)] == [
        "0 seconds",
        "1 second",
        "1 minute",
        "2 hours",
        "40 days",
    ]
