"""What became of stages, as text."""

from __future__ import annotations

from dvcx.base.errors import shown
from dvcx.cli.console import Console
from dvcx.cli.render.sizes import count_text, size_text
from dvcx.cli.render.unsaved import warn_unsaved
from dvcx.cli.text import Cell, Piece, bold, dim, green, red, yellow
from dvcx.operations.repro import ReproResult
from dvcx.operations.repro_options import Action, StageResult
from dvcx.pipeline.staleness import reason_text

_STYLE = {
    Action.RAN: green,
    Action.RUN: yellow,
    Action.RESTORED: green,
    Action.RESTORE: green,
    Action.CHECK: yellow,
    Action.SKIP: dim,
    Action.FAILED: red,
    Action.STOPPED: red,
    Action.BLOCKED: red,
    Action.DECLINED: dim,
}
_ADDED = "the data was edited, and stages depend on it"
_WORD = {Action.SKIP: "fresh", Action.STOPPED: "stopped", Action.DECLINED: "left"}


def render_repro(result: ReproResult, console: Console) -> None:
    """Writes a line for each stage that something happened to, and what there was in all."""
    if result.broken:
        what = f"{shown(result.broken, 3)} cannot be used: what that would make is taken as it lies there"
        console.warn(what, "`dvcx stage list --all` tells what is wrong")
    if result.dry_run:
        _render_plan(result, console)
        return
    rows: list[list[Cell]] = [[yellow("added"), bold(path), dim(_ADDED)] for path in result.added]
    for each in result.stages:
        if each.action is Action.SKIP and not console.verbose:
            continue
        rows.append([_word(each), bold(each.stage), dim(_facts(each))])
    if not console.quiet:
        console.table(rows)
    console.say(_summary(result))
    warn_unsaved(result.unsaved, console)
    if result.interrupted:
        console.say("interrupted: what was complete is recorded; `dvcx repro` goes on from there")
    elif result.added or any(each.action in (Action.RAN, Action.RESTORED) for each in result.stages):
        console.next_step("git add dvcx.lock and what else changed; dvcx push sends the data")


def result_line(result: StageResult) -> list[Piece]:
    """Gives what became of one stage as a line."""
    facts = _facts(result)
    return [bold(result.stage), " ", _word(result), dim(f"  {facts}") if facts else ""]


def seconds_text(seconds: float) -> str:
    """Gives a length of time for people: `0.3 s`, `2 min 5 s`, `1 h 3 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def _render_plan(result: ReproResult, console: Console) -> None:
    rows: list[list[Cell]] = [[yellow("add"), bold(path), dim(_ADDED)] for path in result.added]
    for each in result.stages:
        why = "; ".join(map(reason_text, each.reasons))
        if each.action is not Action.SKIP or console.verbose:
            rows.append([_word(each), bold(each.stage), dim(why)])
    console.table(rows)
    console.say(_summary(result))


def _word(result: StageResult) -> Piece:
    return _STYLE[result.action](_WORD.get(result.action, result.action.value))


def _facts(result: StageResult) -> str:
    parts = []
    if result.seconds is not None:
        parts.append(f"in {seconds_text(result.seconds)}")
    if result.peak_memory:
        parts.append(f"{size_text(result.peak_memory)} of memory")
    if result.tries is not None and result.tries > 1:
        parts.append(count_text(result.tries, "try", "tries"))
    if result.problem is not None:
        parts.append(result.problem)
    return ", ".join(parts)


def _summary(result: ReproResult) -> str:
    counts: dict[str, int] = {}
    for each in result.stages:
        word = _WORD.get(each.action, each.action.value)
        counts[word] = counts.get(word, 0) + 1
    if not result.stages:
        return "there are no stages: `dvcx stage add` makes one"
    if set(counts) == {"fresh"}:
        return f"{count_text(counts['fresh'], 'stage is', 'stages are')} up to date"
    return f"{count_text(len(result.stages), 'stage')}: " + ", ".join(
        f"{count} {word}" for word, count in counts.items()
    )
