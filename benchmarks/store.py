"""The S3 server of the benchmark: `rclone serve s3` on loopback, and the proxy that counts its requests."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

KEY, SECRET, BUCKET = "AKbenchmark", "SKbenchmark", "bench"
PROXY = Path(__file__).with_name("proxy.py")


@dataclass(frozen=True, slots=True)
class Counted:
    """What went over the line: requests by method, and bytes of bodies to the server and of answers from it."""

    requests: dict[str, int]
    sent: int
    received: int

    @property
    def total(self) -> int:
        """All requests together."""
        return sum(self.requests.values())


@dataclass(frozen=True, slots=True)
class Server:
    """A running S3 server at `port`, with its files below `folder`; `via` is the port of a proxy in front of it."""

    rclone: str
    folder: Path
    port: int
    via: int | None = None

    @property
    def url(self) -> str:
        """The address that tools are given."""
        return f"http://127.0.0.1:{self.via or self.port}"

    def counts(self) -> Counted | None:
        """What the proxy counted since the last time; None without one."""
        if self.via is None:
            return None
        with urllib.request.urlopen(f"http://127.0.0.1:{self.via}/-/counts", timeout=10) as answer:
            return Counted(**json.load(answer))


def credentials() -> dict[str, str]:
    """The environment that lets any tool use the server. This server's answers have checksums of whole files only."""
    return {
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
        "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
    }


@contextmanager
def serving(rclone: str, folder: Path) -> Iterator[Server]:
    """Runs the server with an empty bucket while the block runs."""
    (folder / BUCKET).mkdir(parents=True)
    port = _free_port()
    words = [rclone, "serve", "s3", "--config", "/dev/null", "--addr", f"127.0.0.1:{port}"]
    with _running([*words, "--auth-key", f"{KEY},{SECRET}", str(folder)], port):
        yield Server(rclone, folder, port)


@contextmanager
def watched(server: Server, milliseconds: int = 0) -> Iterator[Server]:
    """Puts a proxy before the server that counts, and makes each request wait."""
    port = _free_port()
    words = [sys.executable, str(PROXY), str(port), str(server.port), str(milliseconds)]
    with _running(words, port):
        yield Server(server.rclone, server.folder, server.port, port)


@contextmanager
def _running(words: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, process)
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise SystemExit(f"error: {process.args!r} did not start")
