"""What `freeze` and `unfreeze` did, as text."""

from __future__ import annotations

from dvcx.cli.console import Console
from dvcx.cli.text import yellow
from dvcx.operations.freeze import FreezeResult


def render_freeze(result: FreezeResult, console: Console) -> None:
    """Shows each path that changed; says it of those that did not have to."""
    for path in result.changed:
        console.report(yellow("frozen  " if result.frozen else "unfrozen"), " ", path)
    for path in result.unchanged:
        console.say(path, " was frozen already" if result.frozen else " was not frozen")
    if not result.changed and not result.unchanged:
        console.say("nothing is tracked there")
