"""HTTP, only to read from: a folder that a web server shows with listings, on fsspec's connections (aiohttp)."""

from __future__ import annotations

import email.utils
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

from dvcx.base.errors import Refused
from dvcx.storage.bucket import BucketFile
from dvcx.storage.moved import Listener, listener
from dvcx.storage.stores.kinds import check_place
from dvcx.storage.stores.options import TIMEOUT, Option, Takes
from dvcx.storage.stores.problems import BadStatus, Outcome, Problem, asked_part, causes, class_names, status_of
from dvcx.storage.stores.store import ANY_SIZE, CONNECTIONS, LoopStore, for_each, patience_of

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

OPTIONS = (
    Option("user", Takes.TEXT, "the name to log in with; else from the URL"),
    Option("password", Takes.TEXT, "the password (secret)"),
    Option("token", Takes.TEXT, "a bearer token (secret)"),
    Option("headers", Takes.TABLE, "headers to send with each request"),
    Option("ssl_verify", Takes.FLAG_OR_FILE, "false: trust any certificate; a file: trust its authorities"),
    Option("proxy", Takes.TEXT, "the URL of a proxy; else the usual variables (HTTPS_PROXY) count"),
    TIMEOUT,
)


_PIECE = 256 << 10


def open_store(url: str, options: Mapping[str, object]) -> HttpStore:
    """Gives the store at `https://HOST/FOLDER`. Nothing is asked of it yet."""
    parts = urlsplit(url)
    check_place(url, parts.hostname or "", "host")
    return HttpStore(url, options)


def open_filesystem(url: str, options: Mapping[str, object]) -> tuple[Any, str]:
    """Gives fsspec's file system for a URL, and the path there, which is the URL without a login in it."""
    from fsspec.implementations.http import HTTPFileSystem

    parts = urlsplit(url)
    user = options.get("user", unquote(parts.username) if parts.username else None)
    password = options.get("password", unquote(parts.password) if parts.password else "")
    client = {"options": dict(options), "patience": patience_of(options), "user": user, "password": password}
    fs = HTTPFileSystem(
        get_client=_client, client_kwargs=client, skip_instance_cache=True, simple_links=False, encoded=True
    )
    where = f"{parts.scheme.lower()}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    return fs, f"{where}?{parts.query}" if parts.query else where


