"""Show which metrics differ between two revisions: by default between HEAD and the workspace.

Examples:
    dvcx metrics diff
    dvcx metrics diff v1 v2 --md        # a table for a merge request
    dvcx metrics diff main --all --precision 3
"""

from __future__ import annotations

from functools import partial

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.options import DiffNew, DiffOld, DiffTargets, EqualToo, Markdown, NoPath, Precision
from dvcx.cli.render.values import HowValues, render_changes
from dvcx.operations.metrics import MetricsDiff, metrics_diff
from dvcx.repo.open import path_in_project


def command(
    call: Invocation,
    old: DiffOld = None,
    new: DiffNew = None,
    targets: DiffTargets = None,
    all_: EqualToo = False,
    md: Markdown = False,
    no_path: NoPath = False,
    precision: Precision = 5,
) -> Outcome:
    repo = call.repo()
    paths = [path_in_project(repo, target, call.directory) for target in targets or ()]
    result = metrics_diff(repo, old or "HEAD", new, paths, all_=all_)
    how = HowValues(precision, md, paths=not no_path)
    return Outcome(result, render=partial(render_changes, how=how, what="metric"))


def render(result: MetricsDiff, console: Console) -> None:
    render_changes(result, console, HowValues(), what="metric")
