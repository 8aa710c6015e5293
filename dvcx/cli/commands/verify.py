"""Check that the files of dvcx in Git can be used: pointers, dvcx.yaml, dvcx.lock and the configuration.

Each must parse, have no conflict markers, and the tracked configuration no secrets. The data itself is not looked at:
that is `dvcx status` for the workspace and `dvcx fsck` for what is stored. Ends with exit code 3 when something is
wrong. `dvcx install` has it run before each commit.

Examples:
    dvcx verify
    dvcx verify --json
"""

from __future__ import annotations

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.render.sizes import count_text
from dvcx.cli.text import red
from dvcx.operations.verify import VerifyResult, verify


def command(call: Invocation) -> Outcome:
    result = verify(call.repo())
    return Outcome(result, error=result.problem())


def render(result: VerifyResult, console: Console) -> None:
    for path, why in result.problems.items():
        console.line(red("broken"), "  ", path, ": ", why)
    if not result.problems:
        console.say(f"{count_text(result.checked, 'file')} of dvcx: all can be used")
