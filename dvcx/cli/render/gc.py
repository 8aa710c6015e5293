"""What a garbage collection takes, as text."""

from __future__ import annotations

from collections.abc import Callable

from dvcx.cli.console import Console
from dvcx.cli.render.sizes import count_text, size_text
from dvcx.cli.text import dim
from dvcx.operations.gc import GcItem, GcResult

_MOST_LINES = 100


def render_gc(result: GcResult, console: Console, *, listed: bool = False) -> None:
    """Shows what went, or would go; without the list when that was shown before."""
    if not listed:
        _list(result.items, console.line)
    if result.is_empty:
        console.say(f"nothing to collect in {result.store}")
    elif result.grace_days is not None:
        _say_marks(result, console)
    else:
        _say_cache(result, console)
    _say_what_stays(result, console)


def say_items(result: GcResult, console: Console) -> None:
    """Shows what would go as talk, before the question."""
    _list(result.items, console.say)


def question(result: GcResult) -> str:
    """Gives what to ask before it is done."""
    parts = []
    amount = f"{count_text(len(result.items), 'object')} ({size_text(result.size)})"
    if result.grace_days is not None:
        days = f"{result.grace_days:g} days"
        if result.marked:
            parts.append(f"mark {amount} on {result.store}, to be deleted after {days}")
        if result.deleted:
            parts.append(f"delete {count_text(result.deleted, 'pack')} on {result.store} for good")
    elif result.items:
        parts.append(f"move {amount} to the trash")
    if result.expired:
        parts.append(f"delete {_expired(result)} for good")
    return f"{' and '.join(parts)}?"


def _list(items: tuple[GcItem, ...], write: Callable[..., None]) -> None:
    for item in items[:_MOST_LINES]:
        write(
            f"{item.kind}  {size_text(item.size):>9}  ", item.name or dim("(no name known)"), dim(f"  {item.id[:23]}")
        )
    if len(items) > _MOST_LINES:
        rest = items[_MOST_LINES:]
        amount = size_text(sum(item.size for item in rest))
        write(f"... and {count_text(len(rest), 'smaller object')} ({amount}); --json lists all")


def _say_cache(result: GcResult, console: Console) -> None:
    amount = f"{count_text(len(result.items), 'object')}, {size_text(result.size)}"
    if result.items:
        console.say(f"{'moved to the trash' if result.done else 'would move to the trash'}: {amount}")
    if result.expired:
        console.say(f"{'deleted' if result.done else 'would delete'} for good: {_expired(result)}")
    if result.done and result.items:
        console.say(f"the space is free once the trash lets go of it, after {result.keep_days} days (trash.keep_days)")
        console.next_step("dvcx undo: bring them back")


def _say_marks(result: GcResult, console: Console) -> None:
    if result.marked:
        console.say(
            f"{'marked' if result.done else 'would mark'} on {result.store}: {count_text(result.marked, 'pack')}, "
            f"{size_text(result.size)}; a collection after {result.grace_days:g} days deletes what is still not needed"
        )
    if result.entry is not None:
        console.next_step("dvcx undo: take the marks back, until then")
    if result.deleted:
        console.say(f"{'deleted' if result.done else 'would delete'}: {count_text(result.deleted, 'pack')}")


def _say_what_stays(result: GcResult, console: Console) -> None:
    if result.young:
        what = "pack" if result.grace_days is not None else "object"
        console.say(f"left because of their age: {count_text(result.young, what)}, {size_text(result.young_size)}")
    if result.scattered:
        amount = f"{count_text(result.scattered, 'object')}, {size_text(result.scattered_size)}"
        console.detail(f"left inside packs that are mostly needed: {amount}")
    if result.shallow:
        console.warn("this clone does not have its whole history: what only older commits need counts as not needed")
    for path in result.unread[:10]:
        console.warn(f"what {path} needs is not known: its listing is neither in the cache nor on a remote")
    for pack in result.unreadable_packs:
        console.warn(f"left alone, because it cannot be read: {pack}", "run `dvcx fsck --repair`")


def _expired(result: GcResult) -> str:
    amount = count_text(len(result.expired), "trash entry", "trash entries")
    return f"{amount} of more than {result.keep_days} days ({size_text(result.expired_size)})"
