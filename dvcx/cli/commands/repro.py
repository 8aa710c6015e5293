"""Bring the outputs of stages up to date, doing the least work: several at once, each after what it needs.

A stage runs when its command, a dependency, a parameter or an output is not what its last run saw and made. When it
was run before with the same inputs, its outputs come back from the cache instead. Targets are stages, outputs of
stages, folders or `dvcx.yaml` files; without any, all stages of the `dvcx.yaml` here. Others can look at and work on
the project meanwhile; after Control-C the same command goes on where it stopped.

Examples:
    dvcx repro
    dvcx repro -n train                 # what would be done, and why
    dvcx repro -j 4 --keep-going
    dvcx repro --downstream prepare     # prepare and everything behind it
    dvcx repro -s -f train              # this stage only, whether stale or not
"""

from __future__ import annotations

from typing import Annotated

import typer

from dvcx.cli.console import Console
from dvcx.cli.exits import INTERRUPTED
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.names import stage_names
from dvcx.cli.options import DryRun
from dvcx.cli.render.repro import render_repro
from dvcx.cli.repro_watcher import ConsoleWatcher
from dvcx.cli.stopping import stopping
from dvcx.operations.repro import ReproResult, repro
from dvcx.operations.repro_options import ReproOptions, Selection
from dvcx.pipeline.process import Stop
from dvcx.pipeline.slots import capacity
from dvcx.repo.open import path_in_project


def command(
    call: Invocation,
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TARGETS", autocompletion=stage_names, help="stages, outputs, folders; else the dvcx.yaml here"
        ),
    ] = None,
    single_item: Annotated[
        bool, typer.Option("--single-item", "-s", help="only the targets, not what they need")
    ] = False,
    pipeline: Annotated[bool, typer.Option("--pipeline", "-p", help="the whole pipelines of the targets")] = False,
    all_pipelines: Annotated[bool, typer.Option("--all-pipelines", "-P", help="all stages of the project")] = False,
    recursive: Annotated[bool, typer.Option("--recursive", "-R", help="the stages of folders and all below")] = False,
    downstream: Annotated[bool, typer.Option("--downstream", help="the targets and all behind them")] = False,
    glob: Annotated[bool, typer.Option("--glob", help="take the targets as patterns of stage names")] = False,
    force: Annotated[bool, typer.Option("--force", "-f", help="run stages although they are up to date")] = False,
    force_downstream: Annotated[
        bool, typer.Option("--force-downstream", help="run all behind a stage that ran, changed or not")
    ] = False,
    dry_run: DryRun = False,
    interactive: Annotated[bool, typer.Option("--interactive", "-i", help="ask before each stage")] = False,
    pull: Annotated[bool, typer.Option("--pull", help="fetch data and outputs that are missing here")] = False,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="an output that is not here is no reason to run")
    ] = False,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", "-k", help="after a failure run what does not depend on it")
    ] = False,
    no_commit: Annotated[
        bool, typer.Option("--no-commit", help="record the outputs, do not store them; see `dvcx commit`")
    ] = False,
    no_run_cache: Annotated[
        bool, typer.Option("--no-run-cache", help="run stages although their outputs are in the cache")
    ] = False,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, metavar="N", help="how many stages at once; else one a core")
    ] = None,
) -> Outcome:
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


def render(result: ReproResult, console: Console) -> None:
    render_repro(result, console)
