"""How stages are run, and who is told how it goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from dvcx.pipeline.staleness import Reason


class Action(StrEnum):
    """What a stage needs, or what became of it."""

    RUN = "run"
    RESTORE = "restore"
    CHECK = "check"
    SKIP = "skip"
    RAN = "ran"
    RESTORED = "restored"
    FAILED = "failed"
    BLOCKED = "blocked"
    STOPPED = "stopped"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class PlannedStage:
    """What a stage needs and why: to `run`, to have its outputs `restore`d from the cache, or nothing (`skip`).

    To `check`: that shows when the stages before it are done.
    """

    stage: str
    action: Action
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class StageResult:
    """What became of a stage: it `ran`, was `restored` or `skip`ped, `failed`, was `stopped`, `declined` by the user,
    or `blocked` by a stage before it.

    `seconds`, `code`, `peak_memory` (bytes) and `tries` are those of its run. `problem` tells what went wrong.
    """

    stage: str
    action: Action
    reasons: tuple[Reason, ...] = ()
    seconds: float | None = None
    code: int | None = None
    peak_memory: int | None = None
    tries: int | None = None
    problem: str | None = None
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """Which stages the targets mean: see `dvcx repro --help`. `folder` is the project path where it was typed."""

    single: bool = False
    pipeline: bool = False
    all_pipelines: bool = False
    recursive: bool = False
    downstream: bool = False
    glob: bool = False
    folder: str = ""


@dataclass(frozen=True, slots=True)
class ReproOptions:
    """What is brought up to date and how: see `dvcx repro --help`. `capacity` are the resources of this machine."""

    selection: Selection = field(default_factory=Selection)
    force: bool = False
    force_downstream: bool = False
    dry_run: bool = False
    interactive: bool = False
    pull: bool = False
    allow_missing: bool = False
    keep_going: bool = False
    commit: bool = True
    run_cache: bool = True
    jobs: int = 1
    capacity: Mapping[str, float] = field(default_factory=dict)


class ReproWatcher(Protocol):
    """Who is told how it goes. `line` is called from several threads."""

    def planned(self, plan: Sequence[PlannedStage]) -> None:
        """What will be done, as far as it can be told beforehand."""

    def started(self, stage: PlannedStage) -> None:
        """A stage's command starts."""

    def line(self, address: str, text: str) -> None:
        """A stage wrote a line."""

    def ended(self, result: StageResult) -> None:
        """A stage is done, restored, or failed."""

    def confirm(self, stage: PlannedStage) -> bool:
        """Whether a stage may run, with `--interactive`."""

    def confirm_adding(self, paths: Sequence[str]) -> bool:
        """Whether what was edited of tracked data may be stored before stages run with it, with `--interactive`."""


class SilentWatcher:
    """Tells nobody, and agrees to everything."""

    def planned(self, plan: Sequence[PlannedStage]) -> None:
        """Does nothing."""

    def started(self, stage: PlannedStage) -> None:
        """Does nothing."""

    def line(self, address: str, text: str) -> None:
        """Does nothing."""

    def ended(self, result: StageResult) -> None:
        """Does nothing."""

    def confirm(self, stage: PlannedStage) -> bool:
        """Agrees."""
        return True

    def confirm_adding(self, paths: Sequence[str]) -> bool:
        """Agrees."""
        return True
