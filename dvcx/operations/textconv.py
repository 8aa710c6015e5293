"""Pointers as text for `git diff`, `git log -p` and `git show`: the files that data has, with their sizes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from dvcx.base.errors import DvcxError
from dvcx.base.text import counted, size_text
from dvcx.formats.pointer_text import parse_pointer
from dvcx.git.files import project_folders
from dvcx.git.location import GitLocation
from dvcx.manifest.trees import LoadTree, entry_of, files_below, is_at_hand
from dvcx.model.pointer import SUFFIX, Pointer
from dvcx.model.tree import EntryKind, TreeEntry
from dvcx.repo.open import wire
from dvcx.repo.record import Repo, open_cache, tree_loader

_NAME = re.compile(rb"^path: (.*)$", re.MULTILINE)
_BATCH = 1000
_SHOWN = 4
"""So many bytes of a digest are shown: enough to see that a file of the same size is another one."""


def pointer_lines(data: bytes, git: GitLocation, environ: Mapping[str, str]) -> Iterator[bytes]:
    """Gives the text of the pointer file `data`: a line for each file, in pieces; what is no pointer, as it is.

    Only trees in the cache are read. A folder whose listing is not here shows as its pointer.
    """
    try:
        pointer = _parsed(data)
    except DvcxError:
        yield data
        return
    if not pointer.is_folder:
        yield f"{_line(pointer.name, entry_of(pointer))}\n{_notes(pointer)}".encode("utf-8", "surrogateescape")
        return
    for repo in _projects(git, environ):
        cache = open_cache(repo)
        load = tree_loader(cache)
        try:
            if pointer.id.algorithm == repo.algorithm.name and is_at_hand(load, pointer.id.digest):
                yield from _folder_lines(pointer, load)
                return
        except DvcxError:
            continue  # damaged: `dvcx fsck` says so, a diff shows what it can
        finally:
            cache.close()
    yield data + b"# what this folder holds is not known here; `dvcx fetch` takes it in\n"


def _parsed(data: bytes) -> Pointer:
    """Reads a pointer from a temporary file, whose name does not say what it stands for."""
    try:
        return parse_pointer(data, SUFFIX)
    except DvcxError:
        found = _NAME.search(data)
        if found is None:
            raise
        name = found[1].decode("utf-8", "replace").strip()
        if name.startswith('"'):
            import json

            try:
                name = str(json.loads(name))
            except ValueError:
                raise DvcxError("no pointer") from None
        return parse_pointer(data, name + SUFFIX)


def _projects(git: GitLocation, environ: Mapping[str, str]) -> Iterator[Repo]:
    """Gives the projects of the work tree, first the one at its top: a pointer's blob does not say where it lies."""
    for folder in project_folders(git):
        try:
            yield wire(git.worktree / folder if folder else git.worktree, git, environ)
        except DvcxError:
            continue


def _folder_lines(pointer: Pointer, load: LoadTree) -> Iterator[bytes]:
    yield f"{counted(pointer.files or 0, 'file')}, {size_text(pointer.size)} in {_plain(pointer.name)}\n".encode()
    unread: list[tuple[str, TreeEntry]] = []
    lines: list[str] = []
    for path, entry in files_below(entry_of(pointer), "", load, unread=unread):
        lines.append(_line(path, entry))
        if len(lines) == _BATCH:
            yield ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")
            lines.clear()
    lines += [f"{_line(path, entry)}  (its files are not known here)" for path, entry in unread]
    yield ("".join(f"{line}\n" for line in lines) + _notes(pointer)).encode("utf-8", "surrogateescape")


def _line(path: str, entry: TreeEntry) -> str:
    if entry.is_link:
        return f"{_plain(path)}  -> {_plain(entry.target)}"
    mark = "*" if entry.kind == EntryKind.EXECUTABLE else ""
    slash = "/" if entry.is_folder else ""
    return f"{_plain(path)}{slash}{mark}  {size_text(entry.size)}  {entry.digest[:_SHOWN].hex()}"


def _notes(pointer: Pointer) -> str:
    """Gives a line for each note: their changes show, too."""
    notes: dict[str, object] = {}
    if pointer.desc is not None:
        notes["desc"] = pointer.desc
    if pointer.labels:
        notes["labels"] = list(pointer.labels)
    for name in ("meta", "source", "extra"):
        value = getattr(pointer, name)
        if value:
            notes[name] = dict(value)
    if pointer.frozen:
        notes["frozen"] = True
    return "".join(f"{name}: {_plain(str(value))}\n" for name, value in notes.items())


def _plain(text: str) -> str:
    """Gives a name that stays on its line and cannot act on the terminal of `git log -p`."""
    return text if text.isprintable() else repr(text)
