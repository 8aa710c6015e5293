"""`dvcx repro`: bring the outputs of stages up to date by doing the least work, many stages at once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

from dvcx.base.errors import Busy, DvcxError, Refused, StageFailed, shown
from dvcx.base.locks import FileLock
from dvcx.base.progress import SILENT, Progress
from dvcx.base.text import counted
from dvcx.git.files import tracked_below
from dvcx.model.stage import Stage
from dvcx.operations.add_edited import add_edited
from dvcx.operations.repro_options import Action, ReproOptions, ReproWatcher, StageResult
from dvcx.operations.repro_plan import Decider, Decision, planned
from dvcx.operations.repro_run import Running
from dvcx.operations.repro_targets import live_needs, select_stages
from dvcx.operations.stage_outputs import OutputKeeper, flat
from dvcx.operations.stage_view import StageView, open_stages, run_logs
from dvcx.operations.unsaved import Looker, edited_inputs, unsaved_inputs
from dvcx.pipeline.current import project_path_of
from dvcx.pipeline.job import Workshop
from dvcx.pipeline.orphans import guarding, still_running
from dvcx.pipeline.process import Stop
from dvcx.pipeline.run_cache import RunCache
from dvcx.repo.record import Repo
from dvcx.workspace.state import State

_RECORDED = (Action.RAN, Action.RESTORED, Action.SKIP)
"""After these `dvcx.lock` names the inputs as they are."""


@dataclass(frozen=True, slots=True)
class ReproResult:
    """What became of each stage that was meant, in the order of the plan; with `dry_run` what would.

    `added` are the tracked paths whose changes were stored before the stages ran, `unsaved` those with changes that
    were not and that `dvcx.lock` now names: nobody else can get those. `broken` are the stages and pipeline files
    elsewhere that cannot be used: stages that need what those make were run with what there was.
    """

    stages: tuple[StageResult, ...]
    dry_run: bool
    interrupted: bool = False
    unsaved: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    added: tuple[str, ...] = ()

    def problem(self) -> DvcxError | None:
        """Gives the error of the stages that failed, or None."""
        failed = [each for each in self.stages if each.action is Action.FAILED]
        if not failed:
            return None
        blocked = [each.stage for each in self.stages if each.action is Action.BLOCKED]
        more = f"; not run because of that: {shown(blocked, 5)}" if blocked else ""
        if len(failed) == 1:
            (one,) = failed
            return StageFailed(f"stage {one.stage} failed: {one.problem}{more}", _advice(one))
        message = f"{counted(len(failed), 'stage')} failed: {shown([each.stage for each in failed], 5)}{more}"
        return StageFailed(message, "; ".join(f"{each.stage}: {_advice(each)}" for each in failed[:5]))


def _advice(failed: StageResult) -> str:
    return failed.hint or f"see its output with `dvcx stage log {failed.stage}`"


def repro(
    repo: Repo,
    targets: Sequence[str],
    options: ReproOptions,
    watcher: ReproWatcher,
    stop: Stop,
    environment: Mapping[str, str],
    progress: Progress = SILENT,
) -> ReproResult:
    """Runs the stages that `targets` mean and that are stale, each after what it needs; gives what became of each.

    The workspace is locked only while outputs are recorded, so others can look and work meanwhile; a second `repro` of
    the same worktree raises `Busy`. When `stop` is asked for, commands are ended and what was complete is recorded.
    Raises `UsageError` for targets that mean nothing and `DvcxError` for a pipeline that cannot be used.
    """
    view = open_stages(repo, environment, State(repo.worktree_dir / "state.db", keep_young=True), far=True)
    try:
        chosen = select_stages(view.pipeline, view.needs, targets, options.selection)
        edited = edited_inputs(view, chosen) if options.commit else ()
        added = _taken_in(repo, edited, options, watcher, progress)
        if added and not options.dry_run:
            # A folder of Git's around the data has another pointer in it now: what is stale is decided after that.
            view.cache.close()
            view = open_stages(repo, environment, view.state, far=True)
            chosen = [view.pipeline.stages[each.address] for each in chosen]
        needs = live_needs(view.pipeline, view.needs)
        if options.pull and not options.dry_run:
            _fetch_outputs(repo, view, chosen, progress)
        decider = Decider(view, RunCache(repo.common_dir / "runs"), options)
        plan = planned(decider, chosen, needs)
        if options.dry_run:
            stages = tuple(StageResult(each.stage.address, each.action, each.reasons) for each in plan)
            return ReproResult(stages, dry_run=True, broken=tuple(view.pipeline.broken), added=added)
        _refuse_tracked_by_git(repo, plan)
        watcher.planned([each.as_planned() for each in plan])
        with _alone(repo, stop), closing(OutputKeeper(view, decider.run_cache, store=options.commit)) as keeper:
            workshop = Workshop(repo.root, run_logs(repo), environment, stop)
            results = Running(view, decider, keeper, plan, needs, options, watcher, workshop, progress).run()
        broken = tuple(view.pipeline.broken)
        unsaved = _unsaved(view, results)
        return ReproResult(results, dry_run=False, interrupted=stop.asked, unsaved=unsaved, broken=broken, added=added)
    finally:
        view.close()


def _taken_in(
    repo: Repo, edited: Sequence[str], options: ReproOptions, watcher: ReproWatcher, progress: Progress
) -> tuple[str, ...]:
    """Stores tracked data that was edited, and gives what was (with `dry_run`: would be) stored."""
    if options.dry_run or not edited:
        return tuple(edited)
    if options.interactive and not watcher.confirm_adding(edited):
        return ()
    return add_edited(repo, edited, progress)


def _unsaved(view: StageView, results: Sequence[StageResult]) -> tuple[str, ...]:
    """Gives the tracked data with changes that only the workspace has and that the records of `results` name."""
    stages = [view.pipeline.stages[each.stage] for each in results if each.action in _RECORDED]
    runs = [(stage.folder, record) for stage in stages if (record := view.locks.record(stage)) is not None]
    return unsaved_inputs(Looker(view.repo, view.manifest, view.cache, view.state, view.load), runs)


@contextmanager
def _alone(repo: Repo, stop: Stop) -> Iterator[None]:
    """Holds the lock of the pipeline, and sees to it that commands end when this process is killed.

    Raises `Busy` while another process runs stages, or commands of one that was killed still do: both would write
    the same outputs.
    """
    record = repo.worktree_dir / "running"
    with FileLock(repo.worktree_dir / "repro.lock", f"the pipeline of {repo.root}").exclusive(0.0):
        for group, name in still_running(record):
            raise Busy(
                f"the stage {name} of a dvcx that was killed is still running (process group {group})",
                f"wait for it, or end it with `kill -- -{group}`",
            )
        with guarding(record) as guard:
            stop.guard = guard
            try:
                yield
            finally:
                stop.guard = None


def _fetch_outputs(repo: Repo, view: StageView, stages: Sequence[Stage], progress: Progress) -> None:
    """Takes from the remote what the last runs of `stages` made and what is neither here nor in the cache.

    What the remote has not either is made again. Raises `RemoteError` when the remote fails.
    """
    records = [(stage, record) for stage in stages if (record := view.locks.record(stage)) is not None]
    paths = [
        path
        for stage, record in records
        for each in flat(record.outs)
        if each.id is not None and not view.holds(each)
        if not os.path.lexists(repo.root / (path := project_path_of(stage.folder, each.text)))
    ]
    if paths:
        from dvcx.operations.fetch import fetch  # loads the remotes, which few runs need

        fetch(repo, paths, progress=progress)
        view.cache.packs.look_again()


def _refuse_tracked_by_git(repo: Repo, plan: Sequence[Decision]) -> None:
    """Raises `Refused` when what a stage is to make and the cache to hold is in Git: it would be there twice."""
    stages = [each.stage for each in plan if each.action is not Action.SKIP]
    owner = {out.path: stage for stage in stages for out in stage.outs if out.cache and not out.is_pattern}
    if repo.git is None or not owner:
        return
    prefix = f"{repo.prefix}/" if repo.prefix else ""
    tracked = tracked_below(repo.git, [prefix + path for path in owner])
    for path, stage in owner.items():
        if prefix + path in tracked:
            raise Refused(
                f"{path}, an output of stage {stage.address}, is tracked by Git itself",
                f"take it out of Git: `git rm -r --cached {path}`; or leave it there: `cache: false` in {stage.file}",
                [path],
            )
