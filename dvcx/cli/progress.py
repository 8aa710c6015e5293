"""Progress bars on the terminal: on stderr, after half a second, gone when the work is done."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TextIO

from dvcx.base.progress import Task
from dvcx.cli.console import Console, is_terminal
from dvcx.cli.text import escaped

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

_BEFORE_SHOWN = 0.5  # seconds: what is quicker shows nothing
_BETWEEN_UPDATES = 0.1  # seconds


def can_show(console: Console, environment: Mapping[str, str]) -> bool:
    """Tells whether bars may be drawn: only where a person looks and wants to hear."""
    return not console.quiet and is_terminal(console.err) and environment.get("TERM") != "dumb"


class _Counter:
    """A task: a number that any thread may add to."""

    def __init__(self, label: str, total: int | None, unit: str) -> None:
        self.label = label
        self.total = total
        self.unit = unit
        self.completed = 0
        self.ended = False
        self.started = time.monotonic()
        self._lock = threading.Lock()

    def advance(self, n: int = 1) -> None:
        with self._lock:
            self.completed += n

    def done(self) -> None:
        self.ended = True


class TerminalProgress:
    """Draws the tasks that are under way, ten times a second, from a thread of its own.

    The workers only count. Rich is imported by that thread, and only when the work takes longer than half a second.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._tasks: list[_Counter] = []
        self._closing = threading.Event()
        self._drawing = threading.RLock()
        self._thread: threading.Thread | None = None
        self._bars: RichProgress | None = None
        self._bar_ids: dict[_Counter, Any] = {}

    def start(self, label: str, total: int | None, unit: str) -> Task:
        """Gives a task; it is drawn until it is done."""
        counter = _Counter(label, total, unit)
        with self._drawing:
            self._tasks.append(counter)
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(target=self._draw, name="dvcx-progress", daemon=True)
                self._thread.start()
        return counter

    def hide(self) -> None:
        """Takes the bars off the screen, for a line of talk; they come back with the next update."""
        with self._drawing:
            if self._bars is not None:
                self._bars.stop()
                self._bars = None
                self._bar_ids.clear()

    def close(self) -> None:
        """Takes the bars off the screen for good. Calling it again does nothing."""
        self._closing.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        self.hide()

    def _draw(self) -> None:
        if self._closing.wait(_BEFORE_SHOWN):
            return
        while True:
            with self._drawing, contextlib.suppress(OSError, ValueError):  # the terminal may go away
                self._update()
            if self._closing.wait(_BETWEEN_UPDATES):
                return

    def _update(self) -> None:
        self._tasks = [task for task in self._tasks if not task.ended]
        if self._bars is not None:
            for counter in [counter for counter in self._bar_ids if counter.ended]:
                self._bars.remove_task(self._bar_ids.pop(counter))
        long = [task for task in self._tasks if time.monotonic() - task.started >= _BEFORE_SHOWN]
        if not long:
            self.hide()
            return
        if self._bars is None:
            # Rich takes 60 ms to import; only work that is shown pays for it.
            from dvcx.cli.render.bars import bars

            self._bars = bars(self._stream)
            self._bars.start()
        for counter in long:
            if counter not in self._bar_ids:
                label = escaped(counter.label)
                self._bar_ids[counter] = self._bars.add_task(
                    label, total=counter.total, completed=counter.completed, unit=counter.unit, began=counter.started
                )
            self._bars.update(self._bar_ids[counter], completed=counter.completed)
        self._bars.refresh()
