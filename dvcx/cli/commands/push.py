"""Send the data that a remote lacks.

What the remote has is known by asking it, and only what is missing is sent. A push whose data is nowhere to be had ends
with exit code 4 and names the files. Interrupted, the same push goes on where it stopped. Without --remote the data
goes to as many remotes as `core.copies` says: to the default one, unless that is set.

Examples:
    dvcx push
    dvcx push -r store data/            # one tracked folder, to the remote called store
    dvcx push --all-tags                # the data of every tag
    dvcx push --plan                    # objects, bytes, requests and what they cost
    dvcx push --limit-rate 5M --max-size 1G
    dvcx push --all-remotes
"""

from __future__ import annotations

from typing import Annotated

import typer

from dvcx.base.errors import UsageError
from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.options import (
    AllBranches,
    AllCommits,
    AllTags,
    Glob,
    Jobs,
    LimitRate,
    MaxSize,
    RemoteName,
    RunCacheToo,
    Targets,
    TransferPlan,
    TransferRevisions,
)
from dvcx.cli.render.sizes import count_text, size_text
from dvcx.cli.render.transfer import cost_text
from dvcx.cli.transfer_options import transfer_options, transfer_paths
from dvcx.operations.push import PushesResult, PushResult, push, push_to_several
from dvcx.operations.remotes import copy_targets, every_remote
from dvcx.operations.selection import Revisions
from dvcx.repo.record import Repo


def command(
    call: Invocation,
    targets: Targets = None,
    remote: RemoteName = None,
    jobs: Jobs = None,
    all_branches: AllBranches = False,
    all_tags: AllTags = False,
    all_commits: AllCommits = False,
    glob: Glob = False,
    dry_run: TransferPlan = False,
    rev: TransferRevisions = None,
    limit_rate: LimitRate = None,
    max_size: MaxSize = None,
    run_cache: RunCacheToo = False,
    all_remotes: Annotated[bool, typer.Option("--all-remotes", help="push to every remote")] = False,
) -> Outcome:
    repo = call.repo()
    revisions = Revisions(all_branches, all_tags, all_commits, tuple(rev or ()))
    amounts = (limit_rate, max_size)
    options = transfer_options(remote, jobs, revisions, amounts, glob=glob, dry_run=dry_run, run_cache=run_cache)
    paths = transfer_paths(repo, targets, call.directory, glob=glob)
    names = _remotes(repo, remote, all_remotes=all_remotes)
    if len(names) > 1:
        several = push_to_several(repo, names, paths, options, call.progress)
        return Outcome(several, error=several.problem())
    result = push(repo, paths, options, call.progress)
    return Outcome(result, error=result.problem())


def _remotes(repo: Repo, remote: str | None, *, all_remotes: bool) -> list[str]:
    if not all_remotes:
        return [remote] if remote is not None else copy_targets(repo)
    if remote is not None:
        raise UsageError("--all-remotes and --remote exclude each other", "leave one of them away")
    return every_remote(repo)


def render(result: PushResult | PushesResult, console: Console) -> None:
    for each in result.pushes if isinstance(result, PushesResult) else (result,):
        _show(each, console)


def _show(result: PushResult, console: Console) -> None:
    amount = f"{count_text(result.objects, 'object')}, {size_text(result.size)}"
    if result.dry_run:
        requests = count_text(result.requests, "request")
        console.report(f"would push to {result.remote}: {amount} of content, about {requests}{cost_text(result.cost)}")
    elif result.runs:
        runs = count_text(result.runs, "run of stages", "runs of stages")
        console.report(f"pushed to {result.remote}: {runs}, and {amount}")
    elif result.objects:
        console.report(f"pushed to {result.remote}: {amount} in {count_text(result.packs, 'pack')}")
    elif result.nothing:
        console.say("nothing is tracked there, so there is nothing to push")
        console.next_step("dvcx add PATH")
    elif not result.missing and not result.damaged:
        console.report(f"{result.remote} has everything already")
