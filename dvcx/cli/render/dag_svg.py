"""The graph as an SVG image, alone or in an HTML page; needs nothing from anywhere else to be shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

from dvcx.cli.render.dag_text import told
from dvcx.cli.text import escaped, width
from dvcx.operations.dag import Dag, DagNode, NodeKind
from dvcx.pipeline.graph import Layout, layouts

_LETTER, _HEIGHT, _GAP_X, _GAP_Y, _MARGIN = 7.5, 34.0, 24.0, 46.0, 16.0
_STYLE = """\
svg.dag { font: 13px ui-monospace, Menlo, Consolas, monospace; background: #fff; }
.dag path { fill: none; stroke: #78909c; stroke-width: 1.4; }
.dag .head { fill: #78909c; stroke: none; }
.dag rect { fill: #f5f7f9; stroke: #455a64; stroke-width: 1.4; }
.dag .pointer rect { fill: #e3f2fd; }
.dag .output rect { fill: #fffde7; }
.dag .group rect { stroke-dasharray: 5 3; }
.dag .fresh rect { stroke: #2e7d32; stroke-width: 2; }
.dag .stale rect { stroke: #c62828; stroke-width: 2; }
.dag .behind rect { stroke: #ef6c00; stroke-width: 2; stroke-dasharray: 6 3; }
.dag text { fill: #102027; }
"""


def svg(dag: Dag) -> Iterator[str]:
    """Gives the lines of an SVG image of the whole graph, its parts one below the other."""
    nodes = {node.name: node for node in dag.nodes}
    place: dict[str, tuple[float, float, float]] = {}
    top, right = _MARGIN, 0.0
    found = layouts(nodes, dag.edges)
    for layout in found:
        bottom, reach = _place(layout, nodes, top, place)
        top, right = bottom + _GAP_Y, max(right, reach)
    w, h = right + _MARGIN, top - _GAP_Y + _MARGIN if found else 2 * _MARGIN
    size = f'width="{w:.0f}" height="{h:.0f}" viewBox="0 0 {w:.0f} {h:.0f}"'
    yield f'<svg class="dag" xmlns="http://www.w3.org/2000/svg" {size}>'
    yield f"<style>\n{_STYLE}</style>"
    yield '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
    yield '<path class="head" d="M0 0 L8 4 L0 8 z"/></marker></defs>'
    for layout in found:
        for maker, user in layout.edges:
            yield _line(place[maker], place[user], arrow=not user.startswith("\0"), passes=maker.startswith("\0"))
    for node in dag.nodes:
        yield from _box(node, place[node.name])
    yield "</svg>"


def html(dag: Dag) -> Iterator[str]:
    """Gives the lines of an HTML page with the image; reasons are shown where the pointer rests."""
    yield "<!doctype html>"
    yield '<html lang="en"><head><meta charset="utf-8"><title>dvcx dag</title>'
    yield "<style>body { margin: 1em; font-family: sans-serif; } .scroll { overflow: auto; }</style></head>"
    yield '<body><div class="scroll">'
    yield from svg(dag)
    yield "</div>"
    unsettled = [node for node in dag.nodes if node.state not in (None, "fresh")]
    if unsettled:
        yield "<h2>Not up to date</h2><ul>"
        yield from (f"<li><b>{_text(node.name)}</b>: {_text(told(node))}</li>" for node in unsettled)
        yield "</ul>"
    yield "</body></html>"


def _place(
    layout: Layout, nodes: Mapping[str, DagNode], top: float, place: dict[str, tuple[float, float, float]]
) -> tuple[float, float]:
    """Notes left, top and width of each node of a part; gives where the part ends below and to the right."""
    widths = [[_width(name, nodes) for name in layer] for layer in layout.layers]
    totals = [sum(layer) + _GAP_X * (len(layer) - 1) for layer in widths]
    reach = max(totals)
    y = top
    for layer, sizes, total in zip(layout.layers, widths, totals, strict=True):
        x = _MARGIN + (reach - total) / 2
        for name, size in zip(layer, sizes, strict=True):
            place[name] = (x, y, size)
            x += size + _GAP_X
        y += _HEIGHT + _GAP_Y
    return y - _GAP_Y, _MARGIN + reach


def _width(name: str, nodes: Mapping[str, DagNode]) -> float:
    return 0.0 if name.startswith("\0") else width(_label(nodes[name])) * _LETTER + 24


def _label(node: DagNode) -> str:
    return escaped(node.name)


def _line(start: tuple[float, float, float], end: tuple[float, float, float], *, arrow: bool, passes: bool) -> str:
    x1, y1 = start[0] + start[2] / 2, start[1] + _HEIGHT
    x2, y2 = end[0] + end[2] / 2, end[1]
    lead = f"M{x1:.1f} {y1 - _HEIGHT:.1f} V{y1:.1f}" if passes else f"M{x1:.1f} {y1:.1f}"
    middle = (y1 + y2) / 2
    head = ' marker-end="url(#head)"' if arrow else ""
    return f'<path d="{lead} C{x1:.1f} {middle:.1f} {x2:.1f} {middle:.1f} {x2:.1f} {y2:.1f}"{head}/>'


def _box(node: DagNode, place: tuple[float, float, float]) -> Iterator[str]:
    x, y, size = place
    radius = {NodeKind.POINTER: 15, NodeKind.OUTPUT: 0}.get(node.kind, 5)
    yield f'<g class="{node.kind.value} {node.state or ""}">'
    words = [word for word in (node.desc, told(node)) if word]
    if words:
        yield f"<title>{_text(chr(10).join(words))}</title>"
    yield f'<rect x="{x:.1f}" y="{y:.1f}" width="{size:.1f}" height="{_HEIGHT:.0f}" rx="{radius}"/>'
    yield f'<text x="{x + size / 2:.1f}" y="{y + 22:.1f}" text-anchor="middle">{_text(_label(node))}</text></g>'


def _text(text: str) -> str:
    return escape("\n".join(escaped(line) for line in text.split("\n")))
