"""`get-url` and `import-url` from a server that is busy, breaks off, or sends less than it says: again, or an error."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import pytest

from tests.project import Project

CONTENT = b"0123456789" * 10_000


class Server(http.server.ThreadingHTTPServer):
    """Serves one file. `faults` is what it does with the next requests for its content: a status, or how many bytes."""

    faults: list[int]
    asked = 0


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_HEAD(self) -> None:
        self._begin()

    def do_GET(self) -> None:
        self.server.asked += 1
        fault = self.server.faults.pop(0) if self.server.faults else len(CONTENT)
        if fault in (429, 500, 503):
            self.send_response(fault)
            self.send_header("Retry-After", "0")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self._begin()
        self.wfile.write(CONTENT[:fault])
        self.close_connection = True

    def _begin(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.send_header("Accept-Ranges", "none")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    pytest.importorskip("aiohttp")
    monkeypatch.setattr("dvcx.storage.retrying.random.uniform", lambda low, high: 0.01)
    with Server(("127.0.0.1", 0), Handler) as server:
        server.faults = []
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize("faults", [[503, 429], [500], [12_345], [0, 503]], ids=str)
def test_what_fails_in_passing_is_asked_for_again(project: Project, web: Server, faults: list[int]) -> None:
    web.faults = list(faults)
    project.dvcx("import-url", f"http://127.0.0.1:{web.server_port}/a.bin").ok()
    assert project.read("a.bin") == CONTENT and web.asked > len(faults) - 1 and not web.faults


@pytest.mark.parametrize("fault", [503, 12_345])
def test_what_goes_on_failing_is_an_error_of_the_network(project: Project, web: Server, fault: int) -> None:
    web.faults = [fault] * 20
    for command in ("get-url", "import-url"):
        failed = project.dvcx(command, f"http://127.0.0.1:{web.server_port}/a.bin")
        assert failed.code == 5 and "a.bin" in failed.err and "hint: " in failed.err, failed
        assert not (project.path / "a.bin").exists() and not (project.path / "a.bin.dvcx").exists()
