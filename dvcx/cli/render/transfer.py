"""What transfers did, as text."""

from __future__ import annotations

from dvcx.cli.console import Console
from dvcx.cli.render.sizes import count_text, size_text
from dvcx.operations.fetch import FetchResult


def render_fetch(result: FetchResult, console: Console) -> None:
    """Shows what a fetch took, or would take."""
    amount = f"{count_text(result.objects, 'object')}, {size_text(result.size)}"
    if result.dry_run:
        console.report(
            f"would fetch from {result.remote}: {amount} at most, about {count_text(result.requests, 'request')}"
        )
    elif result.objects:
        console.report(f"fetched from {result.remote}: {amount}")
    elif not result.missing and not result.damaged:
        console.report("the cache has everything already")
