"""Print the version of dvcx.

`dvcx doctor` tells more: the versions of what it is built on, and what works on this machine.

Examples:
    dvcx version
    dvcx --version
"""

from __future__ import annotations

from dataclasses import dataclass

from dvcx import __version__
from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation


@dataclass(frozen=True, slots=True)
class Version:
    """The version of the running dvcx."""

    version: str


def command(call: Invocation) -> Version:
    return Version(__version__)


def render(result: Version, console: Console) -> None:
    console.line(f"dvcx {result.version}")
