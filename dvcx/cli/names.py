"""Names that the project knows, for completion: read from its configuration, never from code in it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from dvcx.base.errors import DvcxError


def remote_names(incomplete: str) -> list[str]:
    """Gives the names of the project's remotes that start with `incomplete`; none where there is no project."""
    # Only a press of the tab key at `--remote` needs the project here.
    from dvcx.repo.open import open_repo

    try:
        remotes = open_repo(Path.cwd(), os.environ).config.remotes
    except (DvcxError, OSError):
        return []
    return [name for name in remotes if name.startswith(incomplete)]


def tracked_paths(incomplete: str) -> list[str]:
    """Gives the tracked paths, and those inside the tracked folder that is being typed, that start with `incomplete`.

    They are relative to the current folder. None are given outside of projects, nor for a folder whose listing is not
    in the cache.
    """
    from dvcx.operations.ls import LsOptions, ls
    from dvcx.repo.open import open_repo, project_path

    here = Path.cwd()
    folder, slash, _ = incomplete.rpartition("/")
    try:
        repo = open_repo(here, os.environ)
        path = project_path(repo, folder or slash or ".", here)
        entries = ls(repo, path, LsOptions(empty_is_fine=True)).entries
    except (DvcxError, OSError):
        return []
    cut = len(path) + 1 if path else 0
    found = (folder + slash + each.path[cut:] + ("/" if each.type == "folder" else "") for each in entries)
    return [each for each in found if each.startswith(incomplete)]


def stage_names(incomplete: str) -> list[str]:
    """Gives the stages, and the groups of generated ones, whose names start with `incomplete`."""
    from dvcx.operations.stage_view import load_workspace_pipeline
    from dvcx.repo.open import open_repo

    try:
        pipeline = load_workspace_pipeline(open_repo(Path.cwd(), os.environ))
    except (DvcxError, OSError):
        return []
    return [name for name in (*pipeline.stages, *pipeline.groups) if name.startswith(incomplete)]


def revision_names(incomplete: str) -> list[str]:
    """Gives the branches and tags whose names start with `incomplete`; none outside of Git repositories."""
    from dvcx.git.location import find_git
    from dvcx.git.revisions import branches_and_tags

    try:
        git = find_git(Path.cwd(), os.environ)
        names = ["HEAD", *branches_and_tags(git)] if git is not None else []
    except (DvcxError, OSError):
        return []
    return [name for name in names if name.startswith(incomplete)]


def setting_names(incomplete: str) -> list[str]:
    """Gives the names of settings that start with `incomplete`, with those of the project's remotes."""
    from dvcx.config.settings import REMOTE_SETTINGS, SETTINGS

    of_remotes = [f"remote.{name}.{option}" for name in remote_names("") for option in _shown(REMOTE_SETTINGS)]
    return [name for name in (*SETTINGS, *of_remotes) if name.startswith(incomplete)]


def remote_options(incomplete: str) -> list[str]:
    """Gives the settings that every remote has and that start with `incomplete`."""
    from dvcx.config.settings import REMOTE_SETTINGS

    return [name for name in _shown(REMOTE_SETTINGS) if name.startswith(incomplete)]


def _shown(names: Iterable[str]) -> list[str]:
    return [name for name in names if name != "secrets_for"]  # written by dvcx itself
