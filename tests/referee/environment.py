"""An environment of its own with DVC in it, made once for a machine: dvcx and DVC want different libraries."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

VERSION = "3.67.1"
# Read when the module is loaded: each test gets a HOME of its own, and this outlives them.
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dvcx-tests"
_ENVIRONMENT = dict(os.environ)


def dvc_python() -> Path:
    """Gives the Python of an environment with DVC; skips the test, saying why, when there can be none."""
    folder = _CACHE / f"dvc-{VERSION}-{sys.version_info.major}.{sys.version_info.minor}"
    python = folder / "bin" / "python"
    _CACHE.mkdir(parents=True, exist_ok=True)
    with open(_CACHE / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            _run(sys.executable, "-m", "venv", "--clear", str(folder))
            _run(str(python), "-m", "pip", "install", "-q", f"dvc=={VERSION}")
            (folder / "complete").touch()
    return python


def _run(*words: str) -> None:
    try:
        done = subprocess.run(words, env=_ENVIRONMENT, capture_output=True, text=True, timeout=840, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip(f"DVC {VERSION} could not be installed: `{' '.join(words)}` took more than 14 minutes")
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        pytest.skip(f"DVC {VERSION} could not be installed from PyPI: {lines[-1]}")
