"""The versions of packages and images that stages depend on, found out without running anything of the project."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import DistributionFinder as _Finder
from importlib.metadata import MetadataPathFinder
from pathlib import Path

from dvcx.pipeline.staleness import UNSEEN

_WAIT = 10.0
"""Seconds that another program may take to answer."""


def package_version(name: str, environment: Mapping[str, str]) -> str | None:
    """Gives the version of a Python distribution that the stage's `python` sees, None when it has none.

    That Python is the first `python`, or else `python3`, on the `PATH` of `environment`; its packages are looked up
    where they are installed.
    """
    places = _package_folders(environment.get("PATH", ""), environment.get("PYTHONPATH", ""))
    for found in MetadataPathFinder().find_distributions(_Finder.Context(name=name, path=list(places))):
        return found.version
    return None


def image_digest(reference: str, environment: Mapping[str, str]) -> str | None:
    """Gives what the reference of a container image stands for on this machine: its digest.

    One with a digest in it stands for that. Else docker or podman is asked, which knows images that were pulled or
    built here; None means that it has none of that name, `UNSEEN` that there is no such program to ask.
    """
    _, at, digest = reference.partition("@")
    if at:
        return digest
    for program in ("docker", "podman"):
        path = shutil.which(program, path=environment.get("PATH"))
        if path is None:
            continue
        try:
            done = subprocess.run(
                [path, "image", "inspect", "--format", "{{.Id}}", reference],
                capture_output=True,
                text=True,
                timeout=_WAIT,
                env=dict(environment),
                cwd="/",
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0:
            return done.stdout.strip() or None
        if "no such image" in done.stderr.lower() or "image not known" in done.stderr.lower():
            return None
    return UNSEEN


@lru_cache(maxsize=8)
def _package_folders(search: str, extra: str) -> tuple[str, ...]:
    """Gives the folders where the Python on the search path `search` has its packages."""
    beside = tuple(part for part in extra.split(":") if part)
    python = shutil.which("python", path=search) or shutil.which("python3", path=search)
    if python is None:
        return (*beside, *sys.path)
    if Path(python).parent == Path(sys.executable).parent:
        return (*beside, *sys.path)
    folders = _below(Path(python).parent.parent)
    settings = Path(python).parent.parent / "pyvenv.cfg"
    if settings.is_file() and "include-system-site-packages = true" in settings.read_text("utf-8", "replace").lower():
        folders += _below(Path(python).resolve().parent.parent)
    if not folders:  # a shim of pyenv or the like, which is no Python itself
        folders = list(_asked(python, search))
    return (*beside, *folders)


def _below(prefix: Path) -> list[str]:
    patterns = ("lib/python3*/site-packages", "lib64/python3*/site-packages", "lib/python3/dist-packages")
    local = ("local/lib/python3*/dist-packages",)
    return [str(folder) for pattern in (*patterns, *local) for folder in sorted(prefix.glob(pattern))]


def _asked(python: str, search: str) -> tuple[str, ...]:
    try:
        done = subprocess.run(
            [python, "-I", "-c", "import sys; print('\\n'.join(sys.path))"],
            capture_output=True,
            text=True,
            timeout=_WAIT,
            env={"PATH": search},
            cwd="/",
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return tuple(line for line in done.stdout.splitlines() if line)
