"""Where an export goes: from what a user typed to a place, and what cannot be one."""

from __future__ import annotations

import os
from pathlib import Path

from dvcx.base.errors import Refused, UsageError
from dvcx.config.schema import RemoteConfig
from dvcx.operations.remotes import remote_config
from dvcx.repo.record import Repo
from dvcx.storage.export_folder import FolderTarget
from dvcx.storage.export_target import BucketTarget
from dvcx.storage.open_bucket import folder_of, open_bucket
from dvcx.storage.url_check import check_url

_ON_A_REMOTE = "remote://"
_OF_REMOTES = frozenset({"dvcx.json", "packs", "index", "keys", "about", "quarantine", "tmp"})


def open_place(repo: Repo, url: str, directory: Path) -> FolderTarget | BucketTarget:
    """Gives the place at `url`: a folder (relative to `directory`), an fsspec URL, or `remote://NAME/PATH`.

    The last is a place below a remote of the project, with that remote's options. Raises `UsageError` for an URL that
    cannot be and `Refused` for a folder in the project and for what is a remote's own.
    """
    if url.startswith(_ON_A_REMOTE):
        name, _, path = url.removeprefix(_ON_A_REMOTE).partition("/")
        config = remote_config(repo, name or None)
        return _opened(repo, _joined(config, path), repo.root, config)
    check_url(url)
    return _opened(repo, url, directory, None)


def _opened(repo: Repo, url: str, base: Path, config: RemoteConfig | None) -> FolderTarget | BucketTarget:
    folder = folder_of(url, base)
    if folder is None:
        options, name = (config.options, config.name) if config is not None else (None, None)
        return BucketTarget(open_bucket(url, base, options, name))
    real = Path(os.path.realpath(folder))
    if real.is_relative_to(repo.root) or repo.root.is_relative_to(real):
        raise Refused(
            f"{folder} lies in the project, or the project in it",
            "export to a folder outside; `dvcx checkout` is what brings data into the workspace",
            [str(folder)],
        )
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is not a folder", "give a folder, which need not exist")
    return FolderTarget(real)


def _joined(config: RemoteConfig, path: str) -> str:
    parts = [part for part in path.split("/") if part]
    if config.encrypt != "none":
        raise Refused(
            f"{config.name} is encrypted, and an export can be read by everybody who can read its place",
            "name the place by its own URL when that is what you want",
        )
    if not parts or parts[0] in _OF_REMOTES or ".." in parts:
        raise UsageError(
            f"{_ON_A_REMOTE}{config.name}/{path} is no place for an export: the remote's own files are there",
            f"name a folder of its own: {_ON_A_REMOTE}{config.name}/export",
        )
    place, mark, query = config.url.partition("?")
    return f"{place.rstrip('/')}/{'/'.join(parts)}{mark}{query}"
