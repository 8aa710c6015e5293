"""The graph drawn with letters: boxes in layers, lines that run down from what makes to what needs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from dvcx.cli.text import width
from dvcx.pipeline.graph import Layout

_GAP = 2


def draw(layout: Layout, labels: Mapping[str, str]) -> list[str]:
    """Gives the lines of a picture of one connected part. Lines that cross do not touch: a join is a `+`."""
    boxes = _placed(layout, labels)
    total = max(box.right for layer in boxes for box in layer) + 1
    lines: list[str] = []
    for number, layer in enumerate(boxes):
        lines += _layer_lines(layer, labels, total)
        if number + 1 < len(boxes):
            lines += _gap_lines(layout, layer, boxes[number + 1], total)
    return [line.rstrip() for line in lines]


def picture_width(layout: Layout, labels: Mapping[str, str]) -> int:
    """Gives how many columns a picture takes at least."""
    return max(sum(_width(name, labels) + _GAP for name in layer) for layer in layout.layers)


@dataclass(slots=True)
class _Box:
    name: str
    left: int
    size: int

    @property
    def right(self) -> int:
        return self.left + self.size - 1

    @property
    def centre(self) -> int:
        return self.left + self.size // 2

    @property
    def is_passing(self) -> bool:
        return self.name.startswith("\0")


def _width(name: str, labels: Mapping[str, str]) -> int:
    return 1 if name.startswith("\0") else width(labels[name]) + 4


def _placed(layout: Layout, labels: Mapping[str, str]) -> list[list[_Box]]:
    """Gives the boxes of each layer with their columns: near those above, then moved right to those below."""
    above: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    for maker, user in layout.edges:
        above.setdefault(user, []).append(maker)
        below.setdefault(maker, []).append(user)
    centre: dict[str, int] = {}
    layers: list[list[_Box]] = []
    for names in layout.layers:
        layer: list[_Box] = []
        start = 0
        for name in names:
            size = _width(name, labels)
            wanted = _middle([centre[each] for each in above.get(name, ())])
            left = start if wanted is None else max(start, wanted - size // 2)
            layer.append(_Box(name, left, size))
            start = left + size + _GAP
        centre.update((box.name, box.centre) for box in layer)
        layers.append(layer)
    for layer in reversed(layers[:-1]):
        limit: int | None = None
        for box in reversed(layer):
            wanted = _middle([centre[each] for each in below.get(box.name, ())])
            left = box.left if wanted is None else max(box.left, wanted - box.size // 2)
            box.left = left if limit is None else max(box.left, min(left, limit - box.size - _GAP + 1))
            limit = box.left - 1
        centre.update((box.name, box.centre) for box in layer)
    first = min(box.left for layer in layers for box in layer)
    for layer in layers:
        for box in layer:
            box.left -= first
    for upper, lower in pairwise(layers):
        _keep_apart(upper, lower, above)
    return layers


def _middle(places: Sequence[int]) -> int | None:
    return sum(places) // len(places) if places else None


def _keep_apart(upper: Sequence[_Box], lower: Sequence[_Box], above: Mapping[str, list[str]]) -> None:
    """Moves boxes to the right that stand exactly below one that they do not need: their lines would be one."""
    by_centre = {box.centre: box.name for box in upper}
    moved = 0
    for box in lower:
        box.left += moved
        while by_centre.get(box.centre, box.name) not in (box.name, *above.get(box.name, ())):
            box.left += 1
            moved += 1


def _layer_lines(layer: Sequence[_Box], labels: Mapping[str, str], total: int) -> list[str]:
    rows: list[str] = []
    for row in range(3):
        line = ""
        for box in layer:
            line += " " * (box.left - width(line))
            if box.is_passing:
                line += "|"
            elif row == 1:
                line += f"| {labels[box.name]} |"
            else:
                line += "+" + "-" * (box.size - 2) + "+"
        rows.append(line + " " * (total - width(line)))
    return rows


def _gap_lines(layout: Layout, upper: Sequence[_Box], lower: Sequence[_Box], total: int) -> list[str]:
    """Gives the lines between two layers: each box above that needs one has a row where its line runs to the sides."""
    users: dict[str, list[int]] = {}
    column = {box.name: box.centre for box in lower}
    for maker, user in layout.edges:
        if user in column:
            users.setdefault(maker, []).append(column[user])
    spans = []
    for box in upper:
        ends = [box.centre, *users.get(box.name, ())]
        if box.name in users:
            spans.append((min(ends), max(ends), box))
    row_of, rows = _rows([(left, right, box.name) for left, right, box in spans if left != right])
    height = rows + 2 if rows else 1
    canvas = [[" "] * total for _ in range(height)]
    for left, right, box in spans:
        row = row_of.get(box.name, 0)
        for y in range(row + 1 if left != right else height):
            canvas[y][box.centre] = "|"
        for target in users[box.name]:
            for y in range(row, height):
                canvas[y][target] = "|"
    for left, right, box in spans:
        if left != right:
            row = row_of[box.name]
            for x in range(left, right + 1):
                if canvas[row][x] == " ":
                    canvas[row][x] = "-"
            for x in {box.centre, *users[box.name]}:
                canvas[row][x] = "+"
    for box in lower:
        if not box.is_passing and canvas[-1][box.centre] == "|":
            canvas[-1][box.centre] = "v"
    return ["".join(line) for line in canvas]


def _rows(spans: Sequence[tuple[int, int, str]]) -> tuple[dict[str, int], int]:
    """Gives a row, from 1, for each line that runs to the sides, no two touching in one row; and how many there are."""
    ends: list[int] = []
    row_of: dict[str, int] = {}
    for left, right, name in sorted(spans):
        number = next((number for number, end in enumerate(ends) if end < left - 1), len(ends))
        if number == len(ends):
            ends.append(0)
        ends[number] = right
        row_of[name] = number + 1
    return row_of, len(ends)
