"""The runs of a stage, as text."""

from __future__ import annotations

from datetime import UTC, datetime

from dvcx.cli.console import Console
from dvcx.cli.render.repro import seconds_text
from dvcx.cli.render.sizes import count_text, size_text
from dvcx.cli.text import Cell, Line, bold, dim, green, red
from dvcx.operations.stage_log import StageLogResult
from dvcx.pipeline.job import ending_text
from dvcx.pipeline.run_log import LoggedRun


def render_stage_log(result: StageLogResult, console: Console, *, only_list: bool) -> None:
    """Writes a line for each run, then what the stage wrote in the chosen one."""
    if only_list:
        console.table([_row(number, run) for number, run in enumerate(result.runs, 1)], right=(0,))
        return
    run = result.runs[result.number - 1]
    console.line(bold(result.stage), "  ", *_facts(run))
    for reason in run.reasons:
        console.line(dim(f"because: {reason}"))
    if result.output is None:
        console.say("what it wrote is not there any more")
        return
    for line in result.output.splitlines():
        console.line(line)
    if len(result.runs) > 1:
        console.say(f"{count_text(len(result.runs), 'run is', 'runs are')} kept: see --list and --run N")


def _row(number: int, run: LoggedRun) -> list[Cell]:
    return [dim(str(number)), _facts(run)]


def _facts(run: LoggedRun) -> Line:
    when = datetime.fromtimestamp(run.started, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    parts = [f"in {seconds_text(run.seconds)}"]
    if run.peak_memory:
        parts.append(f"{size_text(run.peak_memory)} of memory")
    if run.tries > 1:
        parts.append(count_text(run.tries, "try", "tries"))
    how = green("worked") if run.worked else red(ending_text(run))
    return [when, "  ", how, "  ", dim(", ".join(parts))]
