"""WebDAV (Nextcloud, Apache, rclone...): single requests on webdav4's client, which many threads share."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from dvcx.base.files import temporary_name
from dvcx.storage.bucket import BucketFile
from dvcx.storage.stores.kinds import check_place
from dvcx.storage.stores.options import TIMEOUT, Option, Takes
from dvcx.storage.stores.problems import BadStatus, Outcome, Problem, asked_part, causes, class_names, status_of
from dvcx.storage.stores.store import CONNECTIONS, patience_of

OPTIONS = (
    Option("user", Takes.TEXT, "the name to log in with; else from the URL"),
    Option("password", Takes.TEXT, "the password, or an app password (secret)"),
    Option("token", Takes.TEXT, "a bearer token (secret)"),
    Option("cert_file", Takes.FILE, "a client certificate"),
    Option("key_file", Takes.FILE, "the key of the client certificate"),
    Option("ssl_verify", Takes.FLAG_OR_FILE, "false: trust any certificate; a file: trust its authorities"),
    Option("headers", Takes.TABLE, "headers to send with each request"),
    Option("proxy", Takes.TEXT, "the URL of a proxy; else the usual variables (HTTPS_PROXY) count"),
    TIMEOUT,
)
_TEMPORARY = "tmp"


def open_store(url: str, options: Mapping[str, object]) -> WebdavStore:
    """Gives the store at `webdavs://HOST/FOLDER` (`webdav://` without TLS). Nothing is asked of it yet."""
    parts = urlsplit(url)
    check_place(url, parts.hostname or "", "host")
    return WebdavStore(url, options)


def open_filesystem(url: str, options: Mapping[str, object]) -> tuple[Any, str]:
    """Gives fsspec's file system for a URL, and the path there."""
    from webdav4.fsspec import WebdavFileSystem

    parts = urlsplit(url)
    address = f"{'https' if _is_secure(url) else 'http'}://{parts.netloc.rpartition('@')[2]}"
    user = options.get("user", unquote(parts.username) if parts.username else None)
    password = options.get("password", unquote(parts.password) if parts.password else "")
    auth = (str(user), str(password)) if user is not None else None
    fs = WebdavFileSystem(address, auth=auth, **_arguments(options), skip_instance_cache=True)
    return fs, unquote(parts.path).strip("/")


class WebdavStore:
    """The files below a folder of a WebDAV server. See `Store`.

    What is written gets its name by moving when it is whole. The server tells no checksum: without TLS, which guards
    bytes on their way, what was written is read back.
    """

    def __init__(self, url: str, options: Mapping[str, object]) -> None:
        fs, self._root = open_filesystem(url, options)
        self._client = fs.client
        self._secure = _is_secure(url)
        self._made: set[str] = {""}
        self._lock = threading.Lock()

    def list(self, prefix: str) -> Iterator[BucketFile]:
        """Gives every file whose name starts with `prefix`."""
        from webdav4.client import ResourceNotFound

        start = len(self._root) + 1 if self._root else 0
        folders = [self._path(prefix).rstrip("/")]
        while folders:
            folder = folders.pop()
            try:
                entries = self._client.ls(folder, detail=True, allow_listing_resource=False)
            except ResourceNotFound:
                continue
            for each in entries:
                path = each["name"].strip("/")
                if each["type"] == "directory":
                    if path != folder:
                        folders.append(path)
                else:
                    yield BucketFile(path[start:], int(each["content_length"] or 0), _seconds(each))

    def stat(self, name: str) -> BucketFile | None:
        """Gives what is known of one file."""
        path = self._path(name)
        answer = self._client.propfind(quote(path), headers={"Depth": "0"})
        found = answer.get_response_for_path(self._client.base_url.path, path).properties.as_dict()
        return None if found["type"] == "directory" else BucketFile(name, int(found["content_length"]), _seconds(found))

    def read(self, name: str) -> bytes:
        """Gives the whole content."""
        return self._whole(self._request("GET", self._path(name)))

    def read_range(self, name: str, start: int, end: int) -> bytes:
        """Gives the bytes from `start` up to `end`."""
        try:
            answer = self._request("GET", self._path(name), headers={"Range": f"bytes={start}-{end - 1}"})
        except Exception as error:
            if any(status_of(each) == 416 for each in causes(error)):
                return b""  # the file ends before
            raise
        data = self._whole(answer)
        return asked_part(data, start, end, is_part=answer.status_code == 206)

    def write(self, name: str, data: bytes, *, exclusive: bool) -> bool:
        """Makes `data` the content, and has the server move it to its name when it is whole."""
        temporary = f"{_TEMPORARY}/{temporary_name('push')}"
        with self._lock:  # two threads that make one folder would get in each other's way (status 423)
            for each in (name, temporary):
                self._make_folders(self._path(each).rpartition("/")[0])
        try:
            self._request("PUT", self._path(temporary), content=data)
            if not self._secure and self.read(temporary) != data:
                raise ConnectionError("other bytes arrived than were sent")
            self._move(temporary, name, exclusive=exclusive)
        except BaseException:
            with suppress(Exception):
                self._client.remove(self._path(temporary))
            raise
        return False

    def write_file(self, name: str, source: Path, size: int) -> None:
        """Sends a file, and has the server move it to its name when it is whole."""
        temporary = f"{_TEMPORARY}/{temporary_name('push')}"
        for each in (name, temporary):
            self._make_folders(self._path(each).rpartition("/")[0])
        try:
            with open(source, "rb") as file:
                self._request("PUT", self._path(temporary), content=file)
            self._move(temporary, name, exclusive=False)
        except BaseException:
            with suppress(Exception):
                self._client.remove(self._path(temporary))
            raise

    def delete(self, names: Sequence[str]) -> None:
        """Removes files."""
        from webdav4.client import ResourceNotFound

        for name in names:
            with suppress(ResourceNotFound):
                self._client.remove(self._path(name))

    def _move(self, temporary: str, name: str, *, exclusive: bool) -> None:
        # Not the client's own `move`, which follows no redirects but takes a 412 for a conflict of folders.
        target = str(self._client.join_url(quote(self._path(name))))
        headers = {"Destination": target, "Overwrite": "F" if exclusive else "T", "Depth": "infinity"}
        self._request("MOVE", self._path(temporary), headers=headers)

    def _make_folders(self, folder: str) -> None:
        """Makes a folder and those above it, outermost first; those that are there answer 405."""
        if folder in self._made:
            return
        self._make_folders(folder.rpartition("/")[0])
        try:
            self._request("MKCOL", folder)
        except Exception as error:
            if not any(status_of(each) in (405, 301) for each in causes(error)):
                raise
        self._made.add(folder)

    def _request(self, method: str, path: str, **more: Any) -> Any:
        answer = self._client.http.request(method, quote(path), **more)
        if answer.status_code == 404:
            raise FileNotFoundError(path)
        if answer.status_code >= 300:
            raise BadStatus(answer.status_code, answer.headers)
        return answer

    @staticmethod
    def _whole(answer: Any) -> bytes:
        data = bytes(answer.content)
        length = answer.headers.get("content-length", "")
        if length.isdigit() and int(length) != len(data) and "content-encoding" not in answer.headers:
            raise ConnectionError(f"{len(data)} of {length} bytes came")
        return data

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}" if self._root else name


