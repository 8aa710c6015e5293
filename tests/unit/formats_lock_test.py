"""`dvcx.lock` as text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dvcx.base.errors import DamagedData
from dvcx.formats import lock_text
from dvcx.formats.lock_text import parse_lock, print_lock, print_record
from dvcx.formats.pointer_text import load_mapping
from dvcx.manifest.files import EachOnce
from dvcx.model.ids import Kind, ObjectId
from dvcx.model.run_record import Recorded, RunRecord, StageLock

FILE = ObjectId("blake3", bytes(range(32)), Kind.BLOB)
FOLDER = ObjectId("blake3", bytes(32), Kind.TREE)

TRAIN = RunRecord(
    cmd=("python train.py --lr 0.1",),
    deps=(
        Recorded("data/*.csv", members=(Recorded("data/a.csv", FILE, 1), Recorded("data/b.csv", FILE, 2))),
        Recorded("data/train", FOLDER, 30, 2),
        Recorded("env:SEED", value=None),
        Recorded("pkg:numpy", value="2.1.0"),
        Recorded("train.py", FILE, 10, executable=True),
    ),
    params={"params.yaml": {"lr": 0.1, "model": {"depth": 3, "name": "yes"}}, "whole.json": {}},
    outs=(
        Recorded("metrics.json", FILE, 5, cache=False, push=False),
        Recorded("model.pt", FILE, 5, remote="store"),
    ),
)

TEXT = f"""\
dvcx: 1
stages:
  train:
    cmd: python train.py --lr 0.1
    deps:
      "data/*.csv":
        data/a.csv: {{"id": "{FILE}", "size": 1}}
        data/b.csv: {{"id": "{FILE}", "size": 2}}
      data/train: {{"type": "folder", "id": "{FOLDER}", "size": 30, "files": 2}}
      "env:SEED": {{"value": null}}
      "pkg:numpy": {{"value": "2.1.0"}}
      train.py: {{"id": "{FILE}", "size": 10, "executable": true}}
    params:
      params.yaml:
        lr: 0.1
        model: {{"depth": 3, "name": "yes"}}
      whole.json: {{}}
    outs:
      metrics.json: {{"id": "{FILE}", "size": 5, "cache": false, "push": false}}
      model.pt: {{"id": "{FILE}", "size": 5, "remote": "store"}}
