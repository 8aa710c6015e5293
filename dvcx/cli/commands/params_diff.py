"""Show which parameters differ between two revisions: by default between HEAD and the workspace.

Parameter files are params.yaml, those that stages depend on, and those that dvcx.yaml lists.

Examples:
    dvcx params diff
    dvcx params diff v1 v2 --deps       # only what stages depend on
    dvcx params diff main --md --targets params.yaml
"""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.options import DiffNew, DiffOld, DiffTargets, EqualToo, Markdown, NoPath
from dvcx.cli.render.values import HowValues, render_changes
from dvcx.operations.params_diff import ParamsDiff, params_diff
from dvcx.repo.open import path_in_project


def command(
    call: Invocation,
    old: DiffOld = None,
    new: DiffNew = None,
    targets: DiffTargets = None,
    all_: EqualToo = False,
    deps: Annotated[bool, typer.Option("--deps", help="only parameters that stages depend on")] = False,
    md: Markdown = False,
    no_path: NoPath = False,
) -> Outcome:
    repo = call.repo()
    paths = [path_in_project(repo, target, call.directory) for target in targets or ()]
    result = params_diff(repo, old or "HEAD", new, paths, deps=deps, all_=all_)
    how = HowValues(None, md, paths=not no_path)
    return Outcome(result, render=partial(render_changes, how=how, what="parameter"))


def render(result: ParamsDiff, console: Console) -> None:
    render_changes(result, console, HowValues(), what="parameter")