def explain(error: BaseException) -> Problem | None:
    """Gives what WebDAV's errors mean."""
    for each in causes(error):
        names = class_names(each)
        if "ResourceNotFound" in names:
            return Problem(Outcome.NOT_THERE, "it is not there")
        if "ResourceAlreadyExists" in names:
            return Problem(Outcome.ALREADY_THERE, "it is there already")
        if "InsufficientStorage" in names:
            return Problem(Outcome.FAILED, "the store is full (status 507)", "make room there")
        if "BadGatewayError" in names:
            return Problem(Outcome.TRY_AGAIN, "the store does not answer its gateway (status 502)")
        status = status_of(each)
        if status in (405, 501):
            return Problem(Outcome.FAILED, f"it does not speak WebDAV there (status {status})", "check the URL")
        if status in (301, 302, 303, 307, 308):
            return Problem(Outcome.FAILED, f"it has moved (status {status})", "use the address that it redirects to")
        if status == 423:
            return Problem(Outcome.TRY_AGAIN, "the file is locked by somebody (status 423)")
        if status == 409:
            return Problem(Outcome.FAILED, "the folder above it is not there (status 409)", "check the URL")
        if names & {"LocalProtocolError", "UnsupportedProtocol", "InvalidURL"}:
            return Problem(Outcome.FAILED, str(each), "check the URL")
    return None


def _is_secure(url: str) -> bool:
    return urlsplit(url).scheme.lower() in ("webdavs", "davs")


def _arguments(options: Mapping[str, object]) -> dict[str, Any]:
    """Gives the arguments of the client that the options mean."""
    import httpx

    patience = patience_of(options)
    headers = dict(options.get("headers", {}))  # type: ignore[call-overload]
    if "token" in options:
        headers["Authorization"] = f"Bearer {options['token']}"
    arguments: dict[str, Any] = {
        "retry": False,  # that is RetryingBucket's work, which heeds Retry-After
        "timeout": httpx.Timeout(patience, connect=min(patience, 10.0)),
        "limits": httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
        "headers": headers,
    }
    verify = options.get("ssl_verify", True)
    if isinstance(verify, str):
        import ssl

        verify = ssl.create_default_context(cafile=verify)
    arguments["verify"] = verify
    if "cert_file" in options:
        arguments["cert"] = (options["cert_file"], options.get("key_file", options["cert_file"]))
    if "proxy" in options:
        arguments["proxy"] = options["proxy"]
    return arguments


def _seconds(info: Mapping[str, Any]) -> float | None:
    when = info.get("modified")
    return float(when.timestamp()) if when is not None else None
