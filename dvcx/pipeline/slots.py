"""How many stages run at once: jobs, what each takes of the machine, and stages that exclude one another."""

from __future__ import annotations

import os
from collections.abc import Mapping

from dvcx.model.stage import Stage

_UNKNOWN = 1.0
"""How much there is of a resource that nobody described: one piece, so that its users run one at a time."""


class Slots:
    """What is free. A stage that wants more than there is gets all of it, so that it runs alone rather than never."""

    def __init__(self, jobs: int, capacity: Mapping[str, float]) -> None:
        self._jobs = jobs
        self._capacity = dict(capacity)
        self._used: dict[str, float] = {}
        self._mutexes: set[str] = set()
        self._running = 0

    def take(self, stage: Stage) -> bool:
        """Takes what the stage needs and tells so; takes nothing when not all of it is free."""
        if self._running >= self._jobs or not self._mutexes.isdisjoint(stage.mutex):
            return False
        wanted = {name: self._share(name, amount) for name, amount in stage.resources.items()}
        if any(self._used.get(name, 0.0) + amount > self._limit(name) + 1e-9 for name, amount in wanted.items()):
            return False
        for name, amount in wanted.items():
            self._used[name] = self._used.get(name, 0.0) + amount
        self._mutexes.update(stage.mutex)
        self._running += 1
        return True

    def give_back(self, stage: Stage) -> None:
        """Frees what `take` took for the stage."""
        for name, amount in stage.resources.items():
            self._used[name] -= self._share(name, amount)
        self._mutexes.difference_update(stage.mutex)
        self._running -= 1

    def _limit(self, name: str) -> float:
        return self._capacity.get(name, _UNKNOWN)

    def _share(self, name: str, amount: float) -> float:
        return min(amount, self._limit(name))


def machine() -> dict[str, float]:
    """Gives what this machine has: `cpu` cores that this process may use, bytes of `memory`, NVIDIA `gpu`s."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity is not None else os.cpu_count() or 1
    found = {"cpu": float(cores), "gpu": float(_gpus())}
    try:
        found["memory"] = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (ValueError, OSError):
        pass
    return found


def _gpus() -> int:
    try:
        return len(os.listdir("/proc/driver/nvidia/gpus"))
    except OSError:
        return 1  # other makers' cannot be counted like this: one at a time
