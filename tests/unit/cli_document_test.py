from __future__ import annotations

import json
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvcx.cli.render.document import document
from dvcx.model.ids import Kind, ObjectId


class Colour(StrEnum):
    RED = "red"


class Number(IntEnum):
    ONE = 1


class Entry(msgspec.Struct, frozen=True, array_like=True):
    name: str
    digest: bytes


@dataclass(frozen=True)
class Result:
    id: ObjectId
    path: Path
    colour: Colour
    number: Number
    entries: tuple[Entry, ...]
    missing: frozenset[str]
    nothing: None = None


def test_every_kind_of_value_has_its_form() -> None:
    result = Result(
        id=ObjectId("blake3", b"\x01" * 32, Kind.BLOB),
        path=Path("data/a b"),
        colour=Colour.RED,
        number=Number.ONE,
        entries=(Entry("x", b"\xff"),),
        missing=frozenset({"b", "a"}),
    )
    assert json.loads(document(result)) == {
        "id": "blake3:" + "01" * 32,
        "path": "data/a b",
        "colour": "red",
        "number": 1,
        "entries": [{"name": "x", "digest": "ff"}],
        "missing": ["a", "b"],
        "nothing": None,
    }


def test_a_document_is_one_line_or_indented() -> None:
    assert document({"a": [1, True]}) == '{"a":[1,true]}'
    assert document({"a": 1}, indent=2) == '{\n  "a": 1\n}'


def test_a_document_cannot_act_on_a_terminal_and_is_exact() -> None:
    name = "a\x1b\x9b\u202e\n\u2028日本"
    text = document([name])
    assert text.replace("日本", "").isascii()
    assert "\x1b" not in text
    assert json.loads(text) == [name]


@given(st.text(st.characters(codec=None)))
def test_every_text_comes_back(text: str) -> None:
    assert json.loads(document({text: text})) == {text: text}


def test_a_value_without_a_form_is_an_error_rather_than_a_guess() -> None:
    with pytest.raises(TypeError, match="object"):
        document(object())
