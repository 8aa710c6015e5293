"""Text on its way to a terminal: made harmless, measured in columns, laid out in tables, styled."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

# C0, DEL, C1; the marks, line ends and overrides that change the order or the lines of what is shown; and lone
# surrogates, which is how Python holds the bytes of a file name that is not UTF-8.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def escaped(text: str) -> str:
    r"""Gives `text` with everything that could act on a terminal shown as `\xNN` or `\uNNNN`.

    The result is one line. The bytes of a name that is not UTF-8 are shown as `\xNN` too. A backslash stays as it is:
    this is for people to read; `--json` is exact.
    """
    if text.isprintable():  # the usual case; printable text has nothing of the above in it
        return text
    return _UNSAFE.sub(_shown, text)


def _shown(found: re.Match[str]) -> str:
    point = ord(found.group())
    if 0xDC80 <= point <= 0xDCFF:
        point -= 0xDC00
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}"


class Style(Enum):
    """How a piece of text looks, by its ANSI code; always in addition to words that say the same."""

    BOLD = "1"
    DIM = "2"
    RED = "31"
    GREEN = "32"
    YELLOW = "33"
    BLUE = "34"
    CYAN = "36"


@dataclass(frozen=True, slots=True)
class Styled:
    """A piece of text with a look, which only a terminal that wants colours shows."""

    text: str
    style: Style


Piece = str | Styled
Line = Sequence[Piece]
Cell = Piece | Line


def bold(text: str) -> Styled:
    """Gives `text` in bold."""
    return Styled(text, Style.BOLD)


def dim(text: str) -> Styled:
    """Gives `text` less bright."""
    return Styled(text, Style.DIM)


def red(text: str) -> Styled:
    """Gives `text` in red: deleted, damaged, an error."""
    return Styled(text, Style.RED)


def green(text: str) -> Styled:
    """Gives `text` in green: added, good."""
    return Styled(text, Style.GREEN)


def yellow(text: str) -> Styled:
    """Gives `text` in yellow: modified, a warning."""
    return Styled(text, Style.YELLOW)


def blue(text: str) -> Styled:
    """Gives `text` in blue: renamed."""
    return Styled(text, Style.BLUE)


def cyan(text: str) -> Styled:
    """Gives `text` in cyan: a hint, a name to type."""
    return Styled(text, Style.CYAN)


def drawn(pieces: Iterable[Piece], *, colour: bool) -> str:
    """Gives the text of a line: every piece escaped, then styled when `colour`."""
    return "".join(_drawn(piece, colour) for piece in pieces)


def _drawn(piece: Piece, colour: bool) -> str:
    if isinstance(piece, str):
        return escaped(piece)
    return f"\x1b[{piece.style.value}m{escaped(piece.text)}\x1b[0m" if colour else escaped(piece.text)


def width(text: str) -> int:
    """Gives how many columns a terminal needs for `text` (already escaped): East Asian wide 2, combining marks 0."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def table(rows: Iterable[Sequence[Cell]], *, right: Collection[int] = (), gap: str = "  ") -> list[Line]:
    """Gives lines in which the cells of each column stand under each other.

    `right` holds the columns (from 0) whose cells end, rather than start, at the same place: numbers and sizes. A cell
    is a piece or a list of pieces. Lines have no spaces at their end; rows may differ in length.
    """
    cells = [[_pieces(cell) for cell in row] for row in rows]
    widths: list[int] = []
    for row in cells:
        widths.extend([0] * (len(row) - len(widths)))
        for column, pieces in enumerate(row):
            widths[column] = max(widths[column], width(drawn(pieces, colour=False)))
    return [_aligned(row, widths, right, gap) for row in cells]


def _pieces(cell: Cell) -> Line:
    return (cell,) if isinstance(cell, str | Styled) else cell


def _aligned(row: Sequence[Line], widths: Sequence[int], right: Collection[int], gap: str) -> Line:
    line: list[Piece] = []
    pending = ""  # spaces not written until something follows them
    for column, pieces in enumerate(row):
        used = width(drawn(pieces, colour=False))
        space = " " * (widths[column] - used)
        before, after = (space, "") if column in right else ("", space)
        if used:
            line.extend(piece for piece in (pending + before, *pieces) if piece)
            pending = after + gap
        else:
            pending += before + after + gap
    return line
