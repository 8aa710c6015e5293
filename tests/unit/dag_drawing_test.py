"""Pictures of graphs: right by eye for small ones, and every line leads where it should for all."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from dvcx.cli.render.dag_ascii import draw
from dvcx.cli.render.dag_svg import html, svg
from dvcx.cli.render.dag_text import dot, listed, mermaid
from dvcx.operations.dag import Dag, DagNode, NodeKind
from dvcx.pipeline.graph import around, folded, layouts

Edges = list[tuple[str, str]]


def pictures(nodes: list[str], edges: Edges) -> list[list[str]]:
    return [draw(part, {name: name for name in nodes}) for part in layouts(nodes, edges)]


def test_a_chain() -> None:
    assert pictures(["a", "b"], [("a", "b")]) == [
        ["+---+", "| a |", "+---+", "  v", "+---+", "| b |", "+---+"],
    ]


def test_a_diamond() -> None:
    edges = [("top", "left"), ("top", "right"), ("left", "end"), ("right", "end")]
    assert pictures(["top", "left", "right", "end"], edges) == [
        [
            "      +-----+",
            "      | top |",
            "      +-----+",
            "         |",
            "    +----+----+",
            "    v         v",
            "+------+  +-------+",
            "| left |  | right |",
            "+------+  +-------+",
            "    |         |",
            "    +----+    |",
            "         +----+",
            "         v",
            "      +-----+",
            "      | end |",
            "      +-----+",
        ]
    ]


def test_parts_are_drawn_apart() -> None:
    assert len(pictures(["a", "b", "c"], [("a", "c")])) == 2


NODES = [f"n{number}" for number in range(9)]


@st.composite
def graphs(pick: st.DrawFn) -> tuple[list[str], Edges]:
    nodes = NODES[: pick(st.integers(1, len(NODES)))]
    pairs = [(a, b) for i, a in enumerate(nodes) for b in nodes[i + 1 :]]
    return nodes, pick(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []


@given(graphs())
def test_every_line_leads_to_what_needs_it(graph: tuple[list[str], Edges]) -> None:
    nodes, edges = graph
    for part in layouts(nodes, edges):
        lines = draw(part, {name: name for name in nodes})
        inside = {name for layer in part.layers for name in layer if not name.startswith("\0")}
        for maker in inside:
            users = {user for made, user in edges if made == maker}
            assert users <= reached(lines, maker), "\n".join(lines)


@st.composite
def forests(pick: st.DrawFn) -> tuple[list[str], Edges]:
    nodes = NODES[: pick(st.integers(1, len(NODES)))]
    makers = [pick(st.none() | st.sampled_from(nodes[:number])) if number else None for number in range(len(nodes))]
    return nodes, [(maker, node) for maker, node in zip(makers, nodes, strict=True) if maker is not None]


@given(forests())
def test_no_line_leads_anywhere_else(graph: tuple[list[str], Edges]) -> None:
    nodes, edges = graph
    for part in layouts(nodes, edges):
        lines = draw(part, {name: name for name in nodes})
        for maker in (name for layer in part.layers for name in layer):
            assert reached(lines, maker) == {user for made, user in edges if made == maker}, "\n".join(lines)


def test_a_line_does_not_run_into_the_box_of_another() -> None:
    edges = [("n0", "n2"), ("n1", "n3"), ("n0", "n3"), ("n0", "n4"), ("n1", "n4"), ("n0", "n5")]
    (lines,) = pictures(NODES[:6], edges)
    assert "n2" not in reached(lines, "n1"), "\n".join(lines)


def reached(lines: list[str], name: str) -> set[str]:
    """Gives the boxes whose tops can be reached along the lines that leave the bottom of the box `name`."""
    wide = max(map(len, lines))
    canvas = [line.ljust(wide) for line in lines]
    boxes = {n: (y, x) for y, line in enumerate(canvas) for n in NODES if (x := line.find(f"| {n} |")) >= 0}
    top, left = boxes[name]
    down, sideways = (1, 0), ((0, -1), (0, 1))
    waiting = [((top + 2, x), down) for x in range(left, left + len(name) + 4)]
    seen = set(waiting)
    found = set()
    while waiting:
        (y, x), direction = waiting.pop()
        here = canvas[y][x] if y < len(canvas) else " "
        if here == "v":
            found |= {n for n, (by, bx) in boxes.items() if by == y + 2 and bx <= x < bx + len(n) + 4}
        # A line that meets another one crosses it and goes on; only at a + can it turn.
        turns = {"|": [direction], "-": [direction], "+": [down, *sideways]}.get(here, [])
        for step in turns:
            after = ((y + step[0], x + step[1]), step)
            if 0 <= after[0][1] < wide and after not in seen:
                seen.add(after)
                waiting.append(after)
    return found


@given(graphs())
def test_every_box_is_drawn_whole(graph: tuple[list[str], Edges]) -> None:
    nodes, edges = graph
    shown = "\n".join(line for picture in pictures(nodes, edges) for line in picture)
    assert all(shown.count(f"| {name} |") == 1 for name in nodes)


def dag_of(*names: str) -> Dag:
    nodes = [DagNode(name, NodeKind.STAGE, "stale", ("params.yaml:lr 1 -> 2",), "about it") for name in names]
    return Dag(tuple(nodes), tuple(pairwise(names)))


HOSTILE = ('a"]; evil [label="', "<script>alert(1)</script>", "x\x1b[31m\u202e", "a]-->b", "`c`", "]]>&amp;")


def test_names_cannot_leave_their_place_in_an_image() -> None:
    tree = ElementTree.fromstring("\n".join(svg(dag_of(*HOSTILE))))
    assert {element.tag.rpartition("}")[2] for element in tree.iter()} == {
        "svg",
        "style",
        "defs",
        "marker",
        "path",
        "g",
        "title",
        "rect",
        "text",
    }
    assert "<script" not in "\n".join(html(dag_of(*HOSTILE)))


def test_names_cannot_leave_their_place_in_other_languages() -> None:
    for line in list(dot(dag_of(*HOSTILE)))[2:-1]:
        assert line.replace("\\\\", "").replace('\\"', "").count('"') % 2 == 0
    for line in mermaid(dag_of(*HOSTILE)):
        assert line.count('"') in (0, 2), line
        assert "<" not in line


def test_a_list_names_what_each_needs() -> None:
    assert list(listed(dag_of("a", "b"))) == ["a [stale]", "b [stale] <- a"]


def test_parts_around_targets() -> None:
    edges = [("a", "b"), ("b", "c"), ("x", "c"), ("lone", "other")]
    nodes = ["a", "b", "c", "x", "lone", "other"]
    assert around(nodes, edges, ["b"], full=False) == {"a", "b"}
    assert around(nodes, edges, ["b"], full=True) == {"a", "b", "c", "x"}


def test_groups_become_one_node() -> None:
    nodes, edges = folded(
        ["a", "t@1", "t@2", "z"], [("a", "t@1"), ("t@1", "t@2"), ("t@2", "z")], {"t@1": "t", "t@2": "t"}
    )
    assert (nodes, edges) == (["a", "t", "z"], [("a", "t"), ("t", "z")])
