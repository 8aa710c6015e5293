"""The commits that changed tracked data, as text."""

from __future__ import annotations

from dvcx.cli.console import Console
from dvcx.cli.render.sizes import count_text, size_text
from dvcx.cli.render.words import styled_change
from dvcx.cli.text import bold, dim, yellow
from dvcx.operations.log import LoggedChange, LogResult


def render_log(result: LogResult, console: Console) -> None:
    """Shows each commit on a line, and below it what it changed where that is not just the path asked for."""
    for commit in result.commits:
        head = (yellow(commit.commit[:10]), " ", f"{commit.date:%Y-%m-%d %H:%M}", " ", bold(commit.subject))
        console.line(*head, dim(f"  ({commit.author})"))
        for change in commit.changes:
            name = f"{change.old_path} -> {change.path}" if change.old_path else change.path
            console.line("    ", styled_change(f"{change.change:<8}"), " ", name, dim(_numbers(change)))
    if not result.commits:
        console.say(f"no commit has {result.path or 'any tracked data'} yet")
        console.next_step("git add the pointer files and .gitignore, then git commit")
    for output in result.unread:
        console.warn(
            f"not every version of {output} is known here, so some of these commits may not have changed {result.path}",
            f"`dvcx fetch --all-commits {output}` takes in what is not here",
        )


def _numbers(change: LoggedChange) -> str:
    sizes = [size for size in (change.old_size, change.new_size) if size is not None]
    files = [count for count in (change.old_files, change.new_files) if count is not None]
    texts = [" -> ".join(dict.fromkeys(size_text(size) for size in sizes))]
    if any(count != 1 for count in files):
        texts.insert(0, " -> ".join(dict.fromkeys(count_text(count, "file") for count in files)))
    return f"  ({', '.join(texts)})" if sizes else ""
