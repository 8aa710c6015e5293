"""What a killed command had done already: its journal in the trash says so when the same command runs again."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from dvcx.formats.trash_journal import Kept, Renamed, Step
from dvcx.model.pointer import pointer_path
from dvcx.repo.record import Repo, open_trash
from dvcx.storage.trash_shelf import Shelf


def texts_before_removal(repo: Repo, path: str) -> Iterator[bytes]:
    """Gives the texts that the pointer of `path` had before each `remove` that the trash remembers, the last first."""
    pointer = str(repo.root / pointer_path(path))
    for steps in _journals(repo, "remove"):
        yield from (step.text for step in steps if isinstance(step, Kept) and step.path == pointer and step.text)


def had_renamed(repo: Repo, path: str, new_path: str) -> bool:
    """Tells whether what stands at `new_path` came there from `path` by a `move` that the trash remembers."""
    old, new = str(repo.root / path), str(repo.root / new_path)
    try:
        status = os.lstat(new)
    except OSError:
        return False
    return any(
        isinstance(step, Renamed)
        and (step.path, step.new_path) == (old, new)
        and (step.device, step.inode) == (status.st_dev, status.st_ino)
        for steps in _journals(repo, "move")
        for step in steps
    )


def had_changed_both(repo: Repo, output: str, other: str) -> bool:
    """Tells whether a `move` that the trash remembers was about to change the pointers of both tracked paths."""
    wanted = {str(repo.root / pointer_path(path)) for path in (output, other)}
    return any(wanted <= {step.path for step in steps if isinstance(step, Kept)} for steps in _journals(repo, "move"))


def _journals(repo: Repo, operation: str) -> Iterator[Sequence[Step]]:
    shelf = Shelf(open_trash(repo).root)
    for entry_id in reversed(shelf.ids()):
        header = shelf.header(entry_id)
        if header is None or header.operation != operation or header.roots[0] != str(repo.root):
            continue
        journal = shelf.journal(entry_id)
        if journal is not None:
            yield journal.steps
