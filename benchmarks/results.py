"""What a run of the benchmark found: samples of time and memory, what was stored, what failed."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from measure import Cost, Usage

FLOOR = "cp -r"


@dataclass(frozen=True, slots=True)
class Sample:
    """One step of one tool in one round. `settle_seconds`: how long the disk was busy with it afterwards."""

    workload: str
    step: str
    tool: str
    round: int
    cost: Cost
    settle_seconds: float


@dataclass(frozen=True, slots=True)
class Stored:
    """What a tool had stored at one moment of a round."""

    workload: str
    moment: str
    place: str
    tool: str
    usage: Usage


@dataclass(frozen=True, slots=True)
class Failure:
    """A step that ended with the wrong exit code or wrong data; the tool left the round there."""

    workload: str
    step: str
    tool: str
    round: int
    reason: str


@dataclass(slots=True)
class Results:
    """All findings of a run, in the order in which they were made."""

    samples: list[Sample] = field(default_factory=list)
    stored: list[Stored] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    def of(self, workload: str, step: str, tool: str) -> list[Sample]:
        """The samples of one step of one tool, over all rounds."""
        return [s for s in self.samples if (s.workload, s.step, s.tool) == (workload, step, tool)]

    def seconds(self, workload: str, step: str, tool: str) -> float | None:
        """Median of the wall time in seconds; None when the step was not run."""
        samples = self.of(workload, step, tool)
        return statistics.median(s.cost.seconds for s in samples) if samples else None

    def cpu_seconds(self, workload: str, step: str, tool: str) -> float | None:
        """Median of the CPU time in seconds."""
        samples = self.of(workload, step, tool)
        return statistics.median(s.cost.cpu_seconds for s in samples) if samples else None

    def peak_bytes(self, workload: str, step: str, tool: str) -> int | None:
        """The largest peak memory of any round, in bytes."""
        return max((s.cost.peak_bytes for s in self.of(workload, step, tool)), default=None)

    def steps(self, workload: str) -> list[str]:
        """The steps of a workload in the order in which they were run."""
        return list(dict.fromkeys(s.step for s in self.samples if s.workload == workload))

    def tools(self, workload: str) -> list[str]:
        """The tools that took part, DVC first, the floor last, whoever began the first round."""
        seen = {s.tool for s in self.samples if s.workload == workload}
        return sorted(seen, key=["dvc", "dvcx", FLOOR].index)

    def workloads(self) -> list[str]:
        """The workloads in the order in which they were run."""
        return list(dict.fromkeys(s.workload for s in self.samples))

    def usage(self, workload: str, moment: str, place: str, tool: str) -> Usage | None:
        """What the first round found (storing does not depend on the round)."""
        for stored in self.stored:
            if (stored.workload, stored.moment, stored.place, stored.tool) == (workload, moment, place, tool):
                return stored.usage
        return None

    def as_json(self) -> Mapping[str, object]:
        """Everything, as plain dictionaries and lists."""
        return asdict(self)


def growth_exponent(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """Slope of the least-squares line through (log size, log seconds): 1 is linear, 2 is quadratic."""
    return statistics.linear_regression([math.log(n) for n in sizes], [math.log(s) for s in seconds]).slope
