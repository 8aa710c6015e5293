"""Check that every byte in the cache, or on a remote, is what its name says.

Without --remote the cache is checked; with --remote that remote, and with --cache as well both. Damage is named with
the tracked paths that it affects and ends with exit code 3. With --repair damaged files go to a quarantine beside the
data, never away; the cache is mended from the workspace and from every remote, a remote from the cache.

Examples:
    dvcx fsck
    dvcx fsck --repair
    dvcx fsck --cache --remote store --repair
    dvcx fsck --remote store --sample 5 # every night another twentieth
"""

from __future__ import annotations

from typing import Annotated

import typer

from dvcx.base.errors import UsageError
from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.options import OtherStore
from dvcx.cli.render.sizes import count_text, size_text
from dvcx.cli.text import Styled, dim, green, red, yellow
from dvcx.operations.fsck import FsckResult, StoreCheck, fsck

_MOST_LINES = 200


def command(
    call: Invocation,
    cache: Annotated[
        bool, typer.Option("--cache", help="check the cache (also what is done without --remote)")
    ] = False,
    remote: OtherStore = None,
    repair: Annotated[bool, typer.Option("--repair", help="mend what is damaged from the other side")] = False,
    sample: Annotated[
        float | None,
        typer.Option("--sample", metavar="PCT", help="read so many percent of the remote's packs, chosen by chance"),
    ] = None,
) -> Outcome:
    with_cache = cache or remote is None
    part = None if sample is None else _part(sample, remote)
    result = fsck(call.repo(), cache=with_cache, remote=remote, repair=repair, sample=part, progress=call.progress)
    return Outcome(result, error=result.problem())


def _part(percent: float, remote: str | None) -> float:
    if remote is None:
        raise UsageError("--sample is for a remote: the cache is always read whole", "name one with `--remote NAME`")
    if not 0 < percent <= 100:
        raise UsageError(f"{percent:g} percent is no sample", "give more than 0 and at most 100")
    return percent / 100


def render(result: FsckResult, console: Console) -> None:
    for store in result.stores:
        _show(store, console)


def _show(store: StoreCheck, console: Console) -> None:
    bad = [each for each in store.findings if each.state != "leftover"]
    for each in bad[:_MOST_LINES]:
        names = f"  ({', '.join(each.paths[:5])}{' and more' if len(each.paths) > 5 else ''})" if each.paths else ""
        what = each.what if each.what != "file" else each.where
        console.line(_styled(f"{each.state:<10}"), " ", what, names, dim(f"  {each.where}: {each.reason}"))
    if len(bad) > _MOST_LINES:
        console.line(f"... and {len(bad) - _MOST_LINES:,} more; --json lists all")
    for note in store.notes:
        console.say(yellow("note: "), note)
    if store.set_aside:
        console.say(f"{count_text(len(store.set_aside), 'damaged file')} kept aside: {', '.join(store.set_aside[:3])}")
    leftovers = len(store.findings) - len(bad)
    if leftovers:
        console.say(f"{count_text(leftovers, 'file')} in {store.store} without an object, which is no harm (-v: which)")
        for each in store.findings:
            if each.state == "leftover":
                console.detail(each.where, ": ", each.reason)
    if not bad:
        amount = (
            f": {count_text(store.objects, 'object')}, {size_text(store.size or 0)}"
            if store.objects is not None
            else ""
        )
        console.say(f"{store.store} is sound{amount}")
    if store.absent:
        what = count_text(store.absent, "object of tracked data is", "objects of tracked data are")
        console.say(f"{what} not in the cache; `dvcx status` tells where that matters")


def _styled(word: str) -> Styled:
    return green(word) if word.startswith("repaired") else yellow(word) if word.startswith("not") else red(word)
