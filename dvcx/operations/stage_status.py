"""Which stages are not up to date, and why: for `status` and for drawing the graph. Runs nothing and takes no lock."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from dvcx.base.errors import DvcxError
from dvcx.manifest.manifest import Manifest
from dvcx.model.stage import Stage
from dvcx.operations.repro_options import Action, ReproOptions
from dvcx.operations.repro_plan import Decider, Decision, planned
from dvcx.operations.repro_targets import live_needs
from dvcx.operations.selection import below_any
from dvcx.operations.stage_view import StageView, stages_of
from dvcx.pipeline.run_cache import RunCache
from dvcx.pipeline.staleness import Reason
from dvcx.repo.record import Repo
from dvcx.storage.cache import Cache
from dvcx.workspace.state import State


@dataclass(frozen=True, slots=True)
class StageStatus:
    """A stage that is not up to date: `state` is `stale`, or `behind` when only stages before it are."""

    stage: str
    state: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class StageStates:
    """The stages that are not up to date, in the order in which they would run, and what cannot be used, with why."""

    stale: tuple[StageStatus, ...]
    broken: Mapping[str, str]
    hints: tuple[str, ...]


def stage_states(
    repo: Repo,
    environment: Mapping[str, str],
    manifest: Manifest,
    cache: Cache,
    state: State,
    paths: Sequence[str] = (),
) -> StageStates:
    """Gives the states of all stages, or of those that make something at `paths`. Raises nothing for broken files."""
    try:
        view = stages_of(repo, environment, manifest, cache, state)
        decisions = decisions_on(view)
    except DvcxError as error:
        return StageStates((), {"the pipeline": error.message}, (error.hint,) if error.hint else ())
    found = (_status(each) for each in decisions if not paths or _makes(each.stage, paths))
    broken = {name: error.message for name, error in view.pipeline.broken.items()}
    hints = tuple(error.hint for error in view.pipeline.broken.values() if error.hint)
    return StageStates(tuple(each for each in found if each is not None), broken, hints)


def decisions_on(view: StageView) -> list[Decision]:
    """Gives what each stage of the project needs; outputs that are not here are no reason: they can be fetched."""
    needs = live_needs(view.pipeline, view.needs)
    decider = Decider(view, RunCache(view.repo.common_dir / "runs"), _LOOKING)
    return planned(decider, view.order(), needs)


_LOOKING = ReproOptions(allow_missing=True, run_cache=False)


def _status(decision: Decision) -> StageStatus | None:
    if decision.action is Action.SKIP:
        return None
    state = "behind" if decision.action is Action.CHECK else "stale"
    return StageStatus(decision.stage.address, state, decision.reasons)


def _makes(stage: Stage, paths: Collection[str]) -> bool:
    return any(below_any(out.path, paths) for out in stage.outs)
