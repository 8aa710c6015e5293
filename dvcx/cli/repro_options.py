"""The options that say which stages are brought up to date, and how."""

from __future__ import annotations

from typing import Annotated

import typer

from dvcx.cli.names import stage_names

StageTargets = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="TARGETS", autocompletion=stage_names, help="stages, outputs, folders; else the dvcx.yaml here"
    ),
]
SingleItem = Annotated[bool, typer.Option("--single-item", "-s", help="only the targets, not what they need")]
WholePipeline = Annotated[bool, typer.Option("--pipeline", "-p", help="the whole pipelines of the targets")]
AllPipelines = Annotated[bool, typer.Option("--all-pipelines", "-P", help="all stages of the project")]
StagesBelow = Annotated[bool, typer.Option("--recursive", "-R", help="the stages of folders and all below")]
Downstream = Annotated[bool, typer.Option("--downstream", help="the targets and all behind them")]
StageGlob = Annotated[bool, typer.Option("--glob", help="take the targets as patterns of stage names")]
ForceStages = Annotated[bool, typer.Option("--force", "-f", help="run stages although they are up to date")]
ForceDownstream = Annotated[
    bool, typer.Option("--force-downstream", help="run all behind a stage that ran, changed or not")
]
Interactive = Annotated[bool, typer.Option("--interactive", "-i", help="ask before each stage")]
PullMissing = Annotated[bool, typer.Option("--pull", help="fetch data and outputs that are missing here")]
AllowMissing = Annotated[bool, typer.Option("--allow-missing", help="an output that is not here is no reason to run")]
KeepGoing = Annotated[bool, typer.Option("--keep-going", "-k", help="after a failure run what does not depend on it")]
NoCommit = Annotated[bool, typer.Option("--no-commit", help="record the outputs, do not store them; see `dvcx commit`")]
NoRunCache = Annotated[bool, typer.Option("--no-run-cache", help="run stages although their outputs are in the cache")]
StageJobs = Annotated[
    int | None, typer.Option("--jobs", "-j", min=1, metavar="N", help="how many stages at once; else one a core")
]
