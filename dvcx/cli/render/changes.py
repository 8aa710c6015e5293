"""Changes of data as text: what a checkout did, what a status found."""

from __future__ import annotations

from dvcx.cli.console import Console
from dvcx.cli.render.sizes import count_text, size_text
from dvcx.cli.render.words import styled_change
from dvcx.cli.text import dim
from dvcx.operations.checkout import CheckoutResult

_MOST_LINES = 200
_WORDS = {"create": "created", "replace": "replaced", "delete": "deleted", "relink": "relinked"}
_DRY_WORDS = {"create": "create", "replace": "replace", "delete": "delete", "relink": "relink"}


def render_checkout(result: CheckoutResult, console: Console, *, summary: bool = False) -> None:
    """Shows what a checkout changed, or with `summary` only the numbers."""
    words = _DRY_WORDS if result.dry_run else _WORDS
    if summary:
        for action, word in words.items():
            count = sum(change.files for change in result.changes if change.action == action)
            if count:
                console.report(styled_change(word), f" {count_text(count, 'file')}")
    else:
        for change in result.changes[:_MOST_LINES]:
            what = size_text(change.size) if change.files <= 1 else f"{count_text(change.files, 'file')}"
            console.report(styled_change(f"{words[change.action]:<8}"), " ", change.path, dim(f"  ({what})"))
        if len(result.changes) > _MOST_LINES:
            console.report(f"... and {len(result.changes) - _MOST_LINES:,} more; --json lists all")
    if not result.changes and not result.missing:
        linked = ", and linked as cache.type says" if result.relink else ""
        console.say(f"everything is as the pointers say{linked}")
    for path in result.kept[:10]:
        console.say("kept ", path, ", which nobody tracks")
    if len(result.kept) > 10:
        console.say(f"kept {len(result.kept) - 10} more untracked files")
    if result.dry_run and result.unsaved:
        console.warn(
            f"{count_text(len(result.unsaved), 'file')} with changes that nobody saved would stop this checkout: "
            + ", ".join(result.unsaved[:5]),
            "save them with `dvcx add`, or replace them with --force",
        )
