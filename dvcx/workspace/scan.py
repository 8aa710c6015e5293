"""Scanning: what lies in the workspace at a path, as a tree, hashing only what changed since it was last hashed."""

from __future__ import annotations

import os
import stat as stat_module
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from dvcx.base.errors import Refused, shown
from dvcx.base.hashing import Algorithm
from dvcx.base.paths import check_name
from dvcx.formats.tree_bytes import check_portable, dump_tree
from dvcx.model.tree import Tree, TreeEntry, file_entry, folder_entry, link_entry, make_tree
from dvcx.workspace.ignore import NO_RULES, IgnoreRules, extend_rules, rules_for
from dvcx.workspace.reading import Intake, read_file
from dvcx.workspace.state import FolderRows, Seen, State, is_settled, seen
from dvcx.workspace.symlinks import LinkPolicy, Resolved


@dataclass(frozen=True, slots=True)
class ScanRules:
    """How to scan: the algorithm that names contents, and what is refused or followed.

    With `portable_names` two names in one folder that differ only in case or Unicode form are refused.
    With `follow_links` a symbolic link counts as what it leads to.
    """

    algorithm: Algorithm
    portable_names: bool = True
    follow_links: bool = False


@dataclass(slots=True)
class Scanned:
    """What a scan found: the entry of the path itself, and every folder below as a tree by its digest."""

    entry: TreeEntry
    trees: dict[bytes, Tree] = field(default_factory=dict)


def scan(
    root: Path,
    path: str,
    state: State,
    rules: ScanRules,
    *,
    tracked: str | None = None,
    intake: Intake | None = None,
    cache_prefix: str = "",
    advance: Callable[[int], None] | None = None,
) -> Scanned | None:
    """Gives what lies at `path` (relative to the project root `root`), or None when nothing does.

    `tracked` is the tracked path that `path` is or lies in: symbolic links may lead anywhere inside that.
    `intake` receives the content of every file and tree it does not have yet (for `add`); without it files are only
    hashed. `cache_prefix` is the folder of large cached objects: a symbolic link into it stands for the object.
    `advance` is told the number of files done.

    Raises `Refused` that names every socket, pipe, device, hostile name and link out of the folder, before anything
    of that folder is recorded; `OSError` for unreadable files.
    """
    absolute = os.path.join(root, path) if path else str(root)
    try:
        status = os.lstat(absolute)
    except (FileNotFoundError, NotADirectoryError):
        return None
    folder, _, name = path.rpartition("/")
    top = path if tracked is None else tracked
    scanner = _Scanner(root, top, state, rules, intake, cache_prefix, advance)
    if stat_module.S_ISDIR(status.st_mode):
        tree_rules = rules_for(root, path.split("/")[:-1]) if path else NO_RULES
        entry = scanner.folder(absolute, path, name, tree_rules)
    else:
        rows = dict(state.folder(folder))
        found = scanner.entry(absolute, path, name, status, rows.get(name))
        entry, row = found if found else (None, None)
        if row is not None:
            rows[name] = row
            state.remember(folder, rows)
    scanner.raise_problems()
    assert entry is not None
    return Scanned(entry, scanner.trees)


