"""Scanning: what lies in the workspace at a path, as a tree, hashing only what changed since it was last hashed."""

from __future__ import annotations

import os
import stat as stat_module
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from dvcx.base.errors import Refused
from dvcx.base.hashing import Algorithm
from dvcx.base.paths import check_depth, check_name
from dvcx.formats.tree_bytes import check_count, check_portable, dump_tree
from dvcx.model.tree import Tree, TreeEntry, file_entry, folder_entry, foreign_entry, link_entry, make_tree
from dvcx.workspace.ignore import NO_RULES, IgnoreRules, extend_rules, rules_for
from dvcx.workspace.reading import Intake, read_file
from dvcx.workspace.state import FolderRows, Seen, State, is_settled, seen
from dvcx.workspace.symlinks import LinkPolicy, Resolved


@dataclass(frozen=True, slots=True)
class ScanRules:
    """How to scan: the algorithm that names contents, and what is refused or followed.

    With `portable_names` two names in one folder that differ only in case or Unicode form are refused.
    With `follow_links` a symbolic link counts as what it leads to.
    With `looking` nothing is refused: what cannot be tracked comes as a `FOREIGN` entry, told in `Scanned.foreign`.
    Without `ignoring`, `.dvcxignore` does not count.
    """

    algorithm: Algorithm
    portable_names: bool = True
    follow_links: bool = False
    looking: bool = False
    ignoring: bool = True


