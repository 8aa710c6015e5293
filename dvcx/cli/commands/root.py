"""Print the folder of the project that the current folder is in.

Examples:
    dvcx root
    cd "$(dvcx root)"
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation


@dataclass(frozen=True, slots=True)
class Root:
    """Where the project lies, as an absolute path."""

    root: Path


def command(call: Invocation) -> Root:
    return Root(call.repo().root)


def render(result: Root, console: Console) -> None:
    console.line(str(result.root))
