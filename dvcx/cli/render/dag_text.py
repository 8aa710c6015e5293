"""The graph in the languages of other programs: Graphviz and Mermaid; and as a plain list."""

from __future__ import annotations

import json
from collections.abc import Iterator

from dvcx.operations.dag import Dag, DagNode, NodeKind

_DOT_SHAPES = {NodeKind.STAGE: "box", NodeKind.GROUP: "box3d", NodeKind.POINTER: "cylinder", NodeKind.OUTPUT: "note"}
_COLOURS = {"fresh": "#2e7d32", "stale": "#c62828", "behind": "#ef6c00"}


def dot(dag: Dag) -> Iterator[str]:
    """Gives the lines of a graph for `dot`."""
    yield "digraph {"
    yield '  node [fontname="sans-serif"];'
    for node in dag.nodes:
        colour = f', color="{_COLOURS[node.state]}"' if node.state else ""
        tip = f", tooltip={_quoted(told(node))}" if node.state else ""
        yield f"  {_quoted(node.name)} [shape={_DOT_SHAPES[node.kind]}{colour}{tip}];"
    for maker, user in dag.edges:
        yield f"  {_quoted(maker)} -> {_quoted(user)};"
    yield "}"


def mermaid(dag: Dag) -> Iterator[str]:
    """Gives the lines of a Mermaid flow chart."""
    yield "flowchart TD"
    ids = {node.name: f"node{number}" for number, node in enumerate(dag.nodes, 1)}
    for node in dag.nodes:
        label = node.name if node.state in (None, "fresh") else f"{node.name} ({node.state})"
        opening, closing = ("[(", ")]") if node.kind is NodeKind.POINTER else ("[", "]")
        style = f":::{node.state}" if node.state else ""
        yield f'    {ids[node.name]}{opening}"{_mermaid_text(label)}"{closing}{style}'
    for maker, user in dag.edges:
        yield f"    {ids[maker]} --> {ids[user]}"
    for state in dict.fromkeys(node.state for node in dag.nodes if node.state):
        yield f"    classDef {state} stroke:{_COLOURS[state]},stroke-width:2px"


def listed(dag: Dag) -> Iterator[str]:
    """Gives a line for each node with what it needs: for graphs that are too wide to draw."""
    needs: dict[str, list[str]] = {}
    for maker, user in dag.edges:
        needs.setdefault(user, []).append(maker)
    for node in dag.nodes:
        state = f" [{node.state}]" if node.state else ""
        before = needs.get(node.name)
        yield f"{node.name}{state}" + (f" <- {', '.join(before)}" if before else "")


def told(node: DagNode) -> str:
    """Gives the state of a node in words."""
    if node.state == "behind":
        return "a stage before it is stale"
    return "; ".join([node.state or "", *node.reasons]) if node.reasons else node.state or ""


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _mermaid_text(text: str) -> str:
    return "".join(c if c.isalnum() or c in " _-./:@()[]{}+=,*?!%" else f"#{ord(c)};" for c in text)
