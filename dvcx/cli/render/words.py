"""The words for kinds of change, in the colours that they have everywhere."""

from __future__ import annotations

from dvcx.cli.text import Styled, green, red, yellow


def styled_change(word: str) -> Styled:
    """Gives a word such as `added` or `deleted` in its colour."""
    if word.startswith(("add", "creat")):
        return green(word)
    if word.startswith(("delet", "remov")):
        return red(word)
    return yellow(word)
