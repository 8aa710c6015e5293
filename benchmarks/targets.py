"""What is to be reached, and whether it was."""

from __future__ import annotations

from dataclasses import dataclass

import steps
from data import MIB
from results import FLOOR, Results

# (DVC's seconds) / (dvcx's seconds), at least.
RATIOS: dict[tuple[str, str], float] = {
    ("small", steps.ADD): 6,
    ("small", steps.STATUS): 6,
    ("small", steps.CHECKOUT): 8,
    ("small", steps.PUSH): 10,
    ("small", steps.PUSH_NOTHING): 6,
    ("small", steps.PULL): 6,
    ("small", steps.EDITED_STATUS): 5,
    ("small", steps.EDITED_ADD): 5,
    ("small", steps.EDITED_PUSH): 5,
    ("large", steps.ADD): 4,
    ("large", steps.STATUS): 2.5,
    ("large", steps.CHECKOUT): 1,
    ("large", steps.HARDLINKS): 5,
    ("large", steps.PUSH): 1.5,
    ("large", steps.PUSH_NOTHING): 2,
    ("large", steps.PULL): 1,
    ("large", steps.INSERTED_PUSH): 2,
}
REMOTE_GROWTH = 4 * MIB
PEAK_MEMORY = 300 * MIB
VERSION_SECONDS = 0.100
STATUS_CPU_SECONDS = 0.250


@dataclass(frozen=True, slots=True)
class Verdict:
    """A target in words, and whether it was reached; None when it was not measured."""

    target: str
    reached: bool | None

    @property
    def word(self) -> str:
        """For a table cell."""
        return "-" if self.reached is None else "yes" if self.reached else "NO"


def ratio(results: Results, workload: str, step: str) -> float | None:
    """How many times longer DVC took, by medians."""
    dvc, dvcx = results.seconds(workload, step, "dvc"), results.seconds(workload, step, "dvcx")
    return dvc / dvcx if dvc and dvcx else None


def judge_ratio(results: Results, workload: str, step: str) -> Verdict | None:
    """The verdict on one row of the issue's table; None when the row has no target."""
    least = RATIOS.get((workload, step))
    if least is None:
        return None
    found = ratio(results, workload, step)
    return Verdict(f">= {least:g}", None if found is None else found >= least)


def judge_floor(results: Results) -> Verdict:
    """Adding many small files is no slower than copying them."""
    add, floor = results.seconds("small", steps.ADD, "dvcx"), results.seconds("small", steps.ADD, FLOOR)
    return Verdict("add of small files no slower than `cp -r`", None if not add or not floor else add <= floor)


def remote_growth(results: Results, workload: str, tool: str) -> int | None:
    """Bytes by which the remote grew from the first to the last push."""
    first = results.usage(workload, steps.FIRST_PUSH, "remote", tool)
    last = results.usage(workload, steps.LAST_PUSH, "remote", tool)
    return None if first is None or last is None else last.bytes - first.bytes


def judge_growth(results: Results) -> Verdict:
    """Inserting 1 MiB into a large file costs the remote little."""
    grown = remote_growth(results, "large", "dvcx")
    return Verdict("remote grows by < 4 MiB after 1 MiB inserted", None if grown is None else grown < REMOTE_GROWTH)


def judge_memory(results: Results, workload: str) -> Verdict:
    """No step of dvcx takes more memory than allowed, however many files there are."""
    peaks = [results.peak_bytes(workload, step, "dvcx") for step in results.steps(workload)]
    known = [peak for peak in peaks if peak is not None]
    return Verdict("peak memory of dvcx < 300 MiB", max(known) < PEAK_MEMORY if known else None)


def judge_version(results: Results, step: str) -> Verdict:
    """Answering the version is immediate."""
    seconds = results.seconds("start", step, "dvcx")
    return Verdict("< 100 ms", None if seconds is None else seconds < VERSION_SECONDS)


def judge_tiny_status(results: Results, step: str) -> Verdict:
    """Looking at a tiny repository takes little CPU."""
    seconds = results.cpu_seconds("start", step, "dvcx")
    return Verdict("< 250 ms of CPU", None if seconds is None else seconds < STATUS_CPU_SECONDS)