class _Scanner:
    def __init__(
        self,
        root: Path,
        top: str,
        state: State,
        rules: ScanRules,
        intake: Intake | None,
        cache_prefix: str,
        advance: Callable[[int], None] | None,
    ) -> None:
        self._state = state
        self._rules = rules
        self._intake = intake
        self._advance = advance
        self._links = LinkPolicy(os.path.join(root, top), cache_prefix, follow=rules.follow_links)
        self._problems: list[tuple[str, str]] = []
        self.trees: dict[bytes, Tree] = {}

    def folder(self, absolute: str, path: str, name: str, outer: IgnoreRules) -> TreeEntry | None:
        """Gives the entry of a folder after scanning everything in it."""
        ignore = extend_rules(outer, Path(absolute), path)
        old = self._state.folder(path)
        rows: FolderRows = {}
        entries: list[TreeEntry] = []
        prefix = f"{path}/" if path else ""
        with os.scandir(absolute) as listing:
            found = list(listing)
        for item in found:
            child = prefix + item.name
            is_folder = item.is_dir(follow_symlinks=False)
            if ignore.levels and ignore.ignores(child, folder=is_folder):
                continue
            try:
                check_name(item.name, path or ".")
            except Refused as error:
                self._problems.append((child, error.message))
                continue
            if is_folder:
                entry = self.folder(item.path, child, item.name, ignore)
            else:
                result = self.entry(item.path, child, item.name, item.stat(follow_symlinks=False), old.get(item.name))
                entry, row = result if result else (None, None)
                if row is not None:
                    rows[item.name] = row
            if entry is not None:
                entries.append(entry)
        if self._advance is not None:
            self._advance(len(rows))
        if rows != old:
            self._state.remember(path, rows)
        return self._finish_folder(name, path, make_tree(entries))

    def _finish_folder(self, name: str, path: str, tree: Tree) -> TreeEntry | None:
        if self._rules.portable_names:
            try:
                check_portable(tree, path or ".")
            except Refused as error:
                self._problems.append((path, error.message))
                return None
        data = dump_tree(tree)
        digest = self._rules.algorithm.of(data)
        self.trees[digest] = tree
        if self._intake is not None:
            self._intake.tree(digest, data)
        return folder_entry(name, digest, tree)

    def entry(
        self, absolute: str, path: str, name: str, status: os.stat_result, row: Seen | None
    ) -> tuple[TreeEntry, Seen | None] | None:
        """Gives the entry of what is not a folder, with what to remember of it."""
        mode = status.st_mode
        if stat_module.S_ISREG(mode):
            return self._file(absolute, path, name, status, row)
        if stat_module.S_ISLNK(mode):
            return self._link(absolute, path, name, row)
        self._problems.append((path, f"is {_special(mode)}, which cannot be tracked"))
        return None

    def _file(
        self, absolute: str, path: str, name: str, status: os.stat_result, row: Seen | None
    ) -> tuple[TreeEntry, Seen | None]:
        executable = bool(status.st_mode & 0o100)
        if row is not None and row.fits(status) and (self._intake is None or self._intake.has(row.digest)):
            return file_entry(name, row.digest, row.size, executable=executable), row
        began = time.time_ns()
        digest, after = read_file(absolute, path, self._rules.algorithm, self._intake)
        remembered = seen(after, digest) if is_settled(after, began) else None
        return file_entry(name, digest, after.st_size, executable=bool(after.st_mode & 0o100)), remembered

    def _link(self, absolute: str, path: str, name: str, row: Seen | None) -> tuple[TreeEntry, Seen | None] | None:
        resolved = self._links.resolve(absolute, path)
        if resolved.kind is Resolved.LINK:
            return link_entry(name, resolved.target), None
        if resolved.kind is Resolved.REFUSED:
            self._problems.append((path, resolved.target))
            return None
        status = os.stat(resolved.target)
        if stat_module.S_ISDIR(status.st_mode):
            if not self._links.enter(resolved.target):
                self._problems.append((path, "is a symbolic link that leads back to a folder above it"))
                return None
            try:
                entry = self.folder(resolved.target, path, name, NO_RULES)
            finally:
                self._links.leave()
            return (entry, None) if entry else None
        return self._file(resolved.target, path, name, status, row)

    def raise_problems(self) -> None:
        """Raises `Refused` for all that cannot be tracked, if there was anything."""
        if not self._problems:
            return
        names = [path for path, _ in self._problems]
        lines = [f"{path} {why}" if why.startswith("is ") else why for path, why in self._problems]
        raise Refused(
            f"cannot track everything there: {shown(lines, 5).replace(', ', '; ')}",
            "remove these, name them in .dvcxignore, or see the choices named above",
            names,
        )


def _special(mode: int) -> str:
    for test, what in (
        (stat_module.S_ISSOCK, "a socket"),
        (stat_module.S_ISFIFO, "a named pipe (FIFO)"),
        (stat_module.S_ISBLK, "a block device"),
        (stat_module.S_ISCHR, "a character device"),
    ):
        if test(mode):
            return what
    return "neither a file, a folder nor a link"
