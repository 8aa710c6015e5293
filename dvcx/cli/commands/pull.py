"""Fetch data from a remote and put it into the workspace.

A pull never changes anything on the remote. A damaged object in the cache is replaced by a good copy. With
--all-branches, --all-tags or --all-commits the data of those revisions is fetched and the workspace stays as it is.

Examples:
    git clone URL && cd REPO && dvcx pull
    dvcx pull data/train                # a path inside a tracked folder
    dvcx pull --glob 'data/**/*.json'
"""

from __future__ import annotations

from typing import Annotated

import typer

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.options import (
    AllBranches,
    AllCommits,
    AllTags,
    Force,
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
from dvcx.cli.render.changes import render_checkout
from dvcx.cli.render.sizes import count_text
from dvcx.cli.render.transfer import render_fetch
from dvcx.cli.transfer_options import transfer_options, transfer_paths
from dvcx.operations.pull import PullResult, pull
from dvcx.operations.selection import Revisions


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
    force: Force = False,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="data that the remote does not have is no error")
    ] = False,
) -> Outcome:
    repo = call.repo()
    revisions = Revisions(all_branches, all_tags, all_commits, tuple(rev or ()))
    amounts = (limit_rate, max_size)
    options = transfer_options(remote, jobs, revisions, amounts, glob=glob, dry_run=dry_run, run_cache=run_cache)
    paths = transfer_paths(repo, targets, call.directory, glob=glob)
    result = pull(repo, paths, options, force=force, progress=call.progress)
    return Outcome(result, error=result.problem(allow_missing=allow_missing))


def render(result: PullResult, console: Console) -> None:
    render_fetch(result.fetched, console)
    if result.repaired:
        console.say(f"replaced {count_text(result.repaired, 'damaged object')} in the cache by good copies")
    if result.checked_out is not None:
        render_checkout(result.checked_out, console)
