"""Everything that could still be wanted: the pointers of every repository that uses a cache, in all their places.

What deletes data asks here. So the answer is complete or an error: `Refused` names what cannot be read.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from dvcx.base.errors import DvcxError, Refused
from dvcx.base.hashing import ALGORITHMS
from dvcx.formats.pointer_text import MAX_BYTES
from dvcx.git.files import list_index, list_pointer_files
from dvcx.git.history import pointer_blobs_of_history
from dvcx.git.location import GitLocation, find_git
from dvcx.git.roots import Root, all_roots
from dvcx.git.worktrees import worktrees
from dvcx.manifest.files import EachOnce, pointers_in, read_texts
from dvcx.manifest.manifest import read_pointer_file, workspace_manifest
from dvcx.model.pointer import data_path
from dvcx.repo.cache_users import CacheUser, cache_users
from dvcx.repo.record import Repo
from dvcx.storage.trash import Trash
from dvcx.workspace.placed import Placed

_ID = re.compile(rb"\b([a-z0-9]+):([0-9a-f]{32,128})\b")
_EMPTY_BLOBS = (
    "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
    "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
)
"""What the index names for a file after `git add --intent-to-add`, whether or not Git has it."""


@dataclass(frozen=True, slots=True)
class Source:
    """A repository, or a project without Git, whose pointers are wanted; `common_dir` is dvcx's own folder in it."""

    root: Path
    git: GitLocation | None
    common_dir: Path


@dataclass(frozen=True, slots=True)
class PointerText:
    """A pointer or lock file as it stands somewhere: its path, for people, and its text.

    `current`: it stands in a working tree, where it must be readable; elsewhere it may be anything that was committed.
    """

    path: str
    text: bytes
    current: bool = False


def sources_of(repo: Repo) -> list[Source]:
    """Gives the project's own repository and all others that use its cache.

    Raises `Refused` for one that cannot be found, with how to have it forgotten.
    """
    sources = [Source(repo.root, repo.git, repo.common_dir)]
    for user in cache_users(repo.cache_dir):
        folder = user.git / "dvcx" if user.git is not None else user.root / ".dvcx" / "local"
        if folder not in {known.common_dir for known in sources}:
            sources.append(_source_of(user, repo.cache_dir))
    return sources


def _source_of(user: CacheUser, cache_dir: Path) -> Source:
    if user.git is None:
        local = user.root / ".dvcx" / "local"
        if local.is_dir():
            return Source(user.root, None, local)
        reason = "it is not there"
    else:
        reason = "it is not there"
        for start in (user.root, user.git.parent, user.git):
            try:
                git = find_git(start) if start.is_dir() else None
            except DvcxError as error:
                reason = error.message
                continue
            if git is not None and git.common_dir == user.git:
                return Source(user.root, git, git.common_dir / "dvcx")
    raise Refused(
        f"{user.root} uses the cache {cache_dir}, too, and cannot be read, so nobody can tell what it needs: {reason}",
        f"is its disk mounted? if it is gone for good: `dvcx cache forget {user.root}`",
        [str(user.root)],
    )


def pointer_texts(source: Source, without: Collection[str] = ()) -> Iterator[PointerText]:
    """Gives every pointer of a source: in its working trees, indexes, commits and trash.

    Trash entries `without` do not count: they are about to go. Raises `Refused` for a working tree or pointer that
    cannot be read.
    """
    yield from _from_git(source.git) if source.git is not None else _from_folder(source.root)
    for text in Trash(source.common_dir / "trash").pointer_texts(without):
        yield PointerText("", text)


def _from_folder(root: Path) -> Iterator[PointerText]:
    manifest = workspace_manifest(root, None)
    manifest.raise_broken()
    for path in manifest.files:
        yield _current(root, path)


