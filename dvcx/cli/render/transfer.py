"""What transfers did, as text."""

from __future__ import annotations

from dvcx.cli.console import Console
from dvcx.cli.render.sizes import count_text, size_text
from dvcx.operations.fetch import FetchResult
from dvcx.operations.prices import Cost


def render_fetch(result: FetchResult, console: Console) -> None:
    """Shows what a fetch took, or would take."""
    amount = f"{count_text(result.objects, 'object')}, {size_text(result.size)}"
    if result.dry_run:
        requests = count_text(result.requests, "request")
        cost = cost_text(result.cost)
        console.report(f"would fetch from {result.remote}: {amount} of content, about {requests}{cost}")
    elif result.runs:
        runs = count_text(result.runs, "run of stages", "runs of stages")
        console.report(f"fetched from {result.remote}: {runs}, and {amount}")
    elif result.objects:
        console.report(f"fetched from {result.remote}: {amount}")
    elif not result.missing and not result.damaged:
        console.report("the cache has everything already")


def cost_text(cost: Cost | None) -> str:
    """Gives what a transfer costs, as the end of a sentence; nothing where no prices are known."""
    if cost is None:
        return ""
    month = f", and {_dollars(cost.month)} a month to keep it" if cost.month else ""
    return f"; that costs about {_dollars(cost.once)}{month} ({cost.prices})"


def _dollars(amount: float) -> str:
    if amount == 0:
        return "$0"
    if amount < 0.01:
        return "less than $0.01"
    return f"${amount:,.2f}"
