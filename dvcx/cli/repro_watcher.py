"""How a run of stages is told while it goes on: lines with the stage's name, on stderr."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from dvcx.base.errors import shown
from dvcx.cli.console import Console
from dvcx.cli.render.repro import result_line
from dvcx.cli.text import Piece, bold, cyan, dim
from dvcx.operations.repro_options import Action, PlannedStage, StageResult
from dvcx.pipeline.staleness import reason_text

_COLOURS = 5
_HINT_WITHOUT_TERMINAL = "see what would run with `dvcx repro --dry-run`, and run it without --interactive"


class ConsoleWatcher:
    """Tells every stage's start, lines and end. Lines of several stages at once do not mix."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._total = 0
        self._done = 0

    def planned(self, plan: Sequence[PlannedStage]) -> None:
        """Tells how much there is to do."""
        moving = [each for each in plan if each.action is not Action.SKIP]
        self._total = len(moving)
        if moving and self._console.verbose:
            for each in moving:
                why = "; ".join(map(reason_text, each.reasons))
                self._say(cyan(f"{each.action.value:<8}"), bold(each.stage), dim(f"  {why}"))

    def started(self, stage: PlannedStage) -> None:
        """Tells that a stage runs now, and why."""
        why = "; ".join(map(reason_text, stage.reasons[:3]))
        more = f"; and {len(stage.reasons) - 3} more reasons" if len(stage.reasons) > 3 else ""
        self._say(bold(stage.stage), " runs: ", f"{why}{more}")

    def line(self, address: str, text: str) -> None:
        """Passes on a line that a stage wrote."""
        self._say(cyan(f"{address}: "), text)

    def ended(self, result: StageResult) -> None:
        """Tells what became of a stage that did not just stay as it was."""
        if result.action in (Action.RAN, Action.RESTORED, Action.FAILED, Action.STOPPED):
            self._say(*result_line(result))

    def confirm(self, stage: PlannedStage) -> bool:
        """Asks whether a stage may run."""
        with self._lock:
            return self._console.confirm(
                f"run {stage.stage} ({'; '.join(map(reason_text, stage.reasons))})?", _HINT_WITHOUT_TERMINAL
            )

    def confirm_adding(self, paths: Sequence[str]) -> bool:
        """Asks whether changes of tracked data are to be added."""
        with self._lock:
            return self._console.confirm(f"add the changes of {shown(paths)}?", _HINT_WITHOUT_TERMINAL)

    def _say(self, *pieces: Piece) -> None:
        with self._lock:
            self._console.say(*pieces)
