"""Write a stage into the `dvcx.yaml` of this folder, which is made if there is none. Nothing is run.

The words after the options are the command; put them into quotes when the shell should see their `|`, `>` or `*`, or
after `--`. Several commands are several --cmd. Everything else in the file stays as it is, comments too. `dvcx undo`
takes the change back.

Examples:
    dvcx stage add -n prepare -d raw/ -o clean/ python prepare.py
    dvcx stage add -n train -d clean/ -p lr,model.depth -o model.pt -M scores.json python train.py --fast
    dvcx stage add -n count -d 'data/*.csv' -O counts.txt 'wc -l data/*.csv > counts.txt'
"""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from dvcx.base.errors import UsageError
from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation
from dvcx.cli.render.stage import render_stage_added
from dvcx.operations.stage_add import NewOut, NewStage, StageAdded, stage_add
from dvcx.repo.open import path_in_project

CONTEXT = {"allow_interspersed_args": False}

_Many = list[str] | None


def command(
    call: Invocation,
    words: Annotated[list[str] | None, typer.Argument(metavar="COMMAND", help="what the stage runs")] = None,
    name: Annotated[str, typer.Option("--name", "-n", metavar="NAME", help="what to call it")] = "",
    cmd: Annotated[_Many, typer.Option("--cmd", metavar="TEXT", help="a command; give several for several")] = None,
    deps: Annotated[_Many, typer.Option("--deps", "-d", metavar="PATH", help="what it reads; env:X, pkg:X too")] = None,
    params: Annotated[
        _Many, typer.Option("--params", "-p", metavar="[FILE:]KEYS", help="parameters: lr,seed or file.toml:lr")
    ] = None,
    outs: Annotated[_Many, typer.Option("--outs", "-o", metavar="PATH", help="what it makes")] = None,
    outs_no_cache: Annotated[_Many, typer.Option("--outs-no-cache", "-O", metavar="PATH", help="kept in Git")] = None,
    outs_persist: Annotated[
        _Many, typer.Option("--outs-persist", metavar="PATH", help="not removed before it runs again")
    ] = None,
    outs_persist_no_cache: Annotated[
        _Many, typer.Option("--outs-persist-no-cache", metavar="PATH", help="both")
    ] = None,
    metrics: Annotated[_Many, typer.Option("--metrics", "-m", metavar="PATH", help="metrics that it makes")] = None,
    metrics_no_cache: Annotated[
        _Many, typer.Option("--metrics-no-cache", "-M", metavar="PATH", help="metrics kept in Git")
    ] = None,
    plots: Annotated[_Many, typer.Option("--plots", metavar="PATH", help="plots that it makes")] = None,
    plots_no_cache: Annotated[_Many, typer.Option("--plots-no-cache", metavar="PATH", help="plots kept in Git")] = None,
    wdir: Annotated[str | None, typer.Option("--wdir", "-w", metavar="DIR", help="the folder it runs in")] = None,
    desc: Annotated[str | None, typer.Option("--desc", metavar="TEXT", help="what it is for")] = None,
    always_changed: Annotated[bool, typer.Option("--always-changed", help="it runs at every repro")] = False,
    resource: Annotated[_Many, typer.Option("--resource", metavar="NAME=N", help="such as cpu=2, memory=8GiB")] = None,
    timeout: Annotated[str | None, typer.Option("--timeout", metavar="TIME", help="such as 90s or 1h30m")] = None,
    retries: Annotated[int | None, typer.Option("--retries", min=0, metavar="N", help="tries after a failure")] = None,
    mutex: Annotated[_Many, typer.Option("--mutex", metavar="NAME", help="no two with the same run at once")] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="replace a stage of that name")] = False,
) -> StageAdded:
    if not name:
        raise UsageError("the stage has no name", "give it one with -n NAME")
    if words and cmd:
        raise UsageError("the command is given twice, by --cmd and at the end", "leave one of the two out")
    repo = call.repo()
    stage = NewStage(
        name=name,
        cmd=tuple(cmd or ()) or ((words[0] if len(words) == 1 else shlex.join(words),) if words else ()),
        deps=tuple(deps or ()),
        params=tuple(params or ()),
        outs=(
            *(NewOut(path) for path in outs or ()),
            *(NewOut(path, cache=False) for path in outs_no_cache or ()),
            *(NewOut(path, persist=True) for path in outs_persist or ()),
            *(NewOut(path, cache=False, persist=True) for path in outs_persist_no_cache or ()),
            *(NewOut(path, "metrics") for path in metrics or ()),
            *(NewOut(path, "metrics", cache=False) for path in metrics_no_cache or ()),
            *(NewOut(path, "plots") for path in plots or ()),
            *(NewOut(path, "plots", cache=False) for path in plots_no_cache or ()),
        ),
        wdir=wdir,
        always_changed=always_changed,
        desc=desc,
        resources=tuple(resource or ()),
        timeout=timeout,
        retries=retries,
        mutex=tuple(mutex or ()),
    )
    return stage_add(repo, path_in_project(repo, ".", call.directory), stage, force=force)


def render(result: StageAdded, console: Console) -> None:
    render_stage_added(result, console)
