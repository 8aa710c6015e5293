"""Files that changed, a line for each."""

from __future__ import annotations

from typing import Protocol

from dvcx.cli.render.sizes import size_text
from dvcx.cli.render.words import styled_change
from dvcx.cli.text import Piece, dim


class Changed(Protocol):
    """A file that changed, as results of several commands have it."""

    @property
    def change(self) -> str:
        """The word for it."""

    @property
    def path(self) -> str:
        """Where it is, or was."""

    @property
    def old_path(self) -> str | None:
        """Where it was before it was renamed."""

    @property
    def old_size(self) -> int | None:
        """In bytes."""

    @property
    def new_size(self) -> int | None:
        """In bytes."""


def change_line(change: Changed) -> list[Piece]:
    """Gives a changed file as a line: `modified data/3.csv  (2 B -> 3 B)`."""
    name = f"{change.old_path} -> {change.path}" if change.old_path else change.path
    return ["    ", styled_change(f"{change.change:<8}"), " ", name, dim(f"  ({_sizes(change)})")]


def _sizes(change: Changed) -> str:
    sizes = [size for size in (change.old_size, change.new_size) if size is not None]
    texts = [size_text(size) for size in sizes]
    return texts[0] if len(set(texts)) == 1 else " -> ".join(texts)
