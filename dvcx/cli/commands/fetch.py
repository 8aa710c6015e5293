"""Take data from a remote into the cache, without touching the workspace.

Examples:
    dvcx fetch
    dvcx fetch data/train               # a path inside a tracked folder
    dvcx fetch --all-branches
    dvcx fetch --dry-run
"""

from __future__ import annotations

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
from dvcx.cli.render.transfer import render_fetch
from dvcx.cli.transfer_options import transfer_options, transfer_paths
from dvcx.operations.fetch import FetchResult, fetch
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
) -> Outcome:
    repo = call.repo()
    revisions = Revisions(all_branches, all_tags, all_commits, tuple(rev or ()))
    amounts = (limit_rate, max_size)
    options = transfer_options(remote, jobs, revisions, amounts, glob=glob, dry_run=dry_run, run_cache=run_cache)
    result = fetch(repo, transfer_paths(repo, targets, call.directory, glob=glob), options, call.progress)
    return Outcome(result, error=result.problem())


def render(result: FetchResult, console: Console) -> None:
    render_fetch(result, console)
