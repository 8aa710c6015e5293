"""An HTTP proxy in front of one server: counts requests and bytes, and can make every request wait.

python benchmarks/proxy.py PORT SERVER_PORT MILLISECONDS

`GET /-/counts` gives what was counted since the last time, as JSON. It passes everything on as it is; it understands
just enough of HTTP/1.1 to know where a request ends and the next one begins.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections import Counter
from dataclasses import dataclass, field

_PIECE = 1 << 18
_LONGEST_HEAD = 1 << 16


@dataclass(slots=True)
class Proxy:
    """Passes connections on to `server_port`; `delay` in seconds is waited before each request."""

    server_port: int
    delay: float
    requests: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    received: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one client until either side closes the connection."""
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.server_port, limit=_LONGEST_HEAD)
        back = asyncio.create_task(self._answers(server_reader, writer))
        try:
            while await self._request(reader, server_writer, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            for each in (server_writer, writer):
                each.close()
            back.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                await back

    async def _request(
        self, reader: asyncio.StreamReader, server: asyncio.StreamWriter, client: asyncio.StreamWriter
    ) -> bool:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return False
        first, *lines = head.split(b"\r\n")
        if first.startswith(b"GET /-/counts"):
            self._tell(client)
            return False
        headers = {name.strip().lower(): value.strip() for name, _, value in (each.partition(b":") for each in lines)}
        self.requests[first.partition(b" ")[0].decode()] += 1
        if self.delay:
            await asyncio.sleep(self.delay)
        server.write(head)
        if headers.get(b"transfer-encoding", b"").lower() == b"chunked":
            await self._chunked(reader, server)
        else:
            await self._body(reader, server, int(headers.get(b"content-length", 0)))
        await server.drain()
        return True

    async def _body(self, reader: asyncio.StreamReader, server: asyncio.StreamWriter, left: int) -> None:
        while left:
            data = await reader.read(min(left, _PIECE))
            if not data:
                raise ConnectionError("the client went away")
            left -= len(data)
            self.sent += len(data)
            server.write(data)
            await server.drain()

    async def _chunked(self, reader: asyncio.StreamReader, server: asyncio.StreamWriter) -> None:
        while True:
            line = await reader.readuntil(b"\r\n")
            server.write(line)
            size = int(line.split(b";")[0], 16)
            await self._body(reader, server, size + 2)
            if not size:
                return

    async def _answers(self, server: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await server.read(_PIECE):
                self.received += len(data)
                client.write(data)
                await client.drain()
        client.close()

    def _tell(self, client: asyncio.StreamWriter) -> None:
        counted = {"requests": dict(self.requests), "sent": self.sent, "received": self.received}
        text = json.dumps(counted).encode()
        client.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(text) + text)
        self.requests.clear()
        self.sent = self.received = 0


async def main() -> None:
    """Arguments: the port to listen on, the server's port, milliseconds to wait before each request."""
    port, server_port, delay = map(int, sys.argv[1:])
    proxy = Proxy(server_port, delay / 1000)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", port, limit=_LONGEST_HEAD)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
