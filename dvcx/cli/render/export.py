"""What an export did, as text."""

from __future__ import annotations

from dvcx.base.errors import shown
from dvcx.cli.console import Console
from dvcx.cli.render.sizes import count_text, size_text
from dvcx.operations.export import ExportResult


def render_export(result: ExportResult, console: Console) -> None:
    """Shows how many files were written and deleted, and names what the user may not expect."""
    parts = []
    if result.written:
        parts.append(f"{count_text(len(result.written), 'file')}, {size_text(result.size)}")
    if result.deleted:
        parts.append(f"{count_text(len(result.deleted), 'file')} {'to delete' if result.dry_run else 'deleted'}")
    if result.dry_run:
        console.report(f"would export {result.revision} to {result.place}: {'; '.join(parts) or 'nothing new'}")
        for path in result.written:
            console.line(f"write   {path}")
        for path in result.deleted:
            console.line(f"delete  {path}")
    elif parts:
        console.report(f"exported {result.revision} to {result.place}: {'; '.join(parts)}")
    elif not result.missing and not result.damaged:
        console.report(f"{result.place} has {result.revision} already: {count_text(result.unchanged, 'file')}")
    _render_left(result, console)


def _render_left(result: ExportResult, console: Console) -> None:
    if result.wrong:
        found = count_text(len(result.wrong), "file")
        console.warn(f"{found} there had other contents and {'would be' if result.dry_run else 'were'} written anew")
    if result.links:
        console.warn(f"symbolic links to what is not exported are left out: {shown(result.links)}")
    if result.empty:
        console.say(f"folders with nothing in them are left out: {shown(result.empty, 3)}")
    if result.changed:
        console.warn(
            f"these are in {result.revision} no more, but somebody changed them there: {shown(result.changed)}"
        )
    if result.stale:
        found = count_text(len(result.stale), "file")
        console.say(f"left there from older exports, until `--delete`: {found}: {shown(result.stale, 3)}")
