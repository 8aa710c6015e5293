"""Which stage needs which: by paths, folders and patterns; what two stages cannot both make; the order to run in."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvcx.base.errors import DamagedData
from dvcx.base.globs import path_pattern
from dvcx.pipeline.load import load_pipeline
from dvcx.pipeline.order import downstream, producers, run_order, upstream
from dvcx.pipeline.pattern_overlap import patterns_overlap
from dvcx.pipeline.source import TextSource

Lists = dict[str, tuple[list[str], list[str]]]


def needs_of(stages: Lists, pointers: tuple[str, ...] = (), file: str = "dvcx.yaml") -> dict[str, tuple[str, ...]]:
    """Gives what each stage needs, of stages with lists of dependencies and outputs, one a line."""
    lines = [f"  {name}: {{cmd: x, deps: {deps!r}, outs: {outs!r}}}" for name, (deps, outs) in stages.items()]
    pipeline = load_pipeline(TextSource({file: "\n".join(["stages:", *lines]).encode()}))
    pipeline.raise_broken()
    return dict(producers(pipeline, pointers))


@pytest.mark.parametrize(
    ("dep", "out", "linked"),
    [
        ("a", "a", True),
        ("a/b/c", "a", True),
        ("a", "a/b/c", True),
        ("ab", "a", False),
        ("a", "ab", False),
        ("a/b", "a/c", False),
        ("a/*.csv", "a/x.csv", True),
        ("a/*.csv", "a/x.txt", False),
        ("a/*.csv", "a", True),
        ("a/*", "a/x/y", True),
        ("*.csv", "a/x.csv", False),
        ("**/*.csv", "a/b/x.csv", True),
        ("a/x.csv", "a/*.csv", True),
        ("a/x.txt", "a/*.csv", False),
        ("a/x/deep", "a/*", True),
        ("a", "a/*.csv", True),
        ("b", "a/*.csv", False),
        ("a/1*", "a/*2", True),
        ("a/1*.csv", "a/*.txt", False),
        ("a/[0-9]?", "a/1*", True),
    ],
)
def test_paths_link_what_they_share(dep: str, out: str, linked: bool) -> None:
    needs = needs_of({"make": ([], [out]), "use": ([dep], [])})
    assert needs["use"] == (("make",) if linked else ())


def test_pointers_make_their_data() -> None:
    needs = needs_of({"use": (["data/raw/x.csv", "other"], [])}, ("data/raw", "other/inside", "unused"))
    assert needs["use"] == ("data/raw.dvcx", "other/inside.dvcx")


def test_parameter_files_that_a_stage_makes_are_needed() -> None:
    text = "stages: {make: {cmd: x, outs: [p.yaml]}, use: {cmd: x, params: [{p.yaml: [a]}]}}"
    assert producers(load_pipeline(TextSource({"dvcx.yaml": text.encode()})))["use"] == ("make",)


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ("a", "a", "a is made twice: by one (dvcx.yaml:2:34) and by two (dvcx.yaml:3:34)"),
        ("a", "a/b", "a/b lies inside a, which is made too: by two (dvcx.yaml:3:34) and by one (dvcx.yaml:2:34)"),
        ("m/*.pt", "m/x.pt", "m/*.pt can mean m/x.pt, which is made too: by one"),
        ("m/*.pt", "m/x*", "can mean the same files: by"),
        ("m/*", "m", "m/* can mean m"),
    ],
)
def test_outputs_that_two_stages_claim_are_told_with_both_places(first: str, second: str, told: str) -> None:
    with pytest.raises(DamagedData) as caught:
        needs_of({"one": ([], [first]), "two": ([], [second])})
    assert told in caught.value.message
    for name in ("one (dvcx.yaml:2:34)", "two (dvcx.yaml:3:34)"):
        assert name in caught.value.message


def test_an_output_that_a_pointer_tracks_is_told() -> None:
    with pytest.raises(DamagedData, match=r"data is made twice: by data.dvcx and by make \(dvcx.yaml:2:35\)"):
        needs_of({"make": ([], ["data"])}, ("data",))


def test_a_pipeline_file_inside_an_output_is_told() -> None:
    files = {"dvcx.yaml": b"stages: {a: {cmd: x, outs: [sub]}}", "sub/dvcx.yaml": b"stages: {b: {cmd: x}}"}
    with pytest.raises(DamagedData, match=r"sub/dvcx.yaml lies inside sub, which a"):
        producers(load_pipeline(TextSource(files)))


def test_a_circle_is_told_with_every_link() -> None:
    with pytest.raises(DamagedData) as caught:
        needs_of({"a": (["c.out"], ["a.out"]), "b": (["a.out"], ["b.out"]), "c": (["b.out/part"], ["c.out"])})
    message = caught.value.message
    assert message.startswith("stages need each other in a circle: ")
    for link in (
        "a needs c.out (dvcx.yaml:2:22) of c (dvcx.yaml:4:",
        "b needs a.out (dvcx.yaml:3:22) of a (dvcx.yaml:2:",
        "c needs b.out/part (dvcx.yaml:4:22) of b (dvcx.yaml:3:",
    ):
        assert link in message


def test_a_stage_that_needs_its_own_output_is_told() -> None:
    with pytest.raises(DamagedData, match="a stage needs what it makes itself: a needs x/in"):
        needs_of({"a": (["x/in"], ["x"])})


def test_the_order_is_that_of_the_file_where_needs_leave_it_free() -> None:
    needs = needs_of({"z": (["b.out"], []), "y": ([], []), "b": ([], ["b.out"]), "a": ([], [])})
    assert run_order(needs) == ["y", "b", "z", "a"]
    assert run_order(needs, ["z"]) == ["b", "z"]


def test_up_and_down_the_stream() -> None:
    needs = needs_of({"a": (["raw"], ["1"]), "b": (["1"], ["2"]), "c": (["2"], []), "d": ([], [])}, ("raw",))
    assert upstream(needs, ["b"]) == {"a", "b"}
    assert downstream(needs, ["b"]) == {"b", "c"}
    assert downstream(needs, ["raw.dvcx"]) == {"a", "b", "c"}


def test_a_chain_of_ten_thousand_needs_no_recursion() -> None:
    needs = {f"s{n}": (f"s{n - 1}",) if n else () for n in range(10_000)}
    assert run_order(needs)[-1] == "s9999"
    assert len(upstream(needs, ["s9999"])) == 10_000


def test_many_patterns_are_not_compared_with_each_other() -> None:
    began = time.process_time()
    needs = needs_of({f"s{n}": ([f"d{n}/*.csv", f"o{n - 1}/x"], [f"o{n}/*"]) for n in range(2000)})
    assert needs["s5"] == ("s4",)
    assert time.process_time() - began < 6


def test_patterns_full_of_stars_are_compared_at_once() -> None:
    began = time.process_time()
    assert not patterns_overlap("a*" * 200 + "b", "a*" * 200 + "c")
    assert patterns_overlap("**/" * 100 + "x", "**/" * 100 + "*")
    assert time.process_time() - began < 2


_PART = st.sampled_from(["a", "b", "ab", "*", "a*", "*b", "?", "a?", "**"])
_PATTERN = st.lists(_PART, min_size=1, max_size=3).map("/".join)
_PATH = st.lists(st.sampled_from(["a", "b", "ab", "ba", "aab"]), min_size=1, max_size=4).map("/".join)


@given(_PATTERN, _PATTERN, _PATH)
def test_two_patterns_that_match_one_path_overlap(one: str, other: str, path: str) -> None:
    if path_pattern(one).fullmatch(path) and path_pattern(other).fullmatch(path):
        assert patterns_overlap(one, other)


@given(_PATTERN, _PATTERN)
def test_overlap_is_the_same_in_both_directions(one: str, other: str) -> None:
    assert patterns_overlap(one, other) == patterns_overlap(other, one)
