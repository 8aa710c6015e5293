"""A slow line between dvcx and a server: bytes go through at a rate, both ways together, whatever they are."""

from __future__ import annotations

import socket
import threading
import time


class SlowLine:
    """Listens on `port` of loopback and passes bytes on to the port `upstream`, `rate` of them a second."""

    def __init__(self, upstream: int, rate: float) -> None:
        self._upstream = upstream
        self._rate = rate
        self._lock = threading.Lock()
        self._free_at = time.monotonic()
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)  # what waits in it seems to be sent
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._upstream))
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    def _pump(self, one: socket.socket, other: socket.socket) -> None:
        try:
            while data := one.recv(32 << 10):
                self._wait(len(data))
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)
        except OSError:
            one.close()
            other.close()

    def _wait(self, size: int) -> None:
        with self._lock:
            now = time.monotonic()
            start = max(now, self._free_at)
            self._free_at = start + size / self._rate
        time.sleep(max(0.0, start - now))
