"""How a progress bar looks, with rich: imported only when one is shown."""

from __future__ import annotations

import time
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TimeRemainingColumn
from rich.text import Text

from dvcx.cli.render.sizes import size_text


class _Label(ProgressColumn):
    """What is being done; never read as rich's markup, because names are in it."""

    def render(self, task: Task) -> Text:
        return Text(task.description, overflow="ellipsis", no_wrap=True)


class _Amount(ProgressColumn):
    """How much is done: `1.5 GiB / 2.0 GiB` or `12,345 / 20,000 files`."""

    def render(self, task: Task) -> Text:
        unit = str(task.fields["unit"])
        if unit == "bytes":
            parts = [size_text(int(task.completed)), *([size_text(int(task.total))] if task.total is not None else [])]
            return Text(" / ".join(parts))
        parts = [f"{int(task.completed):,}", *([f"{int(task.total):,}"] if task.total is not None else [])]
        return Text(f"{' / '.join(parts)} {'line' if parts == ['1'] and unit == 'lines' else unit}")


class _Rate(ProgressColumn):
    """How much in a second, lately."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        if not speed:
            return Text("")
        return Text(f"{size_text(int(speed))}/s" if task.fields["unit"] == "bytes" else f"{int(speed):,}/s")


class _Time(TimeRemainingColumn):
    """How long it still takes; of what has no known end how long it took by now, `0:12`."""

    def render(self, task: Task) -> Text:
        if task.total is not None:
            return super().render(task)
        minutes, seconds = divmod(int(time.monotonic() - task.fields["began"]), 60)
        hours, minutes = divmod(minutes, 60)
        return Text(f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}", "progress.elapsed")


def bars(stream: TextIO) -> Progress:
    """Gives the drawing of progress bars on the terminal `stream`: label, bar, amount, rate, time left or taken.

    A task of it has the fields `unit`, and `began` as the monotonic clock tells it.
    """
    return Progress(
        SpinnerColumn(),
        _Label(),
        BarColumn(bar_width=24),
        _Amount(),
        _Rate(),
        _Time(compact=True),
        console=Console(file=stream, force_terminal=True, highlight=False, markup=False, emoji=False),
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
