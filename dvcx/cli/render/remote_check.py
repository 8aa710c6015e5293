"""What was tried on a remote, as text."""

from __future__ import annotations

from dvcx.cli.console import Console
from dvcx.cli.text import dim, green, red, yellow
from dvcx.operations.remote_check import RemoteCheck
from dvcx.storage.bucket_check import Verdict

_STYLES = {Verdict.OK: green, Verdict.WARNING: yellow, Verdict.FAILED: red, Verdict.SKIPPED: dim}


def render_remote_check(result: RemoteCheck, console: Console) -> None:
    """Shows each trial on a line: how it ended, what was found and how long it took; hints below."""
    console.line(f"{result.name}  ", dim(result.url))
    console.table(
        [
            (_STYLES[each.verdict](each.verdict), each.what, each.found, dim(f"{each.seconds:.2f} s"))
            for each in result.trials
        ]
    )
    for each in result.trials:
        if each.hint is not None:
            console.say(f"{each.what}: {each.hint}")
    if result.works:
        console.say(f"the remote {result.name} works")
    else:
        console.say(f"the remote {result.name} cannot be used")
