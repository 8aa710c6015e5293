"""Writing pointers and the `.gitignore` lines beside them, so that `undo` can take them back."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dvcx.base.errors import Refused, shown
from dvcx.base.files import read_own_file, sync_directory, write_all_atomically
from dvcx.base.paths import open_folder
from dvcx.base.scratch import scratch_folder
from dvcx.formats.pointer_text import print_pointer
from dvcx.git.files import ignored
from dvcx.git.ignorefile import has_lines, with_lines, without_lines
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


def write_pointers(
    repo: Repo, trash: Trash, operation: str, changes: Sequence[PointerChange], entry: TrashEntry | None = None
) -> tuple[str, ...]:
    """Writes pointers and ignore lines, remembering the old ones for `undo`; gives the files that changed.

    They are remembered in `entry` when there is one open already.
    The data that the new pointers name must be durable already. Raises `Refused` where a folder on the way is a link.
    """
    texts = plan_texts(repo, changes)
    if not texts:
        return ()
    if entry is not None:
        return apply_texts(repo, entry, texts)
    with trash.entry(operation, repo.root) as own:
        return apply_texts(repo, own, texts)


def plan_texts(repo: Repo, changes: Sequence[PointerChange]) -> dict[Path, str | None]:
    """Gives the new text of each file that `changes` change, None where it goes away, in the order to write them.

    Ignore files come first and pointers that go away last, so that after a kill anywhere the same command still finds
    what it has to do. A missing ignore line counts as a change even when the pointer stays. Raises `Refused` where a
    folder on the way is a link, and for names that an ignore file cannot express.
    """
    written: dict[Path, str | None] = {}
    removed: dict[Path, str | None] = {}
    for change in changes:
        _check_folder(repo, change.path)
        pointer = repo.root / pointer_path(change.path)
        if change.new is None:
            removed[pointer] = None
        elif change.new != change.old:
            written[pointer] = print_pointer(change.new)
    return {**ignore_texts(repo, changes), **written, **removed}


def apply_texts(repo: Repo, entry: TrashEntry, texts: Mapping[Path, str | None]) -> tuple[str, ...]:
    """Writes what `plan_texts` gave, in its order, within a trash entry; gives the paths below the project root."""
    entry.keep_text(list(texts))
    files = {path: text.encode("utf-8", "surrogateescape") for path, text in texts.items() if text is not None}
    leaving = [path for path, text in texts.items() if text is None]
    with scratch_folder(scratch_root(repo)) as scratch:
        write_all_atomically(files, scratch, durable=repo.durable)
    for path in leaving:
        path.unlink(missing_ok=True)
    if repo.durable:
        for folder in {path.parent for path in leaving}:
            sync_directory(folder)
    return tuple(sorted(path.relative_to(repo.root).as_posix() for path in texts))


def ignore_texts(repo: Repo, changes: Sequence[PointerChange]) -> dict[Path, str | None]:
    """Gives the new text of the ignore files that change, None for one with nothing left in it."""
    if repo.git is None:
        return {}
    by_file: dict[Path, list[PointerChange]] = {}
    for change in changes:
        by_file.setdefault((repo.root / change.path).parent / ".gitignore", []).append(change)
    now_by_file = {file: _read(repo, file) for file in by_file}
    lacking: list[str] = []
    for file, group in by_file.items():
        known = {_name(change): change.path for change in group if change.old is not None and change.new is not None}
        lacking += (known[name] for name in known.keys() - has_lines(now_by_file[file], known))
    otherwise = _ignored_otherwise(repo, lacking)
    texts: dict[Path, str | None] = {}
    for file, group in by_file.items():
        now = now_by_file[file]
        after = without_lines(now, [_name(change) for change in group if change.new is None])
        wanted = [_name(c) for c in group if c.new is not None and c.path not in otherwise]
        after = with_lines(after, wanted)
        if after != now:
            texts[file] = after or None
    return texts


def _name(change: PointerChange) -> str:
    return change.path.rsplit("/", 1)[-1]


def _ignored_otherwise(repo: Repo, paths: Sequence[str]) -> set[str]:
    """Gives those of `paths` that people have Git ignore by lines of their own instead of ours."""
    assert repo.git is not None
    prefix = f"{repo.prefix}/" if repo.prefix else ""
    return {path[len(prefix) :] for path in ignored(repo.git, [prefix + path for path in paths])}


def _read(repo: Repo, ignore_file: Path) -> str:
    try:
        data = read_own_file(ignore_file, _MOST_BYTES, ignore_file.relative_to(repo.root).as_posix())
    except FileNotFoundError:
        return ""
    return data.decode("utf-8", "surrogateescape")


_MOST_BYTES = 64 << 20
"""Of an ignore file."""


def _check_folder(repo: Repo, path: str) -> None:
    root = os.open(repo.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.close(open_folder(root, path.split("/")[:-1]))
    except FileNotFoundError:
        pass  # a move makes it before it writes
    finally:
        os.close(root)
