"""Take out of the cache, or off a remote, what nothing needs any more.

Needed is the data of every branch, tag, stash, worktree, detached HEAD and unfinished merge with all their history, of
the pointers in every working tree and index, and of what the trash remembers. A cache that several projects share asks
all of them. When something of that cannot be read, nothing goes.

What goes is listed first, with a question on a terminal. From the cache it goes to the trash, where `dvcx undo` finds
it; entries of the trash older than `trash.keep_days` (30) go for good, and only that frees the space. On a remote it is
marked, and deleted by the first collection after the grace period (`grace_days`, 14), which --older-than can make
longer but not shorter. Only this project and those that share its cache are asked: collect on a remote only if no other
project pushes to it, and after `git fetch --all`.

Examples:
    dvcx gc --dry-run
    dvcx gc --yes                       # asks nothing
    dvcx gc --older-than 30d            # nothing that came into the cache within 30 days
    dvcx gc --remote store
"""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from dvcx.cli.ages import parse_age
from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.options import DryRun, OtherStore, Yes
from dvcx.cli.render.gc import question, render_gc, say_items
from dvcx.operations.gc import GcOptions, GcResult, collection


def command(
    call: Invocation,
    dry_run: DryRun = False,
    remote: OtherStore = None,
    older_than: Annotated[
        str | None, typer.Option("--older-than", metavar="AGE", help="leave what is younger: 12h, 30d, 2w")
    ] = None,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="go on when the listing of a folder is nowhere to be found")
    ] = False,
    yes: Yes = False,
) -> Outcome:
    options = GcOptions(remote, parse_age(older_than), allow_missing)
    work = collection(call.repo(), options, call.progress)
    found = work.preview
    if dry_run:
        return Outcome(found)
    if found.is_empty or yes:
        return Outcome(work.apply())
    say_items(found, call.console)
    if not call.console.confirm(question(found), "add `--yes` to answer yes in advance"):
        call.console.say("nothing was changed")
        return Outcome(found, render=lambda result, console: None)
    return Outcome(work.apply(), render=partial(render_gc, listed=True))


def render(result: GcResult, console: Console) -> None:
    render_gc(result, console)
