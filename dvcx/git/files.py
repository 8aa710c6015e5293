"""Which files Git knows: in a commit, in the index, in the work tree; which it tracks, which it ignores.

All paths are relative to the top of the work tree, with `/`, as Git stores them. Names that are no UTF-8 come as
Python's surrogate escapes, so every name goes to disk as it came.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dvcx.git.location import GitLocation
from dvcx.git.process import GitFailed, ask_git, run_git
from dvcx.model.pointer import SUFFIX
from dvcx.model.stage import LOCK_FILE

WHOLE_NAMES = frozenset({"dvcx.yaml", "dvcx.lock", ".dvcxignore"})
MODE_FILE, MODE_EXECUTABLE, MODE_LINK, MODE_SUBMODULE = 0o100644, 0o100755, 0o120000, 0o160000

# A look-up of each path in the whole index costs git (paths x entries); above this many, one listing is quicker.
_FEW_PATHS = 50


@dataclass(frozen=True, slots=True)
class TreeFile:
    """A file of a commit: its path, Git mode (one of the MODE_ constants) and blob id."""

    path: str
    mode: int
    oid: str

    @property
    def is_regular(self) -> bool:
        """Whether it is a file with content of its own: neither a symbolic link nor a submodule."""
        return self.mode in (MODE_FILE, MODE_EXECUTABLE)


@dataclass(frozen=True, slots=True)
class IndexFile:
    """A file of the index. `stage` is 0, or in an unresolved merge 1 (base), 2 (ours), 3 (theirs)."""

    path: str
    mode: int
    oid: str
    stage: int


@dataclass(frozen=True, slots=True)
class IgnoreRule:
    """The line of an ignore file that makes Git ignore a path."""

    file: str
    line: int
    pattern: str


def is_dvcx_name(path: str) -> bool:
    """Tells whether dvcx reads files of that name: `X.dvcx`, `dvcx.yaml`, `dvcx.lock`, `.dvcxignore`."""
    name = path.rsplit("/", 1)[-1]
    return name in WHOLE_NAMES or (name.endswith(SUFFIX) and name != SUFFIX)


def list_tree(location: GitLocation, commit: str, under: str = "", also: str = "") -> list[TreeFile]:
    """Gives the files of `commit` that dvcx reads (`is_dvcx_name`), at or below the folder `under`, sorted by path.

    `commit` is an id from `resolve`, or a tree's id. `also` is the end of a path (of one part or more) that is listed
    too, in whatever folder. Raises `GitFailed` when the commit cannot be read.
    """
    args = ["ls-tree", "-r", "-z", "--full-tree", "--end-of-options", commit]
    if under:
        args += ["--", f"{under}/"]  # ls-tree takes paths literally
    found = []
    endings = (*_ENDINGS, also.encode()) if also else _ENDINGS
    for record in _records(run_git(location, args)):
        if record.endswith(endings):
            mode, _, oid, path = _split(record)
            if is_dvcx_name(path) or (also and f"/{path}".endswith(f"/{also}")):
                found.append(TreeFile(path, mode, oid))
    return found


def tree_file(location: GitLocation, commit: str, path: str) -> TreeFile | None:
    """Gives the one file at `path` in `commit`, whatever its name; None when there is none, or a folder."""
    args = ["ls-tree", "-z", "--full-tree", "--end-of-options", commit, "--", path]
    for record in _records(run_git(location, args)):
        mode, kind, oid, found = _split(record)
        if found == path and kind == b"blob":
            return TreeFile(found, mode, oid)
    return None


def list_folder(location: GitLocation, commit: str, folder: str) -> list[tuple[TreeFile, int]]:
    """Gives every file below `folder` in `commit` with its size in bytes (0 for a submodule), sorted by path.

    Raises `GitFailed` when the commit cannot be read.
    """
    args = ["ls-tree", "-r", "-l", "-z", "--full-tree", "--end-of-options", commit]
    found = []
    for record in _records(run_git(location, [*args, "--", f"{folder}/"] if folder else args)):
        head, _, path = record.partition(b"\t")
        mode, _, oid, size = head.split()
        found.append((TreeFile(os.fsdecode(path), int(mode, 8), oid.decode()), int(size) if size.isdigit() else 0))
    return found


def list_index(location: GitLocation, index_file: Path | None = None, under: str = "") -> list[IndexFile]:
    """Gives the files of the index that dvcx reads, at or below the folder `under`; conflicts come with their stages.

    `index_file` is another index than the worktree's own: Git hands hooks of `git commit -a` and `git commit PATH`
    one in `GIT_INDEX_FILE`. Raises `GitFailed` when the index is damaged.
    """
    args = ["ls-files", "-s", "-z", "--", *_pathspecs(under)]
    extra = None if index_file is None else {"GIT_INDEX_FILE": os.path.abspath(index_file)}
    return [_index_file(record) for record in _records(run_git(location, args, extra=extra))]


def deleted_on_one_side(location: GitLocation, under: str = "") -> list[str]:
    """Gives the files that a merge left in conflict because one side deleted and the other changed them, sorted.

    Git writes no markers into them and asks no merge driver. `under` is as for `list_index`. Asks Git only while
    something is being merged.
    """
    if not any((location.git_dir / name).exists() for name in _UNDER_WAY):
        return []
    sides: dict[str, set[int]] = {}
    for file in list_index(location, under=under):
        if file.stage:
            sides.setdefault(file.path, set()).add(file.stage)
    return sorted(path for path, stages in sides.items() if stages in ({1, 2}, {1, 3}))


_UNDER_WAY = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply")
"""What Git keeps beside the index while a merge, a cherry-pick, a revert or a rebase waits for people."""


def list_pointer_files(location: GitLocation, under: str = "", also: Sequence[str] = ()) -> list[str]:
    """Gives the paths of the `*.dvcx` and `dvcx.lock` files in the work tree, without the ignored ones, sorted.

    `also` are names of files that are listed too. All may be tracked or not. A file that the index has but the disk has
    not is left out. Folders of other repositories inside are not entered.
    """
    specs = [f":(top,glob){_glob_literal(under)}**/{each}" for each in (f"?*{SUFFIX}", LOCK_FILE, *also)]
    args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *specs]
    top = os.fsencode(location.worktree) + b"/"
    paths = set(_records(run_git(location, args)))
    return [os.fsdecode(path) for path in sorted(paths) if _is_file(top + path)]


def project_folders(location: GitLocation) -> list[str]:
    """Gives the folders of the work tree that are projects, "" for its top, which comes first.

    One at the top counts when it is there, those below when their configuration is in the index, too. None is behind a
    symbolic link.
    """
    top = location.worktree
    found = [""] if _is_own_file(top, _CONFIG_FILE) else []
    spec = f":(top,glob)**/{_CONFIG_FILE}"
    for path in map(os.fsdecode, _records(run_git(location, ["ls-files", "-z", "--", spec]))):
        if path != _CONFIG_FILE and _is_own_file(top, path):
            found.append(path.removesuffix(f"/{_CONFIG_FILE}"))
    return found


def list_tracked_named(location: GitLocation, names: Sequence[str], under: str = "") -> list[str]:
    """Gives the paths in the index that end in one of `names` (of one part or more), at or below `under`, sorted."""
    specs = [f":(top,glob){_glob_literal(under)}**/{name}" for name in names]
    return sorted(set(map(os.fsdecode, _records(run_git(location, ["ls-files", "-z", "--", *specs])))))


def list_named_files(location: GitLocation, name: str, under: str = "") -> list[str]:
    """Gives the paths of the files called `name` in the work tree, as `list_pointer_files` does for pointers."""
    spec = f":(top,glob){_glob_literal(under)}**/{name}"
    output = run_git(location, ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", spec])
    top = os.fsencode(location.worktree) + b"/"
    return [os.fsdecode(path) for path in sorted(set(_records(output))) if _is_file(top + path)]


def has_changes(location: GitLocation, path: str) -> bool:
    """Tells whether the file or folder at `path` is not as the current commit has it: changed, new, or deleted."""
    return bool(changed_below(location, path))


def changed_below(location: GitLocation, path: str) -> set[str]:
    """Gives the files at and below `path` that are not as the current commit has them: changed, new, or deleted."""
    args = ["status", "--porcelain", "-z", "--untracked-files=all", "--no-renames", "--", f":(top,literal){path}"]
    return {os.fsdecode(record[3:]) for record in _records(run_git(location, args))}


def is_tracked(location: GitLocation, paths: Sequence[str]) -> set[str]:
    """Gives those of `paths` that are files in the index."""
    if not paths:
        return set()
    # Below a folder that is asked for, its files come too.
    return set(paths).intersection(_tracked(location, paths if len(paths) <= _FEW_PATHS else []))


def tracked_below(location: GitLocation, paths: Sequence[str]) -> dict[str, list[str]]:
    """Gives, for each of `paths` that is a file in the index or a folder with some, those files, sorted."""
    found: dict[str, list[str]] = {}
    wanted = set(paths)
    for file in sorted(set(_tracked(location, paths if len(paths) <= _FEW_PATHS else []))):
        above = file
        while above:
            if above in wanted:
                found.setdefault(above, []).append(file)
            above = above.rpartition("/")[0]
    return found


def ignored(location: GitLocation, paths: Iterable[str]) -> set[str]:
    """Gives those of `paths` that Git ignores; a tracked file never counts. The paths need not exist.

    Raises `GitFailed` for a path outside the work tree, behind a symbolic link or inside a submodule.
    """
    return set(ignoring_rules(location, paths))


def ignoring_rules(location: GitLocation, paths: Iterable[str]) -> dict[str, IgnoreRule]:
    """Gives, for each of `paths` that Git ignores, the rule that says so; raises as `ignored` does."""
    # check-ignore takes even what comes from stdin for pathspecs. "./" keeps a colon at the front from being special;
    # and for a file called "*" any file in the index would do as a proof that it is tracked, so that test is ours.
    asked = b"".join(b"./" + os.fsencode(path) + b"\0" for path in paths)
    if not asked:
        return {}
    args = ["check-ignore", "--no-index", "-v", "-z", "--stdin"]
    answer = ask_git(location, args, stdin=asked)
    if answer.code not in (0, 1):  # 1: none is ignored
        raise GitFailed(args, answer.code, answer.err)
    fields = [os.fsdecode(field) for field in _records(answer.out, keep_empty=True)]
    rules = {}
    for source, line, pattern, path in zip(*[iter(fields)] * 4, strict=True):
        if pattern and not pattern.startswith("!"):  # -v names the line that takes a path back in, too
            rules[path.removeprefix("./")] = IgnoreRule(source, int(line), pattern)
    tracked = is_tracked(location, list(rules))
    return {path: rule for path, rule in rules.items() if path not in tracked}


_CONFIG_FILE = ".dvcx/config.toml"


def _is_own_file(top: Path, path: str) -> bool:
    whole = top / path
    return whole.is_file() and os.path.realpath(whole) == str(whole)


_ENDINGS = (SUFFIX.encode(), *(name.encode() for name in sorted(WHOLE_NAMES)))


def _pathspecs(under: str) -> list[str]:
    folder = _glob_literal(under)
    return [f":(top,glob){folder}**/{name}" for name in ("?*" + SUFFIX, *sorted(WHOLE_NAMES))]


def _glob_literal(folder: str) -> str:
    return "".join("\\" + letter if letter in "*?[\\" else letter for letter in folder) + "/" if folder else ""


def _tracked(location: GitLocation, paths: Sequence[str]) -> Iterator[str]:
    specs = [f":(top,literal){path}" for path in paths]
    return map(os.fsdecode, _records(run_git(location, ["ls-files", "-z", "--", *specs])))


def _records(output: bytes, *, keep_empty: bool = False) -> list[bytes]:
    records = output.split(b"\0")
    records.pop()  # the last record ends with a NUL, too
    return records if keep_empty else [record for record in records if record]


def _split(record: bytes) -> tuple[int, bytes, str, str]:
    """Takes "<mode> <type or oid> <oid or stage>TAB<path>" apart."""
    head, _, path = record.partition(b"\t")
    mode, second, third = head.split(b" ")
    return int(mode, 8), second, third.decode(), os.fsdecode(path)


def _index_file(record: bytes) -> IndexFile:
    mode, oid, stage, path = _split(record)
    return IndexFile(path, mode, oid.decode(), int(stage))


def _is_file(path: bytes) -> bool:
    try:
        info = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return not stat.S_ISDIR(info.st_mode)
