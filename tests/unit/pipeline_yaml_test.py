"""YAML that people write: its values, its places, and what is refused before it costs more than its length."""

from __future__ import annotations

import math
import time
from typing import Any

import pytest

from dvcx.base.errors import DamagedData
from dvcx.formats.excerpt import FileProblem
from dvcx.formats.yaml_values import MAX_DEPTH, LocatedDict, read_yaml


def values(text: str) -> Any:
    return read_yaml(text.encode(), "x.yaml")


def problem(text: str) -> FileProblem:
    with pytest.raises(FileProblem) as caught:
        values(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("off", "off"),
        ("True", True),
        ("012", 12),
        ("0o12", 10),
        ("0x1F", 31),
        ("-0b11", -3),
        ("1_000", 1000),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1:30", "1:30"),
        ("1.2.3", "1.2.3"),
        ("2024-01-01", "2024-01-01"),
        ("~", None),
        ("-.inf", -math.inf),
        ("'12'", "12"),
        ("!!str 12", "12"),
        ("!!float 1", 1.0),
        ("=", "="),
    ],
)
def test_plain_words_mean_what_yaml_1_2_says(text: str, value: object) -> None:
    found = values(f"key: {text}")["key"]
    assert (found, type(found)) == (value, type(value))


def test_values_know_their_places() -> None:
    found = values("a: 1\nlist:\n  - x\n  - {deep: y}\n")
    assert isinstance(found, LocatedDict)
    assert found.keys_at["list"] == (1, 0)
    assert found["list"].values_at == [(2, 4), (3, 4)]
    assert found["list"][1].values_at["deep"] == (3, 11)


def test_merge_keys_give_way_to_what_stands_there() -> None:
    found = values("a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc: {<<: [*a, *b], z: 5}\nd: {x: 0, <<: *a}\n")
    assert found["c"] == {"x": 1, "y": 2, "z": 5}
    assert found["d"] == {"x": 0, "y": 2}


def test_a_quoted_merge_key_is_a_key() -> None:
    assert values('"<<": 1') == {"<<": 1}


def test_a_key_twice_is_told_with_both_lines() -> None:
    error = problem("a: 1\nb: 2\na: 3\n")
    assert (error.line, error.column) == (3, 1)
    assert "'a' stands here again; it is on line 1" in error.message
    assert error.excerpt == ("    3 | a: 3", "      | ^")


def test_bad_yaml_is_shown_with_its_line() -> None:
    error = problem("ok: 1\nbad: [1, 2\nmore: 3\n")
    assert error.file == "x.yaml"
    assert error.line == 3
    assert error.excerpt[0] == "    3 | more: 3"


def test_holes_in_brackets_without_quotes_get_a_hint() -> None:
    error = problem("outs: [a/${x}: {cache: false}]\n")
    assert "quotes" in str(error.hint)


@pytest.mark.parametrize("text", ["a: !!python/object:os.system x", "a: !mine 1", "a: !!binary aGk=", "a: !!set {x}"])
def test_tags_of_other_kinds_are_refused(text: str) -> None:
    assert "tag" in problem(text).message


def test_unknown_and_looping_aliases_are_refused() -> None:
    assert "*nope" in problem("a: *nope").message
    assert "*a" in problem("a: &a [1, *a]").message


def test_a_second_document_is_refused() -> None:
    assert "second document" in problem("a: 1\n---\nb: 2\n").message


def test_conflict_markers_are_recognised() -> None:
    error = problem("a: 1\n<<<<<<< HEAD\nb: 2\n=======\nb: 3\n>>>>>>> other\n")
    assert (error.line, "conflict" in error.message) == (2, True)


def test_a_number_of_a_million_digits_is_refused_at_once() -> None:
    assert "too long" in problem(f"a: {'1' * 1_000_000}").message


def test_aliases_that_unfold_to_billions_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    began = time.process_time()
    assert "unfolds" in problem("\n".join(lines)).message
    assert time.process_time() - began < 2


def test_merges_that_unfold_to_billions_are_refused() -> None:
    lines = ["a0: &a0 {" + ", ".join(f"k{n}: 1" for n in range(10)) + "}"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "unfolds" in problem("\n".join([*lines, "b: {<<: *a11}"])).message


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_a_hundred_thousand_levels_are_refused(opening: str) -> None:
    with pytest.raises(DamagedData, match=r"levels|YAML"):
        values(opening * 100_000)


def test_levels_through_aliases_are_counted() -> None:
    half = MAX_DEPTH // 2 + 5
    text = f"a: &a {'[' * half}{']' * half}\nb: {'[' * half}*a{']' * half}\n"
    assert "levels" in problem(text).message


def test_fifty_levels_are_read() -> None:
    assert values("[" * 50 + "x" + "]" * 50)


def test_long_lines_are_cut_around_the_place() -> None:
    error = problem("a: [" + "1, " * 400 + "&")
    assert all(len(line) < 140 for line in error.excerpt)
    shown, mark = error.excerpt
    assert shown[mark.index("^") - 1] == "&"
