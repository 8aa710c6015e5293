"""Show metrics: numbers that stages wrote, in JSON, YAML, TOML or CSV files under `metrics` of dvcx.yaml.

Of a table with several rows the last one counts. With revisions there is a row for each, the workspace first.

Examples:
    dvcx metrics show
    dvcx metrics show --all-branches --md
    dvcx metrics show --all             # every branch and every tag
    dvcx metrics show --rev v1 --rev v2 scores.json
"""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.names import revision_names
from dvcx.cli.options import Markdown, Precision
from dvcx.cli.render.values import HowValues, render_metrics
from dvcx.operations.metrics import RevisionMetrics, metrics_show
from dvcx.operations.selection import Revisions
from dvcx.repo.open import path_in_project


def command(
    call: Invocation,
    targets: Annotated[
        list[str] | None, typer.Argument(metavar="PATHS", help="files of metrics, or folders with them; else all")
    ] = None,
    rev: Annotated[
        list[str] | None,
        typer.Option("--rev", metavar="REV", autocompletion=revision_names, help="a Git revision, too; repeatable"),
    ] = None,
    all_branches: Annotated[bool, typer.Option("--all-branches", "-a", help="every branch, too")] = False,
    all_tags: Annotated[bool, typer.Option("--all-tags", "-T", help="every tag, too")] = False,
    all_commits: Annotated[bool, typer.Option("--all-commits", "-A", help="every commit, too")] = False,
    all_: Annotated[bool, typer.Option("--all", help="every branch and every tag, too")] = False,
    md: Markdown = False,
    precision: Precision = 5,
) -> Outcome:
    repo = call.repo()
    paths = [path_in_project(repo, target, call.directory) for target in targets or ()]
    revisions = Revisions(all_branches or all_, all_tags or all_, all_commits, tuple(rev or ()))
    result = metrics_show(repo, paths, revisions)
    return Outcome(result, render=partial(render_metrics, how=HowValues(precision, md)))


def render(result: list[RevisionMetrics], console: Console) -> None:
    render_metrics(result, console, HowValues())
