"""`dvcx cache dir` and `dvcx cache info`: where the cache is, and what it holds."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from dvcx.config.edit import set_values, unset_value
from dvcx.config.reading import entry_of
from dvcx.config.schema import Level
from dvcx.operations.settings import Settings
from dvcx.repo.record import Repo, open_cache, open_trash
from dvcx.storage.cache_info import cache_totals, space_in
from dvcx.storage.cache_quarantine import FOLDER

_KEY = "cache.dir"


@dataclass(frozen=True, slots=True)
class CacheDir:
    """The folder of the cache, the level that says so (`default` when nothing does) and its file."""

    path: str
    level: str
    where: str


@dataclass(frozen=True, slots=True)
class CacheMove:
    """The folder of the cache now and before, and the configuration file that changed.

    `left` are the files in the old folder, which stay there; `in_workspace` warns that the new one lies where `git
    clean` and people remove things.
    """

    path: str
    old_path: str
    file: str
    left: int
    in_workspace: bool


@dataclass(frozen=True, slots=True)
class CacheInfo:
    """What a cache holds, with the bytes that it takes on the disk.

    `objects` are distinct contents, `trees` of them listings of folders. `partial` are downloads that were interrupted,
    `quarantine` what `fsck` set aside, `trash` what `dvcx undo` can bring back. `free` are bytes left on the disk;
    None when there is no cache yet. `unreadable_packs` were not counted.
    """

    path: str
    hash: str
    shared: bool
    objects: int
    trees: int
    size: int
    packs: int
    pack_bytes: int
    packed_objects: int
    loose_objects: int
    loose_bytes: int
    partial_bytes: int
    quarantine_files: int
    quarantine_bytes: int
    trash_entries: int
    trash_bytes: int
    free: int | None
    unreadable_packs: tuple[str, ...]


def cache_dir(repo: Repo) -> CacheDir:
    """Gives where the cache is and why."""
    entry = entry_of(repo.config, _KEY)
    if entry is None:
        return CacheDir(str(repo.cache_dir), Level.DEFAULT, "")
    return CacheDir(str(repo.cache_dir), entry.origin.level, entry.origin.where)


def set_cache_dir(
    repo: Repo, settings: Settings, place: str | None, directory: Path, *, level: Level | None
) -> CacheMove:
    """Puts the cache into the folder `place` (relative to `directory`), with None back where it is by default.

    Nothing is moved. Raises as changing a setting does.
    """
    file = settings.file(level or Level.PROJECT)
    with settings.editing(file):
        if place is None:
            unset_value(file, _KEY)
        else:
            set_values(file, {_KEY: _stored_place(repo, place, directory, file.level)}, repo.config)
    now = settings.reread().cache_dir
    left = space_in(repo.cache_dir)[0] if now != repo.cache_dir else 0
    return CacheMove(str(now), str(repo.cache_dir), str(file.path), left, _is_in_workspace(repo, now))


def cache_info(repo: Repo) -> CacheInfo:
    """Counts what the cache holds, from its tables and folders; no content is read."""
    cache = open_cache(repo)
    totals = cache_totals(cache)
    cache.close()
    quarantine_files, quarantine_bytes = space_in(repo.cache_dir / FOLDER)
    return CacheInfo(
        path=str(repo.cache_dir),
        hash=repo.algorithm.name,
        shared=repo.is_cache_shared,
        objects=totals.objects,
        trees=totals.trees,
        size=totals.pack_bytes + totals.loose_bytes,
        packs=totals.packs,
        pack_bytes=totals.pack_bytes,
        packed_objects=totals.packed_objects,
        loose_objects=totals.loose_objects,
        loose_bytes=totals.loose_bytes,
        partial_bytes=space_in(repo.cache_dir / "partial")[1],
        quarantine_files=quarantine_files,
        quarantine_bytes=quarantine_bytes,
        trash_entries=len(open_trash(repo).entries()),
        trash_bytes=space_in(repo.common_dir / "trash")[1],
        free=_free(repo.cache_dir),
        unreadable_packs=totals.unreadable_packs,
    )


def _stored_place(repo: Repo, place: str, directory: Path, level: Level) -> str:
    if place.startswith(("/", "~")):
        return place
    absolute = os.path.normpath(directory / place)
    return absolute if level is Level.GLOBAL else os.path.relpath(absolute, repo.root)


def _is_in_workspace(repo: Repo, folder: Path) -> bool:
    own = (repo.common_dir, repo.root / ".git")
    return folder.is_relative_to(repo.root) and not any(folder.is_relative_to(each) for each in own)


def _free(folder: Path) -> int | None:
    try:
        status = os.statvfs(folder)
    except OSError:
        return None
    return status.f_bavail * status.f_frsize
