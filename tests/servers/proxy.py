"""A proxy between dvcx and an HTTP store that does what networks do on bad days (asyncio, in a thread of its own)."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

Matches = Callable[["Request"], bool]
_LOGIN_PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><form>Guest access</form></body></html>\n"
)


@dataclass(frozen=True)
class Request:
    """A request as it came: method, path with query, headers (names in lower case), body."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """An answer: status, headers, body; `cut` sends only so many bytes of the body and closes, None sends all."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    cut: int | None = None


class Reset(Exception):
    """The connection is closed and nothing is answered."""


@dataclass
class Fault:
    """Something that goes wrong with requests that `matches`, the first `times` of them."""

    matches: Matches
    times: int = 1 << 30
    met: int = 0

    def takes(self, request: Request) -> bool:
        """Tells whether this request is one that it goes wrong with, and counts it."""
        if self.met >= self.times or not self.matches(request):
            return False
        self.met += 1
        return True

    async def before(self, request: Request) -> Request | Answer:
        """Gives the request to pass on, or an answer instead; may raise `Reset`."""
        return request

    async def after(self, request: Request, answer: Answer) -> Answer:
        """Gives the answer to send; may raise `Reset`."""
        return answer


@dataclass
class Latency(Fault):
    """Every request takes longer."""

    seconds: float = 0.05

    async def before(self, request: Request) -> Request | Answer:
        await asyncio.sleep(self.seconds)
        return request


@dataclass
class ResetBefore(Fault):
    """The connection breaks before the store has seen the request."""

    async def before(self, request: Request) -> Request | Answer:
        raise Reset


@dataclass
class LostAnswer(Fault):
    """The store does what was asked, and its answer is lost."""

    async def after(self, request: Request, answer: Answer) -> Answer:
        raise Reset


@dataclass
class Overloaded(Fault):
    """The store answers 503 and how long to wait."""

    retry_after: str = "1"

    async def before(self, request: Request) -> Request | Answer:
        return Answer(503, {"Retry-After": self.retry_after, "Content-Type": "text/plain"}, b"slow down")


@dataclass
class Says(Fault):
    """The store answers with a status and a body of the test's choice."""

    answer: Answer = Answer(500, {}, b"")

    async def before(self, request: Request) -> Request | Answer:
        return self.answer


@dataclass
class Truncated(Fault):
    """The connection breaks in the middle of the answer."""

    async def after(self, request: Request, answer: Answer) -> Answer:
        return replace(answer, cut=len(answer.body) // 2)


@dataclass
class WrongLength(Fault):
    """The answer is shorter than it should be, and its headers say that this is all."""

    async def after(self, request: Request, answer: Answer) -> Answer:
        return replace(answer, body=answer.body[: max(0, len(answer.body) - 7)])


@dataclass
class FlippedBit(Fault):
    """One bit of the answer is another."""

    async def after(self, request: Request, answer: Answer) -> Answer:
        return replace(answer, body=_flipped(answer.body))


@dataclass
class FlippedUpload(Fault):
    """One bit of what is sent is another when it arrives."""

    async def before(self, request: Request) -> Request | Answer:
        return replace(request, body=_flipped(request.body))


@dataclass
class LoginPage(Fault):
    """Somebody between here and the store answers with a page of their own, and status 200."""

    async def before(self, request: Request) -> Request | Answer:
        return Answer(200, {"Content-Type": "text/html; charset=utf-8"}, _LOGIN_PAGE)


@dataclass
class StaleListing(Fault):
    """Listings stay as they were the first time."""

    seen: dict[str, Answer] = field(default_factory=dict)

    async def after(self, request: Request, answer: Answer) -> Answer:
        return self.seen.setdefault(request.path, answer)


class FaultProxy:
    """Listens on `port` of loopback and passes requests on to the port of a store, with `faults`.

    `requests` are those that came, in order.
    """

    def __init__(self, upstream: int) -> None:
        self.faults: list[Fault] = []
        self.requests: list[Request] = []
        self.port = 0
        self._upstream = upstream
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fault-proxy", daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    def stop(self) -> None:
        """Ends it, with all connections."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 20))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await _read_request(reader, writer)) is not None:
                self.requests.append(request)
                answer = await self._answered(request)
                await _write_answer(writer, request, answer)
                if answer.cut is not None:
                    break
        except (Reset, ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            writer.close()

    async def _answered(self, request: Request) -> Answer:
        faults = [fault for fault in self.faults if fault.takes(request)]
        sent = request
        for fault in faults:
            changed = await fault.before(sent)
            if isinstance(changed, Answer):
                return changed
            sent = changed
        answer = await self._forwarded(sent)
        for fault in faults:
            answer = await fault.after(request, answer)
        return answer

    async def _forwarded(self, request: Request) -> Answer:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._upstream, limit=1 << 20)
        try:
            drop = ("connection", "transfer-encoding", "content-length", "expect")
            headers = {name: value for name, value in request.headers.items() if name not in drop}
            headers |= {"connection": "close", "content-length": str(len(request.body))}
            writer.write(_head(f"{request.method} {request.path} HTTP/1.1", headers) + request.body)
            await writer.drain()
            line, found = await _read_head(reader)
            body = await _read_body(reader, found, until_end=True) if request.method != "HEAD" else b""
            return Answer(int(line.split(" ")[1]), found, body)
        finally:
            writer.close()


def _head(first: str, headers: Mapping[str, str]) -> bytes:
    return "".join([f"{first}\r\n", *(f"{name}: {value}\r\n" for name, value in headers.items()), "\r\n"]).encode(
        "latin-1"
    )


async def _read_head(reader: asyncio.StreamReader) -> tuple[str, dict[str, str]]:
    text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = text.rstrip("\r\n").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return first, {name.strip().lower(): value.strip() for name, _, value in pairs}


async def _read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request | None:
    try:
        first, headers = await _read_head(reader)
    except asyncio.IncompleteReadError:
        return None
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await writer.drain()
    method, path, _ = first.split(" ", 2)
    return Request(method, path, headers, await _read_body(reader, headers, until_end=False))


async def _read_body(reader: asyncio.StreamReader, headers: Mapping[str, str], *, until_end: bool) -> bytes:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = b""
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readuntil(b"\r\n")
        return body
    if "content-length" in headers:
        return await reader.readexactly(int(headers["content-length"]))
    return await reader.read() if until_end else b""


async def _write_answer(writer: asyncio.StreamWriter, request: Request, answer: Answer) -> None:
    headers = {n: v for n, v in answer.headers.items() if n.lower() not in ("connection", "transfer-encoding")}
    length = next((value for name, value in headers.items() if name.lower() == "content-length"), None)
    headers = {name: value for name, value in headers.items() if name.lower() != "content-length"}
    if request.method != "HEAD":
        length = str(len(answer.body))
    if length is not None and answer.status not in (204, 304):
        headers["content-length"] = length
    body = answer.body if answer.cut is None else answer.body[: answer.cut]
    writer.write(_head(f"HTTP/1.1 {answer.status} Status", headers) + (b"" if request.method == "HEAD" else body))
    await writer.drain()


def _flipped(data: bytes) -> bytes:
    changed = bytearray(data)
    if changed:
        changed[len(changed) // 2] ^= 1
    return bytes(changed)
