"""The graph of a project for people: drawn where it fits, else as a list."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum

from dvcx.cli.console import Console
from dvcx.cli.render.dag_ascii import draw, picture_width
from dvcx.cli.render.dag_svg import html, svg
from dvcx.cli.render.dag_text import dot, listed, mermaid, told
from dvcx.cli.render.stage import warn_of_broken
from dvcx.cli.text import escaped
from dvcx.operations.dag import Dag
from dvcx.pipeline.graph import layouts


class Form(StrEnum):
    """How the graph is written."""

    ASCII = "ascii"
    DOT = "dot"
    MERMAID = "mermaid"
    MARKDOWN = "markdown"
    SVG = "svg"
    HTML = "html"


_WRITERS: Mapping[Form, Callable[[Dag], Iterator[str]]] = {
    Form.DOT: dot,
    Form.MERMAID: mermaid,
    Form.SVG: svg,
    Form.HTML: html,
}


def render_dag(dag: Dag, console: Console, form: Form, columns: int) -> None:
    """Shows the graph in a form; a drawing with letters is at most `columns` wide."""
    warn_of_broken(dag.broken, console)
    if not dag.nodes:
        console.say("there are no stages yet")
        console.next_step("dvcx stage add -n NAME -d INPUT -o OUTPUT COMMAND")
    if form is Form.MARKDOWN:
        console.line("```mermaid")
        for line in mermaid(dag):
            console.line(line)
        console.line("```")
    elif form in _WRITERS:
        for line in _WRITERS[form](dag):
            for each in line.split("\n"):
                console.line(each)
    else:
        _render_ascii(dag, console, columns)


def _render_ascii(dag: Dag, console: Console, columns: int) -> None:
    labels = {n.name: escaped(n.name) + (f" [{n.state}]" if n.state else "") for n in dag.nodes}
    parts = layouts(labels, dag.edges)
    if any(picture_width(part, labels) > columns for part in parts):
        for line in listed(dag):
            console.line(line)
    else:
        for number, part in enumerate(parts):
            if number:
                console.line("")
            for line in draw(part, labels):
                console.line(line)
    stale = [node for node in dag.nodes if node.state == "stale"]
    if stale:
        console.line("")
        for node in stale:
            console.line(f"{node.name}: {told(node)}")
