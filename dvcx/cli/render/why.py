"""Why stages are stale, as text."""

from __future__ import annotations

from collections.abc import Sequence

from dvcx.cli.console import Console
from dvcx.cli.text import bold, cyan, dim, green, yellow
from dvcx.operations.why import Because, Commit, WhyResult
from dvcx.pipeline.staleness import Cause, Reason, reason_text

_HEAD = {
    "fresh": (green, "is up to date"),
    "stale": (yellow, "is stale"),
    "behind": (yellow, "is as its last run left it, but a stage before it is stale"),
}


def render_why(results: Sequence[WhyResult], console: Console) -> None:
    """Writes each stage with its reasons, a line each."""
    for result in results:
        style, words = _HEAD[result.state]
        console.line(bold(result.stage), " ", style(words))
        if result.state == "fresh" and result.because:
            console.line(dim("  it ran last because of:" if result.recorded_in else "  its last run was because of:"))
        for each in result.because:
            _write(each, console)
        for name in result.upstream:
            console.line("  ", yellow(f"after {name}"), dim(f"  (see `dvcx why {name}`)"))
        if result.recorded_in is not None:
            console.line(dim(f"  its last run is recorded in {_shown(result.recorded_in)}"))
        elif result.ran_before:
            console.line(dim("  its last run is not committed yet"))
    if any(result.state != "fresh" for result in results):
        console.next_step(f"dvcx repro {results[0].stage}")


def _write(because: Because, console: Console) -> None:
    reason = because.reason
    if reason.cause is Cause.COMMAND:
        console.line("  ", yellow("command changed"))
        for sign, text in (("-", reason.old), ("+", reason.new)):
            for line in (text or "").splitlines():
                console.line("    ", cyan(sign), " ", line)
    else:
        console.line("  ", yellow(reason_text(reason)), dim(f"  made by {because.made_by}") if because.made_by else "")
    if because.commit is not None:
        console.line("    ", dim(f"in {_shown(because.commit)}"))
    elif because.uncommitted and _can_be_committed(reason):
        console.line("    ", dim("in the working tree, not committed"))


def _can_be_committed(reason: Reason) -> bool:
    return reason.cause in (Cause.COMMAND, Cause.PARAMETER, Cause.DEPENDENCY)


def _shown(commit: Commit) -> str:
    return f"{commit.sha[:10]} ({commit.date:%Y-%m-%d}, {commit.author}): {commit.subject}"
