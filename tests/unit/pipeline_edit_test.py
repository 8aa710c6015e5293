"""Editing `dvcx.yaml` changes the stage that is meant and no other byte."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvcx.base.errors import Refused, UsageError
from dvcx.formats.stage_text import print_fields, scalar_text
from dvcx.formats.yaml_values import read_yaml, scalar_value
from dvcx.pipeline.edit import with_field, with_stage, without_stage

TEXT = """\
# what this is
stages:
  # makes a
  a:
    cmd: x   # why
    deps:
    - q

    - 'r'
    outs: [x,   y]

  # makes b
  b:
      cmd: |
        folded
          # no comment

      outs:
        - z: {cache: false}
# the end
metrics: [m]
"""
NEW = {"cmd": "run", "deps": ["d"]}
NEW_LINES = ["  {}:", "    cmd: run", "    deps:", "      - d"]


def new_lines(name: str) -> list[str]:
    return [line.format(name) for line in NEW_LINES]


def test_a_new_stage_stands_behind_the_others() -> None:
    lines = TEXT.splitlines()
    at = lines.index("# the end")
    expected = [*lines[:at], "", *new_lines("c"), *lines[at:]]
    assert with_stage(TEXT, "dvcx.yaml", "c", NEW).splitlines() == expected


def test_a_replaced_stage_stays_where_it_was_with_its_comment() -> None:
    lines = TEXT.splitlines()
    start, end = lines.index("  a:"), lines.index("  # makes b") - 1
    expected = [*lines[:start], *new_lines("a"), *lines[end:]]
    assert with_stage(TEXT, "dvcx.yaml", "a", NEW).splitlines() == expected


def test_a_removed_stage_takes_its_comment_along() -> None:
    lines = TEXT.splitlines()
    start, end = lines.index("  # makes a"), lines.index("  # makes b")
    assert without_stage(TEXT, "dvcx.yaml", "a").splitlines() == [*lines[:start], *lines[end:]]
    start, end = lines.index("  # makes b"), lines.index("# the end")
    assert without_stage(TEXT, "dvcx.yaml", "b").splitlines() == [*lines[:start], *lines[end:]]


def test_the_first_and_the_last_stage_come_and_go() -> None:
    alone = with_stage("", "dvcx.yaml", "a", NEW)
    assert alone.splitlines() == ["stages:", *new_lines("a")]
    empty = without_stage(alone, "dvcx.yaml", "a")
    assert empty == "stages:\n"
    assert with_stage(empty, "dvcx.yaml", "a", NEW) == alone
    assert with_stage("vars: [x]\n", "dvcx.yaml", "a", NEW) == "vars: [x]\n" + alone
    assert with_stage("stages: {}\n", "dvcx.yaml", "a", NEW) == alone


def test_line_ends_of_windows_stay() -> None:
    text = "stages:\r\n  a:\r\n    cmd: x\r\n"
    assert with_stage(text, "dvcx.yaml", "b", {"cmd": "run"}) == text + "  b:\r\n    cmd: run\r\n"


def test_a_field_is_set_and_taken_out() -> None:
    frozen = with_field(TEXT, "dvcx.yaml", "b", "frozen", True)
    assert frozen == TEXT.replace("      cmd: |", "      frozen: true\n      cmd: |")
    assert with_field(frozen, "dvcx.yaml", "b", "frozen", None) == TEXT
    group = "stages:\n  g:\n    foreach: [1]\n    do:\n      cmd: x\n"
    assert "    do:\n      frozen: true\n      cmd" in with_field(group, "dvcx.yaml", "g", "frozen", True)


@pytest.mark.parametrize(
    "field", ["{cmd: x, deps: [q]}", '{"cmd": x}  # why', "{ cmd: x }", "&a {cmd: x,\n      deps: [q]}"]
)
def test_a_stage_in_braces_is_frozen_and_thawed_where_it_stands(field: str) -> None:
    text = f"stages:\n  # makes a\n  a: {field}\n  b: {{cmd: y}} # b\n"
    frozen = with_field(text, "dvcx.yaml", "a", "frozen", True)
    assert read_yaml(frozen.encode(), "x")["stages"]["a"]["frozen"] is True
    assert frozen.replace("frozen: true, ", "") == text
    assert with_field(frozen, "dvcx.yaml", "a", "frozen", None) == text


@pytest.mark.parametrize(
    ("field", "thawed"),
    [
        ("{cmd: x, frozen: true}", "{cmd: x}"),
        ("{cmd: x, frozen: true, deps: [q]}", "{cmd: x, deps: [q]}"),
        ("{'frozen' : true, cmd: x}", "{cmd: x}"),
        ("{cmd: x , 'frozen': true }", "{cmd: x }"),
    ],
)
def test_a_field_in_braces_goes_wherever_it_stands(field: str, thawed: str) -> None:
    text = f"stages:\n  a: {field} # why\n"
    assert read_yaml(with_field(text, "dvcx.yaml", "a", "frozen", None).encode(), "x") == read_yaml(
        f"stages:\n  a: {thawed}\n".encode(), "x"
    )
    assert (
        read_yaml(with_field(text, "dvcx.yaml", "a", "frozen", False).encode(), "x")["stages"]["a"]["frozen"] is False
    )


def test_stages_on_one_line_come_one_below_the_other() -> None:
    text = "vars: [v] # of all\nstages: {a: {cmd: 'x ${y}', deps: [q]}, b: {cmd: z}}\nmetrics: [m]\n"
    assert with_stage(text, "dvcx.yaml", "c", NEW) == (
        "vars: [v] # of all\nstages:\n  a:\n    cmd: x ${y}\n    deps:\n      - q\n  b:\n    cmd: z\n"
        "  c:\n    cmd: run\n    deps:\n      - d\nmetrics: [m]\n"
    )
    assert without_stage(text, "dvcx.yaml", "a") == ("vars: [v] # of all\nstages:\n  b:\n    cmd: z\nmetrics: [m]\n")
    assert "  b:\n    frozen: true\n" in with_field(text, "dvcx.yaml", "b", "frozen", True)


@pytest.mark.parametrize(
    "text",
    [
        "{stages: {a: {cmd: x}}}\n",
        "stages:\n  {a: {cmd: x}, # the first\n   b: {cmd: y}}\n",
        "stages: {a: {cmd: x, meta: &m {k: v}}}\nvars: [*m]\n",
        "stages:\n  a: &a {cmd: x}\n  b: *a\n",
    ],
)
def test_what_would_lose_a_comment_or_an_anchor_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        with_stage(text, "dvcx.yaml", "a", NEW)
    assert "by hand" in str(refused.value.hint)


def test_a_stage_that_is_not_there_cannot_go() -> None:
    with pytest.raises(UsageError, match="has no stage c"):
        without_stage(TEXT, "dvcx.yaml", "c")


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    ["yes", "0o12", "1e3", "- x", "a: b", "a #b", "#", "~", "null", "<<", "2024-01-01", "1:30", "${x}", "*", "&a", "!t"]
)
SCALARS = TEXTS | st.integers(-(10**9), 10**9) | st.booleans() | st.none() | st.floats(-1e6, 1e6)


@given(SCALARS)
def test_scalars_read_back_as_they_were_written(value: Any) -> None:
    found = read_yaml(f"k: {scalar_text(value)}\nl:\n- {scalar_text(value)}\n".encode(), "x")
    assert found == {"k": value, "l": [value]}


@given(st.dictionaries(TEXTS, SCALARS | st.lists(SCALARS | st.dictionaries(TEXTS, SCALARS)), max_size=4))
def test_fields_read_back_as_they_were_written(fields: dict[str, Any]) -> None:
    assert (read_yaml("\n".join(print_fields(fields, 0)).encode(), "x") or {}) == fields


@given(st.dictionaries(st.from_regex(r"[a-z]{1,3}", fullmatch=True), TEXTS.filter(str.strip), min_size=1, max_size=4))
def test_adding_and_removing_stages_leaves_the_others(commands: dict[str, str]) -> None:
    text = TEXT
    for name, cmd in commands.items():
        text = with_stage(text, "dvcx.yaml", name, {"cmd": cmd})
    found = read_yaml(text.encode(), "x")["stages"]
    assert {name: stage["cmd"] for name, stage in found.items() if name in commands} == commands
    for name in commands:
        text = without_stage(text, "dvcx.yaml", name)
    left = [name for name in ("a", "b") if name not in commands]
    assert list(read_yaml(text.encode(), "x")["stages"] or {}) == left


@given(st.from_regex(r"[-+.0-9_eExob:]{1,8}", fullmatch=True))
def test_words_like_numbers_are_quoted(text: str) -> None:
    written = scalar_text(text)
    assert written.startswith(("'", '"')) or scalar_value(written) == text
