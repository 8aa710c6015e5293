"""The frame around every command: whatever happens inside, the user gets a message and an exit code."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

from dvcx.base.paths import RECURSION
from dvcx.cli.console import Console, prepare_streams
from dvcx.cli.exits import DONE, flush_output, report
from dvcx.cli.settings import guessed

# A command makes hundreds of thousands of values and next to no cycles, so looking for these that often is for nothing.
gc.set_threshold(100_000, 20, 20)
sys.setrecursionlimit(max(sys.getrecursionlimit(), RECURSION))


def run(words: Sequence[str]) -> int:
    """Runs the command line `words` (without the program's name) and gives its exit code."""
    prepare_streams()
    settings = guessed(words)
    try:
        if words[:1] == ["__complete"]:
            # What the completion scripts call at every press of the tab key: most answers need no typer.
            from dvcx.cli.complete import main as complete

            complete(words[1:])
            code = DONE.code
        elif words[:1] == ["__git"]:
            # What Git calls for hooks, merges and diffs, often many times in a row.
            from dvcx.cli.git_calls import answer

            code = answer(words[1:], Console(settings, os.environ), os.environ)
        else:
            # Typer takes most of the start; importing it here lets Control-C and a broken installation be reported.
            from dvcx.cli.group import invoke

            code = invoke(words, settings)
        flush_output()
    except BaseException as error:
        if isinstance(error, SystemExit):
            raise
        return report(error, Console(settings, os.environ), os.environ)
    return code
