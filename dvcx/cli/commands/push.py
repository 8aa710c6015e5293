"""Send the data that a remote lacks.

What the remote has is known by asking it, and only what is missing is sent. A push whose data is nowhere to be had ends
with exit code 4 and names the files. Interrupted, the same push goes on where it stopped.

Examples:
    dvcx push
    dvcx push -r store data/            # one tracked folder, to the remote called store
    dvcx push --all-tags                # the data of every tag
    dvcx push --dry-run
"""

from __future__ import annotations

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.options import AllBranches, AllCommits, AllTags, DryRun, Glob, Jobs, RemoteName, Targets
from dvcx.cli.render.sizes import count_text, size_text
from dvcx.cli.transfer_options import transfer_options, transfer_paths
from dvcx.operations.push import PushResult, push


def command(
    call: Invocation,
    targets: Targets = None,
    remote: RemoteName = None,
    jobs: Jobs = None,
    all_branches: AllBranches = False,
    all_tags: AllTags = False,
    all_commits: AllCommits = False,
    glob: Glob = False,
    dry_run: DryRun = False,
) -> Outcome:
    repo = call.repo()
    options = transfer_options(remote, jobs, (all_branches, all_tags, all_commits), glob=glob, dry_run=dry_run)
    result = push(repo, transfer_paths(repo, targets, call.directory, glob=glob), options, call.progress)
    return Outcome(result, error=result.problem())


def render(result: PushResult, console: Console) -> None:
    amount = f"{count_text(result.objects, 'object')}, {size_text(result.size)}"
    if result.dry_run:
        requests = count_text(result.requests, "request")
        console.report(f"would push to {result.remote}: {amount} at most, about {requests}")
    elif result.objects:
        console.report(f"pushed to {result.remote}: {amount} in {count_text(result.packs, 'pack')}")
    elif result.nothing:
        console.say("nothing is tracked there, so there is nothing to push")
        console.next_step("dvcx add PATH")
    elif not result.missing and not result.damaged:
        console.report(f"{result.remote} has everything already")
