"""What each stage needs: to run, to be restored from the cache, or nothing; decided without running anything."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from dvcx.model.run_record import RunRecord
from dvcx.model.stage import Stage
from dvcx.operations.repro_options import Action, PlannedStage, ReproOptions
from dvcx.operations.stage_view import StageView
from dvcx.pipeline.current import Current
from dvcx.pipeline.run_cache import RunCache, is_cacheable, run_key
from dvcx.pipeline.staleness import Cause, Reason, input_reasons, output_reasons


@dataclass(frozen=True, slots=True)
class Decision:
    """What a stage needs by itself. `current` are its inputs; `record` is the run to restore from."""

    stage: Stage
    action: Action
    reasons: tuple[Reason, ...]
    current: Current | None = None
    record: RunRecord | None = None

    def as_planned(self) -> PlannedStage:
        """Gives it for people."""
        return PlannedStage(self.stage.address, self.action, self.reasons)


@dataclass(frozen=True, slots=True)
class Decider:
    """Decides on stages one by one, from what lies in the workspace at that moment."""

    view: StageView
    run_cache: RunCache
    options: ReproOptions

    def decide(self, stage: Stage, changed_before: Sequence[str] = ()) -> Decision:
        """Gives what a stage needs, after the stages `changed_before` that it depends on made something new.

        Raises `DvcxError` for parameters that cannot be read, `OSError` for files.
        """
        if stage.frozen:
            return Decision(stage, Action.SKIP, ())
        view = self.view
        record = view.locks.record(stage)
        current = view.inputs(stage)
        reasons = input_reasons(stage, record, current)
        if self.options.force:
            reasons.insert(0, Reason(Cause.FORCED))
        elif changed_before and self.options.force_downstream:
            reasons.insert(0, Reason(Cause.UPSTREAM, ", ".join(changed_before)))
        must_run = any(each.cause in (Cause.FORCED, Cause.ALWAYS, Cause.UPSTREAM) for each in reasons)
        about_outs = output_reasons(stage, record, view.outs(stage), allow_missing=self.options.allow_missing)
        if not reasons and not about_outs:
            return Decision(stage, Action.SKIP, (), current)
        everything = tuple(view.explained(stage, [*reasons, *about_outs]))
        if not must_run and self.options.run_cache:
            source = self._to_restore(stage, record, current, reasons, about_outs)
            if source is not None:
                return Decision(stage, Action.RESTORE, everything, current, source)
        return Decision(stage, Action.RUN, everything, current)

    def _to_restore(
        self,
        stage: Stage,
        record: RunRecord | None,
        current: Current,
        reasons: Collection[Reason],
        about_outs: Collection[Reason],
    ) -> RunRecord | None:
        """Gives a run with the same inputs whose outputs the cache has: the last one, or one of the run cache."""
        only_outputs = not reasons and all(each.is_output_only for each in about_outs)
        if only_outputs and record is not None and self.view.is_cached(stage, record):
            return record
        if not is_cacheable(stage) or current.absent:
            return None
        found = self.run_cache.get(run_key(stage, current.inputs))
        if found is None or not self.view.is_cached(stage, found):
            return None
        return RunRecord(found.cmd, found.deps, found.params, found.outs, record.extra if record is not None else {})


def planned(decider: Decider, stages: Iterable[Stage], needs: Mapping[str, tuple[str, ...]]) -> list[Decision]:
    """Gives what each of `stages` needs, in their order, each after what it needs.

    Behind a stage that runs or is restored, one that is up to date now is to be checked again then.
    """
    decisions: list[Decision] = []
    moving: set[str] = set()
    for stage in stages:
        before = [need for need in needs.get(stage.address, ()) if need in moving]
        decision = decider.decide(stage)
        if before and not stage.frozen:
            reasons = (*decision.reasons, Reason(Cause.UPSTREAM, ", ".join(before)))
            forced = decider.options.force_downstream
            action = Action.CHECK if decision.action is not Action.RUN and not forced else Action.RUN
            decision = Decision(stage, action, reasons, decision.current)
        if decision.action is not Action.SKIP:
            moving.add(stage.address)
        decisions.append(decision)
    return decisions
