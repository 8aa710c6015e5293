"""Names and tables as Markdown in which nothing is read as Markdown, HTML or a mention."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from dvcx.cli.text import escaped


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> str:
    """Gives a table; cells are texts as they are, or what `code` gave. `right` aligns columns of numbers."""
    return "\n".join(_lines(head, rows, right)) + "\n"


def _lines(head: Sequence[str], rows: Sequence[Sequence[str]], right: Collection[int]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"| {' | '.join('---:' if number in right else '---' for number in range(len(head)))} |"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def cell(text: str) -> str:
    """Gives a text for a table cell."""
    return escaped(text).replace("|", "\\|")


def code(text: str) -> str:
    """Gives a name as a Markdown code span in a table cell: nothing in it is read as Markdown, HTML or a mention."""
    name = cell(text)
    longest = max((len(run) for run in re.findall("`+", name)), default=0)
    fence = "`" * (longest + 1)
    space = " " if name.startswith("`") or name.endswith("`") else ""
    return f"{fence}{space}{name}{space}{fence}"
