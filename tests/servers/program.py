"""Starting a server program for the tests on a free port of loopback, and ending it by its process id."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

REQUIRED = bool(os.environ.get("DVCX_SERVERS_REQUIRED"))
"""Set by `.ci/run servers`: there a server that does not start is a failure, elsewhere the test is skipped."""
_PATIENCE = 30.0


class NoServer(Exception):
    """A server cannot be started here, and why."""


def unavailable(reason: str) -> None:
    """Fails the test where servers are required, else skips it, with the reason."""
    if REQUIRED:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def program(name: str, hint: str) -> str:
    """Gives the path of a program, looked for beside Python and on the PATH; raises `NoServer` with the hint."""
    beside = Path(sys.executable).parent
    places = [beside, Path(sys.prefix) / "npm/node_modules/.bin", Path("/usr/sbin")]
    for place in places:
        if (place / name).exists():
            return str(place / name)
    found = shutil.which(name)
    if found is None:
        raise NoServer(f"{name} is not installed: {hint}")
    return found


def free_port() -> int:
    """Gives a port of loopback that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def new_folder() -> Path:
    """Gives a folder for a server's files, which goes with the tests."""
    folder = Path(tempfile.mkdtemp(prefix="dvcx-server."))
    atexit.register(shutil.rmtree, folder, True)
    return folder


def start(words: Sequence[str], port: int, folder: Path, environment: Mapping[str, str] | None = None) -> None:
    """Starts a program that goes on in the foreground, and waits until it listens; it ends with the tests."""
    log = folder / "log"
    keep = {name: value for name, value in os.environ.items() if not name.startswith(("DVCX_", "AWS_"))}
    with open(log, "wb") as out:
        process = subprocess.Popen(
            words,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**keep, "HOME": str(folder), **(environment or {})},
            preexec_fn=_die_with_parent,
        )
    atexit.register(_end, process)
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise NoServer(f"{words[0]} ended with code {process.returncode}: {log.read_text(errors='replace')[-800:]}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise NoServer(f"{words[0]} does not listen: {log.read_text(errors='replace')[-800:]}")


def _die_with_parent() -> None:
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG: also when the tests are killed


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
