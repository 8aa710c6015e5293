"""Writing pointers and the `.gitignore` lines beside them, so that `undo` can take them back."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dvcx.base.files import write_atomically
from dvcx.base.paths import open_folder
from dvcx.formats.pointer_text import print_pointer
from dvcx.git.ignorefile import has_line, with_line, without_line
from dvcx.model.pointer import Pointer, pointer_path
from dvcx.repo.record import Repo
from dvcx.storage.trash import Trash, TrashEntry


@dataclass(frozen=True, slots=True)
class PointerChange:
    """The pointer of the data at `path` becomes `new`; None means that there is none."""

    path: str
    old: Pointer | None
    new: Pointer | None


def write_pointers(repo: Repo, trash: Trash, operation: str, changes: Sequence[PointerChange]) -> tuple[str, ...]:
    """Writes pointers and ignore lines, remembering the old ones for `undo`; gives the files that changed.

    The data that the new pointers name must be durable already. Raises `Refused` where a folder on the way is a link.
    """
    if not any(change.old != change.new for change in changes):
        return ()
    with trash.entry(operation, repo.root) as entry:
        return apply_pointer_changes(repo, entry, changes)


def apply_pointer_changes(repo: Repo, entry: TrashEntry, changes: Sequence[PointerChange]) -> tuple[str, ...]:
    """Does what `write_pointers` does within a trash entry that is open already."""
    texts: dict[Path, str | None] = {}
    for change in changes:
        if change.old == change.new:
            continue
        _check_folder(repo, change.path)
        pointer = repo.root / pointer_path(change.path)
        texts[pointer] = print_pointer(change.new) if change.new is not None else None
        if repo.git is not None:
            _change_ignore_file(texts, repo.root / change.path, tracked=change.new is not None)
    entry.keep_text(list(texts))
    for path, text in texts.items():
        if text is None:
            path.unlink(missing_ok=True)
        else:
            write_atomically(path, text.encode("utf-8", "surrogateescape"), durable=repo.durable)
    return tuple(sorted(path.relative_to(repo.root).as_posix() for path in texts))


def _change_ignore_file(texts: dict[Path, str | None], data: Path, *, tracked: bool) -> None:
    file = data.parent / ".gitignore"
    if file in texts:
        now = texts[file] or ""
    else:
        try:
            now = file.read_bytes().decode("utf-8", "surrogateescape")
        except FileNotFoundError:
            now = ""
    if has_line(now, data.name) == tracked:
        return
    after = with_line(now, data.name) if tracked else without_line(now, data.name)
    texts[file] = after or None


def _check_folder(repo: Repo, path: str) -> None:
    root = os.open(repo.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.close(open_folder(root, path.split("/")[:-1]))
    finally:
        os.close(root)
