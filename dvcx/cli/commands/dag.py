"""Draw what depends on what: stages, and the pointers of the data that they start from. Nothing is run.

With TARGETS only what they need is shown. A drawing that is wider than the terminal becomes a list: each name with
what it needs. The other forms go to stdout for a file or another program.

Examples:
    dvcx dag
    dvcx dag train --status             # fresh, stale and why
    dvcx dag --svg > dag.svg
    dvcx dag --mermaid --collapse-foreach-matrix
"""

from __future__ import annotations

import shutil
from functools import partial
from typing import Annotated

import typer

from dvcx.base.errors import UsageError
from dvcx.cli.console import Console, is_terminal
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.names import stage_names
from dvcx.cli.render.dag import Form, render_dag
from dvcx.operations.dag import Dag, DagOptions, dag
from dvcx.repo.open import path_in_project

_IN_A_PIPE = 200
"""Columns of a drawing that nobody's terminal limits."""


def command(
    call: Invocation,
    targets: Annotated[
        list[str] | None,
        typer.Argument(metavar="TARGETS", autocompletion=stage_names, help="stages, outputs, pointers; else all"),
    ] = None,
    status: Annotated[bool, typer.Option("--status", help="tell which are up to date, and why others are not")] = False,
    outs: Annotated[bool, typer.Option("--outs", "-o", help="outputs instead of stages")] = False,
    full: Annotated[bool, typer.Option("--full", help="all that is connected with the targets")] = False,
    collapse: Annotated[
        bool, typer.Option("--collapse-foreach-matrix", help="stages generated from one as one")
    ] = False,
    dot: Annotated[bool, typer.Option("--dot", help="for Graphviz")] = False,
    mermaid: Annotated[bool, typer.Option("--mermaid", help="a Mermaid flow chart")] = False,
    markdown: Annotated[bool, typer.Option("--md", help="a Mermaid flow chart in Markdown")] = False,
    svg: Annotated[bool, typer.Option("--svg", help="an image")] = False,
    html: Annotated[bool, typer.Option("--html", help="a page with the image")] = False,
) -> Outcome:
    chosen = {Form.DOT: dot, Form.MERMAID: mermaid, Form.MARKDOWN: markdown, Form.SVG: svg, Form.HTML: html}
    forms = [form for form, wanted in chosen.items() if wanted]
    if len(forms) > 1:
        raise UsageError("the graph can be written in one form at a time", "leave the others out")
    if outs and collapse:
        raise UsageError("--outs shows no stages that --collapse-foreach-matrix could join", "leave one of them out")
    repo = call.repo()
    options = DagOptions(outs=outs, full=full, fold=collapse, status=status)
    result = dag(repo, path_in_project(repo, ".", call.directory), targets or (), options, call.environment)
    columns = shutil.get_terminal_size().columns if is_terminal(call.console.out) else _IN_A_PIPE
    return Outcome(result, render=partial(render_dag, form=forms[0] if forms else Form.ASCII, columns=columns))


def render(result: Dag, console: Console) -> None:
    render_dag(result, console, Form.ASCII, _IN_A_PIPE)