@dataclass(slots=True)
class Scanned:
    """What a scan found: the entry of the path itself, and every folder below as a tree by its digest.

    `left_out` are the paths that `.dvcxignore` names. `foreign` tells, where the rules say `looking`, which paths
    cannot be tracked, each with why.
    """

    entry: TreeEntry
    trees: dict[bytes, Tree] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)
    foreign: list[tuple[str, str]] = field(default_factory=list)


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

    What lies behind a symbolic link above `path` is not there, and neither is a link to a cached object that is gone.
    `tracked` is the tracked path that `path` is or lies in: symbolic links may lead anywhere inside that.
    `intake` receives the content of every file and tree it does not have yet (for `add`); without it files are only
    hashed. `cache_prefix` is the folder of large cached objects: a symbolic link into it stands for the object.
    `advance` is told the number of files done.

    Unless the rules say `looking`, raises `Refused` that names every socket, pipe, device, hostile name and link out
    of the folder, before anything of that folder is recorded. Raises `OSError` for unreadable files.
    """
    absolute = os.path.join(root, path) if path else str(root)
    try:
        status = os.lstat(absolute)
    except (FileNotFoundError, NotADirectoryError):
        return None
    folder, _, name = path.rpartition("/")
    if _is_behind_link(root, folder):
        return None
    scanner = _Scanner(os.path.join(root, path if tracked is None else tracked), state, rules, cache_prefix)
    scanner.intake, scanner.advance = intake, advance
    if stat_module.S_ISDIR(status.st_mode):
        outer = rules_for(root, path.split("/")[:-1]) if path and rules.ignoring else NO_RULES
        entry = scanner.folder(absolute, path, name, outer)
    else:
        rows = dict(state.folder(folder))
        entry, row = scanner.entry(absolute, path, name, status, rows.get(name))
        if row is not None:
            rows[name] = row
            state.remember(folder, rows)
    if not rules.looking:
        scanner.raise_problems()
    return None if entry is None else Scanned(entry, scanner.trees, scanner.left_out, scanner.problems)


def _is_behind_link(root: Path, folder: str) -> bool:
    parts = folder.split("/") if folder else []
    return any(os.path.islink(os.path.join(root, *parts[:count])) for count in range(1, len(parts) + 1))


_Found = tuple[TreeEntry | None, Seen | None]
"""The entry of something that is no folder, and what to remember of it."""


class _Scanner:
    def __init__(self, top: str, state: State, rules: ScanRules, cache_prefix: str) -> None:
        self._state = state
        self._rules = rules
        self._links = LinkPolicy(top, cache_prefix, rules.algorithm, follow=rules.follow_links, looking=rules.looking)
        self.intake: Intake | None = None
        self.advance: Callable[[int], None] | None = None
        self.problems: list[tuple[str, str]] = []
        self.left_out: set[str] = set()
        self.trees: dict[bytes, Tree] = {}

    def folder(self, absolute: str, path: str, name: str, outer: IgnoreRules) -> TreeEntry | None:
        """Gives the entry of a folder after scanning everything in it."""
        try:
            check_depth(path, "the workspace")
            with os.scandir(absolute) as listing:
                found = list(listing)
        except Refused as error:
            return self._foreign(path, name, error.message)
        except FileNotFoundError:
            return None  # it went away since it was seen
        ignore = extend_rules(outer, Path(absolute), path) if self._rules.ignoring else NO_RULES
        old = self._state.folder(path)
        rows: FolderRows = {}
        entries: list[TreeEntry] = []
        prefix = f"{path}/" if path else ""
        for item in found:
            seen_before = old.get(item.name)
            if seen_before is not None and not ignore.levels:
                known = self._unchanged(item, seen_before)
                if known is not None:
                    rows[item.name] = seen_before
                    entries.append(known)
                    continue
            child = prefix + item.name
            is_folder = item.is_dir(follow_symlinks=False)
            if ignore.levels and ignore.ignores(child, folder=is_folder):
                self.left_out.add(child)
                continue
            problem = _name_problem(item.name, path)
            row = None
            if problem is not None:
                entry = self._foreign(child, item.name, problem)
            elif is_folder:
                entry = self.folder(item.path, child, item.name, ignore)
            else:
                entry, row = self._item(item, child, seen_before)
            if row is not None:
                rows[item.name] = row
            if entry is not None:
                entries.append(entry)
        if self.advance is not None:
            self.advance(len(rows))
        if rows != old:
            self._state.remember(path, rows)
        return self._finish_folder(name, path, make_tree(entries))

    def _unchanged(self, item: os.DirEntry[str], row: Seen) -> TreeEntry | None:
        """Gives the entry of a regular file that is as it was when it was last hashed, or None. Made to be quick."""
        try:
            status = item.stat(follow_symlinks=False)
        except FileNotFoundError:
            return None
        mode = status.st_mode
        if mode & 0o170000 != stat_module.S_IFREG or not row.fits(status):
            return None
        if self.intake is not None and not self.intake.has(row.digest):
            return None
        return TreeEntry(item.name, (mode >> 6) & 1, row.digest, row.size, 1)

    def _item(self, item: os.DirEntry[str], path: str, row: Seen | None) -> _Found:
        try:
            status = item.stat(follow_symlinks=False)
        except FileNotFoundError:
            return None, None
        return self.entry(item.path, path, item.name, status, row)

    def _finish_folder(self, name: str, path: str, tree: Tree) -> TreeEntry | None:
        if self._rules.portable_names and not self._rules.looking:
            try:
                check_portable(tree, path or ".")
            except Refused as error:
                self.problems.append((path, f"{error.message} ({error.hint})"))
                return None
        check_count(tree.files, path or ".")
        data = dump_tree(tree)
        digest = self._rules.algorithm.of(data)
        self.trees[digest] = tree
        if self.intake is not None:
            self.intake.tree(digest, data)
        return folder_entry(name, digest, tree)

    def entry(self, absolute: str, path: str, name: str, status: os.stat_result, row: Seen | None) -> _Found:
        """Gives the entry of what is not a folder, with what to remember of it; None for what went away."""
        mode = status.st_mode
        try:
            if stat_module.S_ISREG(mode):
                return self._file(absolute, path, name, status, row)
            if stat_module.S_ISLNK(mode):
                return self._link(absolute, path, name, row)
        except FileNotFoundError:
            return None, None
        return self._foreign(path, name, f"is {_special(mode)}, which cannot be tracked"), None

    def _foreign(self, path: str, name: str, why: str) -> TreeEntry | None:
        """Notes what cannot be tracked, and gives its entry where that is wanted."""
        self.problems.append((path, why))
        # A name that is no UTF-8 can stand in no tree, so it is only told.
        return foreign_entry(name, why) if self._rules.looking and _is_text(name) else None

    def _file(self, absolute: str, path: str, name: str, status: os.stat_result, row: Seen | None) -> _Found:
        executable = bool(status.st_mode & 0o100)
        young = self._state.young(path)
        if young is not None and young.fits(status) and (self.intake is None or self.intake.has(young.digest)):
            return file_entry(name, young.digest, young.size, executable=executable), None
        if row is not None and row.fits(status) and (self.intake is None or self.intake.has(row.digest)):
            return file_entry(name, row.digest, row.size, executable=executable), row
        began = time.time_ns()
        digest, after = read_file(absolute, path, self._rules.algorithm, self.intake)
        remembered = seen(after, digest) if is_settled(after, began) else None
        if remembered is None:
            self._state.note_young(path, seen(after, digest))
        return file_entry(name, digest, after.st_size, executable=bool(after.st_mode & 0o100)), remembered

    def _link(self, absolute: str, path: str, name: str, row: Seen | None) -> _Found:
        resolved = self._links.resolve(absolute, path)
        if resolved.kind is Resolved.LINK:
            return link_entry(name, resolved.target), None
        if resolved.kind is Resolved.REFUSED:
            return self._foreign(path, name, resolved.target), None
        if resolved.kind is Resolved.DEAD:
            if not self._rules.looking:
                why = "is a link to a cached object that is gone: get it again with `dvcx pull`, or remove the link"
                self.problems.append((path, why))
            return None, None
        status = os.stat(resolved.target)
        if stat_module.S_ISREG(status.st_mode):
            return self._file(resolved.target, path, name, status, row)
        if not stat_module.S_ISDIR(status.st_mode):
            return self._foreign(path, name, f"is a symbolic link to {_special(status.st_mode)}"), None
        if not self._links.enter(absolute, resolved.target):
            return self._foreign(path, name, "is a symbolic link that leads back to a folder above it"), None
        try:
            return self.folder(resolved.target, path, name, NO_RULES), None
        finally:
            self._links.leave()

    def raise_problems(self) -> None:
        """Raises `Refused` for all that cannot be tracked, if there was anything."""
        if not self.problems:
            return
        names = [path for path, _ in self.problems]
        lines = [problem_text(path, why) for path, why in self.problems]
        most = 5
        more = f"; and {len(lines) - most:,} more" if len(lines) > most else ""
        raise Refused(
            f"cannot track everything there: {'; '.join(lines[:most])}{more}",
            "remove these, name them in .dvcxignore, or see the choices named above",
            names,
        )


def _name_problem(name: str, folder: str) -> str | None:
    try:
        check_name(name, folder or ".")
    except Refused as error:
        return error.message
    return None


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def problem_text(path: str, why: str) -> str:
    """Gives a problem as one sentence; some tell the path themselves."""
    return f"{path} {why}" if why.startswith("is ") else why


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
