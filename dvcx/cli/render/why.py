"""Why stages are stale, as text."""

from __future__ import annotations

from collections.abc import Sequence

from dvcx.cli.console import Console
from dvcx.cli.render.path_changes import change_line
from dvcx.cli.text import bold, cyan, dim, green, yellow
from dvcx.operations.why import Because, WhyResult
from dvcx.operations.why_files import Commit
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
    elif because.files:
        counts = ", ".join(
            f"{count:,} {word}" for word, count in (reason.inside.counts if reason.inside else {}).items()
        )
        what = yellow(f"{reason.cause.value} {reason.name} {reason.how.value}")
        console.line("  ", what, f": {counts}", dim(f"  made by {because.made_by}") if because.made_by else "")
        _write_files(because, console)
    else:
        console.line("  ", yellow(reason_text(reason)), dim(f"  made by {because.made_by}") if because.made_by else "")
    if because.commit is not None:
        console.line("    ", dim(f"in {_shown(because.commit)}"))
    elif because.uncommitted and _can_be_committed(reason):
        console.line("    ", dim("in the working tree, not committed"))


def _write_files(because: Because, console: Console) -> None:
    """Writes the first files that changed inside a folder; each with its commit unless one brought all."""
    files = because.files
    same = all((each.commit, each.uncommitted) == (because.commit, because.uncommitted) for each in files)
    shown = files if len(files) <= _FEW + 1 else files[:_FEW]
    for each in shown:
        where = each.commit.sha[:10] if each.commit is not None else "not committed" if each.uncommitted else ""
        console.line(*change_line(each), dim(f"  {where}") if where and not same else "")
    if len(files) > len(shown):
        console.line("    ", dim(f"... and {len(files) - len(shown):,} more; --json lists all"))


_FEW = 10
"""So many files are listed; one more takes the place of telling that there is one more."""


def _can_be_committed(reason: Reason) -> bool:
    return reason.cause in (Cause.COMMAND, Cause.PARAMETER, Cause.DEPENDENCY)


def _shown(commit: Commit) -> str:
    return f"{commit.sha[:10]} ({commit.date:%Y-%m-%d}, {commit.author}): {commit.subject}"
