"""Run a command once, see which files of the project it reads and writes, and propose the stage to add.

Nothing is written into dvcx.yaml without --write. With strace every program is watched; where that is not to be had,
only Python programs are. Files of programs themselves, outside of the project, are left out. Look at the proposal
before you use it: a command may read more or less another time.

Examples:
    dvcx stage trace -- python train.py
    dvcx stage trace -n train --write -- python train.py
    dvcx stage trace -- 'sort raw.txt > sorted.txt'
"""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from dvcx.base.errors import UsageError
from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation
from dvcx.cli.render.stage import render_stage_added
from dvcx.cli.stopping import stopping
from dvcx.cli.text import bold, dim, green, yellow
from dvcx.operations.stage_trace import TraceResult, stage_trace
from dvcx.pipeline.process import Stop
from dvcx.repo.open import path_in_project

CONTEXT = {"allow_interspersed_args": False}


def command(
    call: Invocation,
    words: Annotated[list[str] | None, typer.Argument(metavar="COMMAND", help="what to run")] = None,
    name: Annotated[str, typer.Option("--name", "-n", metavar="NAME", help="what to call the stage")] = "",
    write: Annotated[bool, typer.Option("--write", help="add the stage to the dvcx.yaml here")] = False,
    no_strace: Annotated[bool, typer.Option("--no-strace", help="watch Python programs only")] = False,
) -> TraceResult:
    if not words:
        raise UsageError("there is no command to run", "put it behind `--`: dvcx stage trace -- python train.py")
    repo = call.repo()
    line = words[0] if len(words) == 1 else shlex.join(words)
    folder = path_in_project(repo, ".", call.directory)
    stop = Stop()
    with stopping(stop):
        result = stage_trace(repo, line, name, folder, call.environment, stop, write=write, strace=not no_strace)
    if stop.asked:
        raise KeyboardInterrupt
    return result


def render(result: TraceResult, console: Console) -> None:
    for path in result.reads:
        console.line(green("reads  "), " ", path)
    for path in result.writes:
        console.line(yellow("writes "), " ", path, dim("  (and read it)") if path in result.both else "")
    if result.method == "python":
        console.say("only Python programs were watched: strace is not here, or not allowed")
    if result.added is not None:
        render_stage_added(result.added, console)
        return
    console.say("nothing was written; the stage would be:")
    console.line(bold(_command(result)))


def _command(result: TraceResult) -> str:
    stage = result.stage
    words = ["dvcx", "stage", "add", "-n", stage.name]
    for option, values in (("-d", stage.deps), ("-p", stage.params), ("-o", [out.path for out in stage.outs])):
        for value in values:
            words += [option, value]
    return shlex.join([*words, "--", *stage.cmd])
