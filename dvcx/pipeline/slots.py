"""How many stages run at once: jobs, what each takes of the machine, and stages that exclude one another."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from dvcx.model.stage import Stage
from dvcx.pipeline.quantities import size_in_bytes

_UNKNOWN = 1.0
"""How much there is of a resource that nobody described: one piece, so that its users run one at a time."""


class Slots:
    """What is free. A stage that wants more than there is gets all of it, so that it runs alone rather than never.

    One that does not tell how many cores it takes counts as one; with more jobs than cores, as its share of them.
    """

    def __init__(self, jobs: int, capacity: Mapping[str, float]) -> None:
        self._jobs = jobs
        self._capacity = dict(capacity)
        self._core = min(1.0, self._limit("cpu") / jobs)
        self._used: dict[str, float] = {}
        self._mutexes: set[str] = set()
        self._running = 0

    def take(self, stage: Stage) -> bool:
        """Takes what the stage needs and tells so; takes nothing when not all of it is free."""
        if self._running >= self._jobs or not self._mutexes.isdisjoint(stage.mutex):
            return False
        wanted = self._wanted(stage)
        if any(self._used.get(name, 0.0) + amount > self._limit(name) + 1e-9 for name, amount in wanted.items()):
            return False
        for name, amount in wanted.items():
            self._used[name] = self._used.get(name, 0.0) + amount
        self._mutexes.update(stage.mutex)
        self._running += 1
        return True

    def give_back(self, stage: Stage) -> None:
        """Frees what `take` took for the stage."""
        for name, amount in self._wanted(stage).items():
            self._used[name] -= amount
        self._mutexes.difference_update(stage.mutex)
        self._running -= 1

    def _limit(self, name: str) -> float:
        return self._capacity.get(name, _UNKNOWN)

    def _wanted(self, stage: Stage) -> dict[str, float]:
        resources = {"cpu": self._core, **stage.resources}
        return {name: min(amount, self._limit(name)) for name, amount in resources.items()}


def capacity(described: Iterable[str] = ()) -> dict[str, float]:
    """Gives what stages share: what the machine has, and what people `described`, as `gpu=2` or `memory=8GiB`."""
    found = machine()
    for text in described:
        name, _, amount = text.partition("=")
        found[name] = size_in_bytes(amount) if name == "memory" else float(amount)
    return found


def machine() -> dict[str, float]:
    """Gives what this machine has: `cpu` cores that this process may use, bytes of `memory`, NVIDIA `gpu`s.

    Limits of the container, by version 2 of Linux's control groups, count.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    found = {"cpu": float(len(affinity(0)) if affinity is not None else os.cpu_count() or 1), "gpu": float(_gpus())}
    quota, _, period = _limit_of_group("cpu.max").partition(" ")
    if quota.isdigit() and period.isdigit():
        found["cpu"] = min(found["cpu"], int(quota) / int(period))
    with contextlib.suppress(ValueError, OSError):
        found["memory"] = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    most = _limit_of_group("memory.max")
    if most.isdigit():
        found["memory"] = min(found.get("memory", float(most)), float(most))
    return found


def _limit_of_group(name: str) -> str:
    """Gives what the control group at the top, which is the container's own, says; "" where there is none."""
    try:
        return Path("/sys/fs/cgroup", name).read_text().strip()
    except (OSError, ValueError):
        return ""


def _gpus() -> int:
    try:
        return len(os.listdir("/proc/driver/nvidia/gpus"))
    except OSError:
        return 1  # other makers' cannot be counted like this: one at a time