class HttpStore(LoopStore):
    """The files below a URL, to read. See `Store`."""

    def __init__(self, url: str, options: Mapping[str, object]) -> None:
        self._fs, root = open_filesystem(url, options)
        super().__init__(self._fs.loop, patience_of(options))
        self._root = root.partition("?")[0].rstrip("/")

    def list(self, prefix: str) -> Iterator[BucketFile]:
        """Gives every file whose name starts with `prefix`, from the server's own listings of folders."""
        return iter(self.ask(self._listed(prefix), ANY_SIZE))

    def stat(self, name: str) -> BucketFile | None:
        """Gives what is known of one file; raises `FileNotFoundError`."""
        return self.ask(self._looked(name))

    def read(self, name: str) -> bytes:
        """Gives the whole content."""
        return self.ask(self._got(name, {}), ANY_SIZE)[0]

    def read_range(self, name: str, start: int, end: int) -> bytes:
        """Gives the bytes from `start` up to `end`."""
        try:
            data, status = self.ask(self._got(name, {"Range": f"bytes={start}-{end - 1}"}, listener()), end - start)
        except BadStatus as error:
            if error.status == 416:
                return b""  # the file ends before
            raise
        return asked_part(data, start, end, is_part=status == 206)

    def write(self, name: str, data: bytes, *, exclusive: bool) -> bool:
        """Raises `Refused`."""
        raise Refused(f"{self._root} is only read", "use another remote to write to")

    def delete(self, names: Sequence[str]) -> None:
        """Raises `Refused`."""
        raise Refused(f"{self._root} is only read", "use another remote to write to")

    async def _listed(self, prefix: str) -> Sequence[BucketFile]:
        names: list[str] = []

        async def collect(folder: str) -> None:
            address = self._address(folder).rstrip("/") + "/"
            try:
                links = await self._fs._ls_real(address, detail=False)
            except FileNotFoundError:
                return
            below: list[str] = []
            for link in links:
                name = unquote(str(link).partition("?")[0].removeprefix(address))
                # "/" as the last sign of a folder; links that sort the listing or lead elsewhere are none of ours
                if not name or name.startswith((".", "/", "http:", "https:")) or "/" in name.rstrip("/"):
                    continue
                (below if name.endswith("/") else names).append(folder + name)
            await for_each(dict.fromkeys(below), collect)

        await collect(prefix)
        found: list[BucketFile] = []

        async def look(name: str) -> None:
            try:
                seen = await self._looked(name)
            except FileNotFoundError:
                return
            if seen is not None:
                found.append(seen)

        await for_each(dict.fromkeys(names), look)
        return found

    async def _looked(self, name: str) -> BucketFile | None:
        session = await self._session()
        async with session.head(self._url(name), allow_redirects=True) as answer:
            _check(answer, name)
            if str(answer.url).endswith("/"):
                return None  # a folder
            length = answer.headers.get("Content-Length", "")
            return BucketFile(name, int(length) if length.isdigit() else 0, _seconds(answer.headers))

    async def _got(self, name: str, headers: Mapping[str, str], listens: Listener | None = None) -> tuple[bytes, int]:
        session = await self._session()
        async with session.get(self._url(name), headers={"Accept-Encoding": "identity", **headers}) as answer:
            _check(answer, name)
            if listens is None:
                return await answer.read(), answer.status
            data = bytearray()
            async for piece in answer.content.iter_chunked(_PIECE):
                data += piece
                listens(len(data))
            return bytes(data), answer.status

    async def _session(self) -> ClientSession:
        session: ClientSession = await self._fs.set_session()
        return session

    def _url(self, name: str) -> Any:
        return self._fs.encode_url(self._address(name))

    def _address(self, name: str) -> str:
        return f"{self._root}/{quote(name)}"


def explain(error: BaseException) -> Problem | None:
    """Gives what a web server's errors mean here."""
    for each in causes(error):
        if status_of(each) == 403:
            return Problem(
                Outcome.FAILED,
                "the server does not show this (status 403)",
                "listings of folders must be on (nginx: `autoindex on`), and the login right",
            )
        if "InvalidURL" in class_names(each):
            return Problem(Outcome.FAILED, "that is no URL", "check the URL")
    return None


def _check(answer: ClientResponse, name: str) -> None:
    if answer.status in (404, 410):
        raise FileNotFoundError(name)
    if answer.status >= 300:
        raise BadStatus(answer.status, answer.headers)


async def _client(
    loop: Any, options: Mapping[str, Any], patience: float, user: str | None, password: str
) -> ClientSession:
    """Gives the session that all requests share; it is made inside of the loop, as aiohttp wants it."""
    import aiohttp

    verify = options.get("ssl_verify", True)
    if isinstance(verify, str):
        import ssl

        verify = ssl.create_default_context(cafile=verify)
    headers = {str(name): str(value) for name, value in options.get("headers", {}).items()}
    if "token" in options:
        headers["Authorization"] = f"Bearer {options['token']}"
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=CONNECTIONS, ssl=verify),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=min(patience, 10.0), sock_read=patience),
        auth=aiohttp.BasicAuth(user, password) if user is not None else None,
        headers=headers,
        proxy=options.get("proxy"),
        trust_env=True,
    )


def _seconds(headers: Mapping[str, str]) -> float | None:
    try:
        return email.utils.parsedate_to_datetime(headers["Last-Modified"]).timestamp()
    except (KeyError, ValueError, TypeError):
        return None