"""


def test_every_dependency_parameter_and_output_has_a_line() -> None:
    assert print_lock(StageLock({"train": TRAIN})) == TEXT
    assert parse_lock(TEXT.encode(), "dvcx.lock") == StageLock({"train": TRAIN})


def test_the_quick_reader_is_the_one_that_reads_our_own_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_text, "load_mapping", None)
    assert parse_lock(TEXT.encode(), "dvcx.lock").records["train"] == TRAIN


def test_what_somebody_wrote_otherwise_is_read_as_yaml() -> None:
    text = TEXT.replace("    cmd: python", "    # by hand\n    cmd: 'python").replace("lr 0.1\n", "lr 0.1'\n")
    assert parse_lock(text.encode(), "dvcx.lock").records["train"] == TRAIN


def test_unknown_fields_are_kept_at_every_level() -> None:
    text = TEXT.replace("dvcx: 1\n", 'dvcx: 1\nnew: {"a": [1]}\n').replace('"size": 10,', '"size": 10, "later": 7,')
    text = text.replace("    outs:\n", '    seen: "yesterday"\n    outs:\n')
    lock = parse_lock(text.encode(), "dvcx.lock")
    assert lock.extra == {"new": {"a": [1]}}
    assert lock.records["train"].extra == {"seen": "yesterday"}
    assert parse_lock(print_lock(lock).encode(), "dvcx.lock") == lock
    assert '"later": 7' in print_lock(lock)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("dvcx: 2\nstages: {}\n", "format 2"),
        ("stages: {}\n", "no `dvcx: 1` line"),
        ("dvcx: 1\nstages: []\n", "must have names"),
        (TEXT.replace("\n    deps:", "\n    deps: 3\n    later:"), "must have names"),
        (TEXT.replace('"size": 10', '"size": -10'), "at least 0"),
        (TEXT.replace("blake3:00", "blake3:zz"), "not an object id"),
        (TEXT + TEXT.split("stages:\n")[1], "twice"),
        (TEXT + "<<<<<<< ours\n", "conflict markers"),
        ("dvcx: 1\nstages:\n  a:\n    cmd: [1]\n", "list of texts"),
        ("\x00", "YAML"),
    ],
)
def test_what_is_no_lock_file_is_told(text: str, told: str) -> None:
    with pytest.raises(DamagedData, match=told) as caught:
        parse_lock(text.encode(), "sub/dvcx.lock")
    assert "sub/dvcx.lock" in caught.value.message


names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats(allow_nan=False, allow_infinity=False)
    | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
files = st.builds(
    Recorded,
    names,
    id=st.just(FILE),
    size=st.integers(0, 1 << 50),
    executable=st.booleans(),
    cache=st.booleans(),
    push=st.booleans(),
    remote=st.none() | names,
)
facts = st.builds(Recorded, names, value=st.none() | names)
members = st.lists(files, max_size=3, unique_by=lambda each: each.text)
patterns = st.builds(
    lambda text, inner: Recorded(text, members=tuple(sorted(inner, key=lambda each: each.text))), names, members
)


def _sorted(items: list[Recorded]) -> tuple[Recorded, ...]:
    return tuple(sorted(items, key=lambda each: each.text))


recorded = st.lists(files | facts | patterns, max_size=3, unique_by=lambda each: each.text).map(_sorted)
records = st.builds(
    RunRecord,
    cmd=st.lists(names, max_size=2).map(tuple),
    deps=recorded,
    params=st.dictionaries(names, st.dictionaries(names, values, max_size=2), max_size=2),
    outs=recorded,
)


@given(st.dictionaries(names, records, max_size=3))
def test_what_is_written_is_read_back_by_both_readers(stages: dict[str, RunRecord]) -> None:
    lock = StageLock(stages)
    text = print_lock(lock)
    assert parse_lock(text.encode(), "dvcx.lock") == lock
    again = lock_text._lock(load_mapping(text, "dvcx.lock"), "dvcx.lock")
    assert again == lock


def test_files_of_a_pattern_may_be_called_like_fields() -> None:
    made = tuple(Recorded(name, FILE, 1) for name in ("id", "size", "value"))
    lock = StageLock({"a": RunRecord(cmd=("x",), outs=(Recorded("*", members=made), Recorded("id", FILE, 1)))})
    assert parse_lock(print_lock(lock).encode(), "dvcx.lock") == lock


def test_five_thousand_stages_are_read_in_less_than_a_second() -> None:
    text = print_lock(StageLock({f"s{number}": TRAIN for number in range(5000)})).encode()
    began = time.process_time()
    assert len(parse_lock(text, "dvcx.lock").records) == 5000
    assert time.process_time() - began < 2.0


@settings(max_examples=40)
@given(st.lists(st.dictionaries(names, records, max_size=4), max_size=5))
def test_versions_that_are_read_once_say_together_what_each_says(versions: list[dict[str, RunRecord]]) -> None:
    once = EachOnce()
    found: set[tuple[str, str]] = set()
    told = 0
    for each in versions:
        text = print_lock(StageLock(each)).encode()
        rest = parse_lock(once.new_in(text, "sub/dvcx.lock"), "dvcx.lock").records
        told += len(rest)
        found.update((name, _unordered(record)) for name, record in rest.items())
    every = {(name, _unordered(record)) for each in versions for name, record in each.items()}
    assert found == every
    assert told <= sum(map(len, versions))


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("    params:", "    params: # mine"),
        TEXT + "more: 1\n",
        TEXT.replace("dvcx: 1\n", "dvcx: 1\nmore: 1\n"),
        TEXT.replace("    cmd: python", "    cmd: >\n      python"),
        TEXT.replace("stages:", "stages: {}\nother:"),
        "<<<<<<< ours\n" + TEXT,
        TEXT[:-1],
        "",
    ],
)
def test_what_is_not_as_we_write_it_is_given_whole_each_time(text: str) -> None:
    once = EachOnce()
    assert once.new_in(TEXT.encode(), "dvcx.lock") == TEXT.encode()
    assert once.new_in(text.encode(), "dvcx.lock") == text.encode()
    assert once.new_in(text.encode(), "dvcx.lock") == text.encode()
    assert once.new_in(TEXT.encode(), "dvcx.lock") == b"dvcx: 1\nstages: {}\n"


def test_the_same_record_in_another_folder_is_another_one() -> None:
    once = EachOnce()
    for path in ("dvcx.lock", "sub/dvcx.lock"):
        assert once.new_in(TEXT.encode(), path) == TEXT.encode()
    assert once.new_in(b"dvcx: 1\n", "data.dvcx") == b"dvcx: 1\n"


def _unordered(record: RunRecord) -> str:
    return print_record("x", record)
