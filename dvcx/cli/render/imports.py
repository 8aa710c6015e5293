"""Imported data as text: what came from where, and what is new there."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping

from dvcx.cli.console import Console
from dvcx.cli.render.sizes import content_text, count_text
from dvcx.cli.text import dim, green, yellow
from dvcx.operations.import_ import Imported
from dvcx.operations.update import PassedOver, Updated, UpdateResult

_SHORT = 12
_FEW = 5
_MOST = 20
"""Lines for the files of one import."""


def render_import(result: Imported, console: Console) -> None:
    """Shows what an import did."""
    style = dim if result.change == "unchanged" else green if result.change == "added" else yellow
    size = content_text(result.size, result.files)
    console.report(style(f"{result.change:<9}"), " ", result.path, dim(f"  ({size} from {_origin(result.source)})"))
    if not result.downloaded:
        console.next_step(f"dvcx update {result.path}: download the data")


def render_update(result: UpdateResult, console: Console) -> None:
    """Shows what an update did, or what a check found."""
    for each in result.outputs:
        style = dim if each.change == "unchanged" else yellow
        console.report(style(f"{each.change:<9}"), " ", each.path, dim(f"  ({_step(each)})"))
        if result.check:
            for file in each.files[:_MOST]:
                console.report(f"    {file.change:<8} {file.path}")
            if len(each.files) > _MOST:
                console.report(f"    and {len(each.files) - _MOST:,} more; --json lists them all")
    for passed in result.passed_over:
        console.report(dim(f"{passed.why:<9}"), " ", passed.path, dim(f"  ({_why(passed)})"))
    unnamed = [passed.path for passed in result.passed_over if passed.why == "unnamed"]
    if not result.outputs and not result.failed and not result.passed_over:
        console.say("no data here was imported")
    if result.is_outdated:
        outdated = [shlex.quote(each.path) for each in result.outputs if each.change == "outdated"]
        console.next_step(f"dvcx update {' '.join(outdated)}" if len(outdated) <= _FEW else "dvcx update")
    if unnamed:
        names = " ".join(map(shlex.quote, unnamed))
        console.next_step(f"dvcx update{' --check' if result.check else ''} {names}: if those are the right places")


def _why(passed: PassedOver) -> str:
    if passed.why == "frozen":
        return f"not updated: it is frozen, `dvcx unfreeze {shlex.quote(passed.path)}` ends that"
    return f"not updated unless it is named: {passed.origin} is on this machine, or reached through it"


def _step(each: Updated) -> str:
    old, new = _version(each.old), _version(each.new)
    parts = [new if old == new else f"{old} -> {new}"]
    counts = Counter(file.change for file in each.files)
    parts += [f"{count_text(count, 'file')} {kind}" for kind, count in sorted(counts.items())]
    return ", ".join(parts)


def _version(text: str | None) -> str:
    return "?" if text is None else text[:_SHORT] if len(text) in (40, 64) else text


def _origin(source: Mapping[str, object]) -> str:
    if "repo" not in source:
        return str(source.get("url"))
    return f"{source['path']} of {source['repo']} at {source.get('rev') or _version(str(source.get('commit')))!s}"
