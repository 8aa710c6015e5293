"""`dvcx doctor`: what dvcx runs on, and what works here."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from dvcx import __version__
from dvcx.base.errors import DvcxError
from dvcx.base.filesystems import FileSystem, existing_folder, filesystem_of
from dvcx.base.link_trial import try_links
from dvcx.git.roots import missing_history
from dvcx.git.settings import git_setting
from dvcx.git.version import OLDEST, git_version, is_too_old
from dvcx.manifest.manifest import workspace_manifest
from dvcx.operations.cache_place import CacheInfo, cache_info
from dvcx.operations.doctor_remotes import RemoteReport, look_at_remotes
from dvcx.repo.record import Repo

_LIBRARIES = (
    *("blake3", "fsspec", "gitpython", "msgspec", "networkx", "pathspec", "pyfastcdc", "pyyaml", "rich"),
    *("tomlkit", "typer", "xxhash", "zstandard"),
)
_OPTIONAL = ("s3fs", "gcsfs", "adlfs", "sshfs", "webdav4", "aiohttp")
_GIT_SETTINGS = ("core.autocrlf", "core.fileMode", "core.ignoreCase", "core.symlinks", "core.precomposeUnicode")
_LITTLE = 0.03


@dataclass(frozen=True, slots=True)
class ProjectReport:
    """A project and what works in it. `links` says for each link type why it does not work, None when it does.

    `link_error` tells why links could not be tried. `tracked` counts pointers, `broken` those that cannot be used.
    """

    root: str
    git: bool
    subfolder: str
    linked_worktree: bool
    shallow: bool
    hash: str
    accident_only: bool
    durability: str
    tracked: int
    broken: int
    workspace: FileSystem
    cache: CacheInfo
    cache_filesystem: FileSystem
    cache_type: tuple[str, ...]
    links: Mapping[str, str | None]
    link_error: str | None
    remotes: tuple[RemoteReport, ...]
    git_settings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Report:
    """What dvcx runs on; `project` is None outside of projects. `libraries` are versions, None when not installed.

    `notes` are what somebody should know or do about it.
    """

    dvcx: str
    python: str
    executable: str
    platform: str
    cpus: int
    file_names: str
    git: str | None
    libraries: Mapping[str, str | None]
    project: ProjectReport | None
    notes: tuple[str, ...]


def doctor(directory: Path, repo: Repo | None, trouble: DvcxError | None = None) -> Report:
    """Looks at everything around the folder `directory`.

    `repo` is the project there, if there is one; `trouble` why it cannot be opened. Links are tried in scratch folders,
    remotes are asked what they are; neither leaves anything behind.
    """
    project = None
    try:
        project = _project(repo) if repo is not None else None
    except DvcxError as error:
        trouble = error
    except OSError as error:
        trouble = DvcxError(f"{error.filename or directory}: {(error.strerror or str(error)).lower()}")
    git = git_version(directory)
    libraries = {name: _version(name) for name in (*_LIBRARIES, *_OPTIONAL)}
    return Report(
        dvcx=__version__,
        python=platform.python_version(),
        executable=sys.executable,
        platform=platform.platform(),
        cpus=os.cpu_count() or 1,
        file_names=sys.getfilesystemencoding(),
        git=git,
        libraries=libraries,
        project=project,
        notes=tuple(_notes(git, libraries, project, trouble)),
    )


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _project(repo: Repo) -> ProjectReport:
    manifest = workspace_manifest(repo.root, repo.git)
    links, link_error = _links(repo)
    git = repo.git
    return ProjectReport(
        root=str(repo.root),
        git=git is not None,
        subfolder=repo.prefix,
        linked_worktree=git is not None and git.git_dir != git.common_dir,
        shallow=git is not None and bool(missing_history(git)),
        hash=repo.algorithm.name,
        accident_only=repo.algorithm.accident_only,
        durability=repo.config.core.durability,
        tracked=len(manifest.pointers),
        broken=len(manifest.broken),
        workspace=filesystem_of(repo.root),
        cache=cache_info(repo),
        cache_filesystem=filesystem_of(existing_folder(repo.cache_dir)),
        cache_type=repo.config.cache.type,
        links=links,
        link_error=link_error,
        remotes=look_at_remotes(repo),
        git_settings={key: value for key in _GIT_SETTINGS if git is not None and (value := git_setting(git, key))},
    )


def _links(repo: Repo) -> tuple[dict[str, str | None], str | None]:
    try:
        tried = try_links(existing_folder(repo.cache_dir), repo.root / ".dvcx")
    except OSError as error:
        return {}, f"{error.filename or repo.root}: {(error.strerror or str(error)).lower()}"
    return {kind.value: why for kind, why in tried.items()}, None


def _notes(
    git: str | None, libraries: Mapping[str, str | None], project: ProjectReport | None, trouble: DvcxError | None
) -> list[str]:
    notes = [f"{trouble.message}; {trouble.hint}" if trouble.hint else trouble.message] if trouble is not None else []
    oldest = ".".join(map(str, OLDEST))
    if git is None:
        if trouble is None:  # else that is the trouble
            notes.append(f"the program `git` was not found: install Git {oldest} or newer")
    elif is_too_old(git):
        notes.append(f"git {git} is too old: dvcx needs {oldest} or newer")
    missing = [name for name, version in libraries.items() if version is None and name not in _OPTIONAL]
    if missing:
        notes.append(f"not installed, though dvcx needs it: {', '.join(missing)}")
    return notes + (_notes_on_project(project) if project is not None else [])


def _notes_on_project(project: ProjectReport) -> list[str]:
    notes = []
    if project.accident_only:
        notes.append(
            f"{project.hash} is accident-only: a second content with the same name can be made on purpose, so a signed "
            "commit proves nothing about its data"
        )
    if project.durability == "fast":
        notes.append("core.durability is fast: a power cut can take away what was just stored")
    working = [kind for kind in project.cache_type if project.links.get(kind, "") is None]
    if not working and not project.link_error:
        notes.append(f"none of cache.type ({', '.join(project.cache_type)}) works here: large files are copied")
    for where, found in (("the workspace", project.workspace), ("the cache", project.cache_filesystem)):
        if found.total and found.free / found.total < _LITTLE:
            notes.append(f"the disk of {where} is nearly full")
        if found.read_only:
            notes.append(f"the file system of {where} is read-only")
    if project.git_settings.get("core.autocrlf", "false") not in ("false", "input"):
        notes.append(
            "core.autocrlf changes line ends: `git config core.autocrlf false` keeps pointer files as they are"
        )
    if project.cache.unreadable_packs:
        notes.append("the cache has packs that cannot be read: `dvcx fsck --repair`")
    if project.cache.quarantine_files:
        notes.append(f"`dvcx fsck` set things aside in {project.cache.path}/quarantine: look at them, then remove them")
    if project.broken:
        notes.append("some pointer files cannot be used: `dvcx status` names them")
    notes += [f"the remote {remote.name}: {remote.problem}" for remote in project.remotes if remote.problem]
    return notes
