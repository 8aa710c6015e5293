"""Stages as text: lists, one in full, what an edit of `dvcx.yaml` did."""

from __future__ import annotations

from collections.abc import Iterable

from dvcx.base.errors import shown
from dvcx.cli.console import Console
from dvcx.cli.text import bold, dim
from dvcx.formats.stage_text import print_fields
from dvcx.operations.stage_add import StageAdded
from dvcx.operations.stage_list import BrokenStage, ListedStage, ShownStage, StageList
from dvcx.operations.stage_rm import StagesRemoved


def render_stage_list(result: StageList, console: Console, *, name_only: bool) -> None:
    """Shows a line for each stage."""
    if name_only:
        for each in result.stages:
            console.line(each.stage)
    else:
        console.table([(each.stage, _about(each)) for each in result.stages])
    if not result.stages and result.elsewhere:
        console.say("there is no stage in the dvcx.yaml of this folder")
        console.next_step("dvcx stage list --all")
    elif not result.stages and not result.broken:
        console.say("there are no stages yet")
        console.next_step("dvcx stage add -n NAME -d INPUT -o OUTPUT COMMAND")
    warn_of_broken(result.broken, console)


def warn_of_broken(broken: Iterable[BrokenStage], console: Console) -> None:
    """Warns of stages and files that cannot be used, each with the line that is the matter."""
    for each in broken:
        console.warn(each.message, each.hint)
        for line in () if console.json else each.excerpt:
            console.error_line(dim(line))


def _about(stage: ListedStage) -> str:
    what = stage.desc.splitlines()[0] if stage.desc else f"makes {shown(stage.outs, 3)}" if stage.outs else ""
    return f"{what} (frozen)".strip() if stage.frozen else what


def render_stage_show(result: tuple[ShownStage, ...], console: Console) -> None:
    """Shows stages as they could stand in `dvcx.yaml`, each with the place where it does."""
    for number, stage in enumerate(result):
        if number:
            console.line("")
        console.line(dim(f"# {stage.place}" + (f", generated from {stage.group}" if stage.group else "")))
        console.line(bold(f"{stage.stage}:"))
        for line in print_fields(stage.fields, 2):
            console.line(line)


def render_stage_added(result: StageAdded, console: Console) -> None:
    """Tells what was written where."""
    console.say(f"{'replaced' if result.replaced else 'added'} the stage {result.stage} in {result.file}")
    console.next_step(f"dvcx repro {result.stage}")


def render_stages_removed(result: StagesRemoved, console: Console) -> None:
    """Tells what was taken out, and what stays."""
    console.say(f"took {shown(result.stages)} out of {shown([f for f in result.changed_files if f.endswith('.yaml')])}")
    if result.outputs:
        console.say(f"what they made stays where it is: {shown(result.outputs)}")
