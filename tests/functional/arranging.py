"""Settings and states that several functional tests start from."""

from __future__ import annotations

from pathlib import Path

from dvcx.storage.cache import Cache
from tests.project import Project


def configure(project: Project, text: str) -> None:
    """Adds TOML to the project's own settings and commits them."""
    with (project.path / ".dvcx/config.toml").open("a") as config:
        config.write(text)
    project.commit(message="settings")


def use_store(project: Project, more: str = "") -> Path:
    """Makes a folder beside the project its remote `store`, with `more` lines in its settings, and gives it."""
    folder = project.path.parent / "store"
    configure(project, f'[remote.store]\nurl = "{folder}"\n{more}')
    return folder


def cache_of(project: Project) -> Cache:
    """Gives the project's cache as it is now."""
    from dvcx.repo.open import open_repo
    from dvcx.repo.record import open_cache

    return open_cache(open_repo(project.path, {}))


def loose_files(project: Project) -> list[Path]:
    """Gives the files of large objects in the project's own cache."""
    return sorted((project.own_folder / "cache/loose").glob("*/??/*"))


def edit_in_place(path: Path, data: bytes) -> None:
    """Writes over a file without replacing it, as a program that keeps it open does, whatever its mode says."""
    path.chmod(0o644)
    with open(path, "r+b") as file:
        file.write(data)
