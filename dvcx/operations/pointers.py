"""Writing pointers and the `.gitignore` lines beside them, so that `undo` can take them back."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dvcx.base.errors import Refused, shown
from dvcx.base.files import sync_directory, write_atomically
from dvcx.base.paths import open_folder
from dvcx.base.scratch import scratch_folder
from dvcx.formats.pointer_text import print_pointer
from dvcx.git.files import ignored
from dvcx.git.ignorefile import has_line, with_line, without_line
from dvcx.model.pointer import Pointer, pointer_path
from dvcx.repo.record import Repo, scratch_root
from dvcx.storage.trash import Trash
from dvcx.storage.trash_entry import TrashEntry


@dataclass(frozen=True, slots=True)
class PointerChange:
    """The pointer of the data at `path` becomes `new`; None means that there is none, or none that can be read."""

    path: str
    old: Pointer | None
    new: Pointer | None


def refuse_frozen(changes: Sequence[PointerChange], *, can_force: bool = True) -> None:
    """Raises `Refused` when frozen data would become other data; the hint names --force with `can_force`."""
    frozen = [
        change.path
        for change in changes
        if change.old is not None and change.old.frozen and change.new and not change.old.same_data(change.new)
    ]
    if frozen:
        raise Refused(
            f"frozen, so that it does not change by accident: {shown(frozen)}",
            f"run `dvcx unfreeze {frozen[0]}` first" + (", or add --force" if can_force else ""),
            frozen,
        )


def write_pointers(repo: Repo, trash: Trash, operation: str, changes: Sequence[PointerChange]) -> tuple[str, ...]:
    """Writes pointers and ignore lines, remembering the old ones for `undo`; gives the files that changed.

    The data that the new pointers name must be durable already. Raises `Refused` where a folder on the way is a link.
    """
    texts = plan_texts(repo, changes)
    if not texts:
        return ()
    with trash.entry(operation, repo.root) as entry:
        return apply_texts(repo, entry, texts)


def plan_texts(repo: Repo, changes: Sequence[PointerChange]) -> dict[Path, str | None]:
    """Gives the new text of each file that `changes` change, None where it goes away, in the order to write them.

    Ignore files come first and pointers that go away last, so that after a kill anywhere the same command still finds
    what it has to do. A missing ignore line counts as a change even when the pointer stays. Raises `Refused` where a
    folder on the way is a link, and for names that an ignore file cannot express.
    """
    ignore_files: dict[Path, str | None] = {}
    written: dict[Path, str | None] = {}
    removed: dict[Path, str | None] = {}
    for change in changes:
        _check_folder(repo, change.path)
        if repo.git is not None and not _is_ignored_otherwise(repo, change):
            _change_ignore_file(ignore_files, repo.root / change.path, tracked=change.new is not None)
        pointer = repo.root / pointer_path(change.path)
        if change.new is None:
            removed[pointer] = None
        elif change.new != change.old:
            written[pointer] = print_pointer(change.new)
    return {**ignore_files, **written, **removed}


def apply_texts(repo: Repo, entry: TrashEntry, texts: Mapping[Path, str | None]) -> tuple[str, ...]:
    """Writes what `plan_texts` gave, in its order, within a trash entry; gives the paths below the project root."""
    entry.keep_text(list(texts))
    with scratch_folder(scratch_root(repo)) as scratch:
        for path, text in texts.items():
            if text is None:
                path.unlink(missing_ok=True)
            else:
                data = text.encode("utf-8", "surrogateescape")
                write_atomically(path, data, durable=repo.durable, scratch=scratch)
    if repo.durable:
        for folder in {path.parent for path, text in texts.items() if text is None}:
            sync_directory(folder)
    return tuple(sorted(path.relative_to(repo.root).as_posix() for path in texts))


def _is_ignored_otherwise(repo: Repo, change: PointerChange) -> bool:
    """Tells whether people have Git ignore data that is tracked already by a line of their own instead of ours."""
    assert repo.git is not None
    if change.old is None or change.new is None or _has_line(repo.root / change.path):
        return False
    path = f"{repo.prefix}/{change.path}" if repo.prefix else change.path
    return bool(ignored(repo.git, [path]))


def _change_ignore_file(texts: dict[Path, str | None], data: Path, *, tracked: bool) -> None:
    file = data.parent / ".gitignore"
    now = (texts[file] or "") if file in texts else _read(file)
    if has_line(now, data.name) == tracked:
        return
    after = with_line(now, data.name) if tracked else without_line(now, data.name)
    texts[file] = after or None


def _has_line(data: Path) -> bool:
    return has_line(_read(data.parent / ".gitignore"), data.name)


def _read(ignore_file: Path) -> str:
    try:
        return ignore_file.read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return ""


def _check_folder(repo: Repo, path: str) -> None:
    root = os.open(repo.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.close(open_folder(root, path.split("/")[:-1]))
    except FileNotFoundError:
        pass  # a move makes it before it writes
    finally:
        os.close(root)
