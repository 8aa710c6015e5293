"""Bring the outputs of stages up to date, doing the least work: several at once, each after what it needs.

A stage runs when its command, a dependency, a parameter or an output is not what its last run saw and made. When it
was run before with the same command and inputs, here or where `dvcx push --run-cache` came from, its outputs come back
from the cache instead; of a stage without dependencies and parameters the command alone counts. Stages with
`always_changed` always run, and with --force all do.

Tracked data that was edited and that the stages depend on is added first, as `dvcx add` does it; not with --no-commit.

Targets are stages, outputs of stages, `dvcx.yaml` files or folders with one; without any it is the `dvcx.yaml` here,
and in a folder that has none the whole project. Others can look at and work on the project meanwhile; after Control-C
the same command goes on where it stopped.

Examples:
    dvcx repro
    dvcx repro -n train                 # what would be done, and why
    dvcx repro -j 4 --keep-going
    dvcx repro --downstream prepare     # prepare and everything behind it
    dvcx repro -s -f train              # this stage only, whether stale or not
"""

from __future__ import annotations

from collections.abc import Sequence

from dvcx.base.errors import UsageError
from dvcx.cli.console import Console
from dvcx.cli.exits import INTERRUPTED
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.options import DryRun
from dvcx.cli.render.repro import render_repro
from dvcx.cli.repro_options import (
    AllowMissing,
    AllPipelines,
    Downstream,
    ForceDownstream,
    ForceStages,
    Interactive,
    KeepGoing,
    NoCommit,
    NoRunCache,
    PullMissing,
    SingleItem,
    StageGlob,
    StageJobs,
    StagesBelow,
    StageTargets,
    WholePipeline,
)
from dvcx.cli.repro_watcher import ConsoleWatcher
from dvcx.cli.stopping import stopping
from dvcx.operations.repro import ReproResult, repro
from dvcx.operations.repro_options import ReproOptions, Selection
from dvcx.pipeline.process import Stop
from dvcx.pipeline.slots import capacity
from dvcx.repo.open import path_in_project


def command(
    call: Invocation,
    targets: StageTargets = None,
    single_item: SingleItem = False,
    pipeline: WholePipeline = False,
    all_pipelines: AllPipelines = False,
    recursive: StagesBelow = False,
    downstream: Downstream = False,
    glob: StageGlob = False,
    force: ForceStages = False,
    force_downstream: ForceDownstream = False,
    dry_run: DryRun = False,
    interactive: Interactive = False,
    pull: PullMissing = False,
    allow_missing: AllowMissing = False,
    keep_going: KeepGoing = False,
    no_commit: NoCommit = False,
    no_run_cache: NoRunCache = False,
    jobs: StageJobs = None,
) -> Outcome:
    scopes = {"-s": single_item, "-p": pipeline, "-P": all_pipelines, "--downstream": downstream}
    _refuse_contradictions([name for name, is_asked in scopes.items() if is_asked], targets or ())
    repo = call.repo()
    shared = capacity(repo.config.repro.resources)
    options = ReproOptions(
        selection=Selection(
            single=single_item,
            pipeline=pipeline,
            all_pipelines=all_pipelines,
            recursive=recursive,
            downstream=downstream,
            glob=glob,
            folder=path_in_project(repo, ".", call.directory),
        ),
        force=force,
        force_downstream=force_downstream,
        dry_run=dry_run,
        interactive=interactive,
        pull=pull,
        allow_missing=allow_missing,
        keep_going=keep_going,
        commit=not no_commit,
        run_cache=not no_run_cache,
        jobs=jobs or max(1, int(shared["cpu"])),
        capacity=shared,
    )
    stop = Stop()
    with stopping(stop):
        result = repro(
            repo, targets or (), options, ConsoleWatcher(call.console), stop, call.environment, call.progress
        )
    return Outcome(result, error=result.problem(), code=INTERRUPTED.code if result.interrupted else 0)


def _refuse_contradictions(scopes: Sequence[str], targets: Sequence[str]) -> None:
    """Raises `UsageError` for options of which one would do nothing."""
    if len(scopes) > 1:
        raise UsageError(f"{' and '.join(scopes)} each tell which stages to run", "leave all but one of them out")
    if targets and "-P" in scopes:
        raise UsageError("-P is the whole project, so it takes no targets", "leave one of them out")


def render(result: ReproResult, console: Console) -> None:
    render_repro(result, console)