def _from_git(git: GitLocation) -> Iterator[PointerText]:
    # Git may be at work meanwhile. A pointer can move from a commit or the stash into a working tree and back: looking
    # at the commits before and after the working trees finds it in one of the places.
    roots = all_roots(git)
    found: list[PointerText] = []
    index_blobs: dict[str, str] = {}
    for worktree in worktrees(git):
        if _has_files(worktree, git):
            index_blobs.update((file.oid, file.path) for file in list_index(worktree))
            found += [_current(worktree.worktree, path) for path in list_pointer_files(worktree)]
    roots += [root for root in all_roots(git) if root not in roots]
    yield from found
    yield from _blobs(git, index_blobs, "the index")
    yield from history_texts(git, roots)


def history_texts(git: GitLocation, roots: list[Root]) -> Iterator[PointerText]:
    """Gives every version of a pointer or lock file in any commit that `roots` reach.

    What a lock has word for word as one that was given before is left out of it. Raises `Refused` when one of them is
    not in this clone.
    """
    path_by_blob = {blob.oid: blob.path for blob in pointer_blobs_of_history(git, roots)}
    yield from _blobs(git, path_by_blob, "the history")


def _blobs(git: GitLocation, path_by_blob: dict[str, str], where: str) -> Iterator[PointerText]:
    missing = dict(path_by_blob)
    once = EachOnce()
    for oid, text in read_texts(git, path_by_blob):
        yield PointerText(path_by_blob[oid], once.new_in(text, path_by_blob[oid]))
        missing.pop(oid, None)
    for oid, path in missing.items():
        if oid in _EMPTY_BLOBS:
            continue
        raise Refused(
            f"{path} in {where} (Git object {oid[:12]}) is not in this clone, so nobody can tell which data it needs",
            "get it with `git fetch --refetch --no-filter`; `git fsck` shows whether objects are lost",
            [path],
        )


def _has_files(worktree: GitLocation, git: GitLocation) -> bool:
    """Tells whether there is a working tree to look at; raises `Refused` when there is one that cannot be reached."""
    if worktree.bare:
        if (worktree.git_dir / "index").exists():
            raise Refused(
                f"the main working tree of {worktree.git_dir} cannot be found from {git.worktree}, "
                "so nobody can tell what its pointers need",
                "run this command there",
                [str(worktree.git_dir)],
            )
        return False
    if not worktree.worktree.is_dir():
        raise Refused(
            f"the worktree {worktree.worktree} is not there, so nobody can tell what its pointers need",
            "is its disk mounted? if it is gone for good: `git worktree prune`",
            [str(worktree.worktree)],
        )
    return True


def _current(root: Path, path: str) -> PointerText:
    text = read_pointer_file(root, path)
    if isinstance(text, DvcxError):
        raise text
    try:
        pointers_in(text, path)
    except DvcxError as error:
        error.message = f"{error.message}; so nobody can tell which data {root / data_path(path)} needs"
        raise
    return PointerText(path, text, current=True)


def ids_in(text: bytes, algorithm: str) -> Iterator[bytes]:
    """Gives the digest of everything that looks like an object id of `algorithm`: for texts that cannot be parsed."""
    size = ALGORITHMS[algorithm].digest_size
    for name, digits in _ID.findall(text[: 64 * MAX_BYTES]):
        if name.decode() == algorithm and len(digits) == 2 * size:
            yield bytes.fromhex(digits.decode())


def placed_trees(source: Source) -> Iterator[tuple[str, bytes]]:
    """Gives what dvcx put into each worktree, by path: the listings of folders, which tell deleted from never here."""
    folders = [source.common_dir]
    if source.git is not None:
        folders = [worktree.git_dir / "dvcx" for worktree in worktrees(source.git)]
    for folder in folders:
        for file in (folder / "placed.json", *sorted(folder.glob("at/*/placed.json"))):
            yield from Placed(file).listings()


def folders_with_links(source: Source) -> list[Path]:
    """Gives the folders in which symbolic links may stand for cached objects: working trees and the trash."""
    if source.git is None:
        return [source.root, source.common_dir / "trash"]
    trees = [w.worktree for w in worktrees(source.git) if not w.bare and w.worktree.is_dir()]
    return [*trees, source.common_dir / "trash"]
