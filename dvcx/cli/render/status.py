"""What `status` found, as text."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dvcx.cli.console import Console
from dvcx.cli.render.path_changes import change_line
from dvcx.cli.render.sizes import count_text
from dvcx.cli.text import dim, green, red, yellow
from dvcx.model.changes import PathChange
from dvcx.operations.status import OutputStatus, StatusResult

if TYPE_CHECKING:
    from dvcx.operations.stage_status import StageStatus

_FEW = 10


def render_status(result: StatusResult, console: Console, *, granular: bool) -> None:
    """Shows a status: a line for each tracked path with something to say; with `granular` a line for each file."""
    for path, why in result.broken.items():
        console.line(red("broken   "), " ", path, ": ", why)
    for output in result.outputs:
        _show(output, console, granular=granular)
    if result.stages:
        _show_stages(result.stages, console, granular=granular)
    for hint in result.hints[:_FEW]:
        console.next_step(hint)
    if result.fresh_stages and not result.stages and not result.broken:
        console.say(f"{count_text(result.fresh_stages, 'stage is', 'stages are')} up to date")
    if not result.outputs and not result.broken and not result.stages and not result.fresh_stages:
        console.say("nothing is tracked yet")
        console.next_step("dvcx add PATH")
    elif not result.is_dirty:
        fetched = "; files that were never fetched are left out" if any(o.not_fetched for o in result.outputs) else ""
        where = f" and on {result.remote}" if result.remote else ""
        console.say(f"clean: all that is here is as the pointers say{where}{fetched}")
        if fetched:
            console.next_step("dvcx pull: fetch them; dvcx pull PATH: fetch a part")
    else:
        _next_steps(result, console)


def _show(output: OutputStatus, console: Console, *, granular: bool) -> None:
    if output.changes:
        console.line(yellow("changed  "), " ", output.path, dim(f"  ({_summary(output.changes)})"))
        _list_changes(output.changes, console, most=None if granular else _FEW if len(output.changes) <= _FEW else 0)
    if output.outdated:
        text = f"  (the pointer has changed: {_summary(output.outdated)})"
        console.line(yellow("outdated "), " ", output.path, dim(text))
        few = _FEW if len(output.outdated) <= _FEW else 0
        _list_changes(output.outdated, console, most=None if granular else few)
    elif output.state == "outdated":
        console.line(yellow("outdated "), " ", output.path, dim("  (the pointer has changed, to data not fetched yet)"))
    if output.state == "absent":
        console.line(yellow("absent   "), " ", output.path, dim("  (in the cache, not in the workspace)"))
    if output.state == "unknown":
        console.line(yellow("unknown  "), " ", output.path, dim("  (what it should be is not in the cache)"))
    if output.not_fetched and (output.outdated or output.state != "outdated"):
        console.line(
            dim("unfetched"), " ", output.path, dim(f"  ({count_text(output.not_fetched, 'file')} not fetched)")
        )
    if output.not_cached:
        console.line(
            yellow("unsaved  "), " ", output.path, dim(f"  ({_names(output.path, output.not_cached)}not in the cache)")
        )
        _list_names(output.path, output.not_cached, console, granular=granular)
    for path in output.damaged:
        console.line(red("damaged  "), " ", path, dim("  (edited through a link: the cached copy is damaged)"))
    for problem in output.untrackable if granular else output.untrackable[:_FEW]:
        console.line(yellow("foreign  "), " ", problem)
    if len(output.untrackable) > _FEW and not granular:
        console.line(f"           ... and {len(output.untrackable) - _FEW:,} more; --granular lists all")
    if output.not_on_remote:
        console.line(
            yellow("unpushed "),
            " ",
            output.path,
            dim(f"  ({_names(output.path, output.not_on_remote)}not on the remote)"),
        )
        _list_names(output.path, output.not_on_remote, console, granular=granular)


def _show_stages(stages: Sequence[StageStatus], console: Console, *, granular: bool) -> None:
    from dvcx.pipeline.staleness import reason_text  # only projects with stages pay for it

    for stage in stages:
        reasons = stage.reasons if granular else stage.reasons[:3]
        more = f"; and {len(stage.reasons) - 3} more" if len(stage.reasons) > len(reasons) else ""
        why = "; ".join(map(reason_text, reasons))
        console.line(yellow(f"{stage.state:<9}"), " stage ", stage.stage, dim(f"  ({why}{more})"))


def _names(path: str, names: Sequence[str]) -> str:
    return "" if list(names) == [path] else count_text(len(names), "file") + " "


def _list_names(path: str, names: Sequence[str], console: Console, *, granular: bool) -> None:
    if granular and list(names) != [path]:
        for name in names:
            console.line("    ", name)


def _list_changes(changes: Sequence[PathChange], console: Console, most: int | None) -> None:
    if len(changes) == 1 and changes[0].change == "modified" and most == _FEW:
        most = None
    for change in changes if most is None else changes[:most]:
        console.line(*change_line(change))


def _summary(changes: Sequence[PathChange]) -> str:
    counts = Counter(change.change for change in changes)
    return ", ".join(f"{counts[word]:,} {word}" for word in ("added", "deleted", "modified", "renamed") if counts[word])


def _typed(paths: Sequence[str]) -> str:
    return " ".join(map(shlex.quote, paths)) if len(paths) <= _FEW else "PATH"


def _next_steps(result: StatusResult, console: Console) -> None:
    outputs = result.outputs
    if any(output.changes and not output.outdated for output in outputs):
        console.next_step("dvcx add PATH: keep the changes; dvcx checkout PATH: go back to the pointers")
    mixed = [output.path for output in outputs if output.changes and output.outdated]
    if mixed:
        # `add` would put the outdated files under the pointer of this revision.
        names = _typed(mixed)
        console.next_step(
            f"dvcx checkout --force {names}: bring what the pointer names now; dvcx undo brings your changes back"
        )
        console.next_step(f"git checkout - (after a switch), then dvcx add {names}: keep them where they were made")
    following = [output.path for output in outputs if output.outdated and not output.changes]
    if following:
        # Without names it would stop at those that were changed.
        names = f" {_typed(following)}" if any(output.changes for output in outputs) else ""
        console.next_step(f"dvcx checkout{names}: bring what the pointers name now; nothing of your own is replaced")
    if any(output.state == "outdated" and not output.outdated for output in outputs):
        console.next_step("dvcx pull: fetch and bring what the pointers name now")
    if result.stages:
        console.next_step("dvcx repro: bring stale stages up to date; dvcx why STAGE: what changed, in which commit")
    if any(output.state == "absent" for output in outputs):
        console.next_step("dvcx checkout: bring back what is absent")
    if any(output.not_cached for output in outputs):
        console.next_step("dvcx commit: store what is not in the cache")
    if any(output.damaged for output in outputs):
        console.next_step("dvcx add PATH: keep the edit as new data; dvcx fsck --repair: fetch the old content again")
    if any(output.not_on_remote for output in outputs):
        console.next_step(f"dvcx push -r {result.remote}")
    if any(output.not_fetched for output in outputs):
        console.say(green("note: "), "what is not here comes with `dvcx checkout` if cached, else with `dvcx pull`")
