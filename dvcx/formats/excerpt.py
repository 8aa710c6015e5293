"""Errors in files that people write: the place, the line itself and a mark below what is wrong."""

from __future__ import annotations

from dvcx.base.errors import DamagedData

_MOST_SHOWN = 120


class FileProblem(DamagedData):
    """Something at one place of a text file that cannot be used.

    `at` is (line, column) from 0. The message begins with `file:line:column`, from 1; `excerpt` shows the line.
    """

    def __init__(self, text: str, file: str, at: tuple[int, int], problem: str, hint: str | None = None) -> None:
        line, column = at
        super().__init__(f"{file}:{line + 1}:{column + 1}: {problem}", hint)
        self.file = file
        self.line = line + 1
        self.column = column + 1
        self.problem = problem
        self.excerpt = excerpt(text, line, column)


def excerpt(text: str, line: int, column: int) -> tuple[str, ...]:
    """Gives the line (from 0) of `text` with its number, and a line with a mark below `column`."""
    start = 0
    for _ in range(line):
        start = text.find("\n", start) + 1
        if not start:
            return ()
    end = text.find("\n", start)
    shown = text[start : end if end >= 0 else len(text)].rstrip("\r")
    first = max(0, column - _MOST_SHOWN // 2) if len(shown) > _MOST_SHOWN else 0
    head = f"{line + 1:>5} | "
    gap = "".join("\t" if letter == "\t" else " " for letter in shown[first:column])
    lines = (head + shown[first : first + _MOST_SHOWN], " " * (len(head) - 2) + "| " + gap + "^")
    return tuple(each.expandtabs(4) for each in lines)
