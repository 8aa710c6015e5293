"""Google Cloud Storage: single requests of its JSON interface on gcsfs's connections, checked by MD5."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dvcx.storage.bucket import BucketFile
from dvcx.storage.stores.kinds import check_place
from dvcx.storage.stores.options import TIMEOUT, Option, Takes
from dvcx.storage.stores.problems import (
    CLOCK_HINT,
    BadStatus,
    Outcome,
    Problem,
    asked_part,
    causes,
    class_names,
    status_of,
)
from dvcx.storage.stores.store import ANY_SIZE, LoopStore, below, for_each, patience_of

if TYPE_CHECKING:
    from aiohttp import ClientResponse

OPTIONS = (
    Option("project", Takes.TEXT, "the project of the bucket"),
    Option("credentials_file", Takes.FILE, "the JSON key file of a service account"),
    Option("token", Takes.TEXT, "google_default, cloud, browser, anon, or an access token (secret)"),
    Option("anon", Takes.FLAG, "ask without credentials, for public buckets"),
    Option("endpoint_url", Takes.TEXT, "the address of another server than Google's, such as an emulator"),
    Option("requester_pays", Takes.FLAG, "pay for requests to somebody else's bucket"),
    Option("proxy", Takes.TEXT, "the URL of a proxy; else the usual variables (HTTPS_PROXY) count"),
    TIMEOUT,
)
_CHUNK = 128 << 20
"""Larger than any pack: each file is one request."""


def open_store(url: str, options: Mapping[str, object]) -> GcsStore:
    """Gives the store at `gs://BUCKET/FOLDER`. Nothing is asked of it yet, apart from a look for credentials."""
    bucket, _, folder = url.partition("://")[2].partition("?")[0].partition("/")
    check_place(url, bucket, "bucket")
    return GcsStore(bucket, folder.strip("/"), options)


def open_filesystem(url: str, options: Mapping[str, object]) -> tuple[Any, str]:
    """Gives fsspec's file system for a URL, and the path there."""
    from gcsfs.core import GCSFileSystem

    arguments = _arguments(options, patience_of(options))
    del arguments["session_kwargs"]["raise_for_status"]  # it tries again by itself
    return GCSFileSystem(**arguments), url.partition("://")[2]


class GcsStore(LoopStore):
    """The files below `folder` of a bucket. See `Store`."""

    def __init__(self, bucket: str, folder: str, options: Mapping[str, object]) -> None:
        # Not the class that `gcsfs` has by default: that one asks a gRPC service what kind of bucket each one is, and
        # waits a minute for it where that cannot be reached.
        from gcsfs.core import GCSFileSystem

        patience = patience_of(options)
        self._fs = GCSFileSystem(**_arguments(options, patience), use_listings_cache=False)
        plain_request = getattr(type(self._fs)._request, "__wrapped__", None)
        if plain_request is not None:  # trying again is RetryingBucket's work, which heeds Retry-After
            self._fs._request = functools.partial(plain_request, self._fs)
        super().__init__(self._fs.loop, patience)
        self._bucket = bucket
        self._root = folder

    def list(self, prefix: str) -> Iterator[BucketFile]:
        """Gives every file whose name starts with `prefix`, a thousand with each request."""
        start = len(self._root) + 1 if self._root else 0
        wanted: dict[str, object] = {"prefix": below(self._root, prefix), "maxResults": 1000}
        while True:
            page = self.ask(self._fs._call("GET", "b/{}/o", self._bucket, json_out=True, **wanted))
            for each in page.get("items", []):
                yield BucketFile(each["name"][start:], int(each["size"]), _seconds(each.get("updated")))
            if not page.get("nextPageToken"):
                return
            wanted["pageToken"] = page["nextPageToken"]

    def stat(self, name: str) -> BucketFile | None:
        """Gives what is known of one file; raises `FileNotFoundError`."""
        found = self.ask(self._fs._call("GET", "b/{}/o/{}", self._bucket, below(self._root, name), json_out=True))
        return BucketFile(name, int(found["size"]), _seconds(found.get("updated")))

    def read(self, name: str) -> bytes:
        """Gives the whole content."""
        return bytes(self.ask(self._fs._call("GET", self._fs.url(self._path(name))), ANY_SIZE)[1])

    def read_range(self, name: str, start: int, end: int) -> bytes:
        """Gives the bytes from `start` up to `end`."""
        wanted = {"Range": f"bytes={start}-{end - 1}"}
        try:
            headers, data = self.ask(self._fs._call("GET", self._fs.url(self._path(name)), headers=wanted), end - start)
        except Exception as error:
            if any(status_of(each) == 416 for each in causes(error)):
                return b""  # the file ends before
            raise
        return asked_part(bytes(data), start, end, is_part="Content-Range" in headers)

    def write(self, name: str, data: bytes, *, exclusive: bool) -> bool:
        """Makes `data` the content; the MD5 that the store answers is compared."""
        try:
            self.ask(
                self._fs._pipe_file(
                    self._path(name),
                    data,
                    consistency="md5",
                    chunksize=_CHUNK,
                    mode="create" if exclusive else "overwrite",
                ),
                len(data),
            )
        except Exception as error:
            if any("ChecksumError" in class_names(each) for each in causes(error)):
                self.delete([name])  # it holds other bytes than were sent
            raise
        return True

    def write_file(self, name: str, source: Path, size: int) -> None:
        """Sends a file; the MD5 that the store answers is compared."""
        self.ask(self._fs._put_file(str(source), self._path(name), consistency="md5", chunksize=_CHUNK), size)

    def delete(self, names: Sequence[str]) -> None:
        """Removes files."""

        async def remove(name: str) -> None:
            try:
                await self._fs._call("DELETE", "b/{}/o/{}", self._bucket, below(self._root, name))
            except FileNotFoundError:
                return

        self.ask(for_each(names, remove))

    def _path(self, name: str) -> str:
        return f"{self._bucket}/{below(self._root, name)}"


def explain(error: BaseException) -> Problem | None:
    """Gives what Google's errors mean."""
    for each in causes(error):
        text = str(each)
        names = class_names(each)
        if "Token must be a short-lived token" in text or ("iat" in text and "invalid_grant" in text):
            return Problem(Outcome.FAILED, "the clocks of this computer and of Google differ too much", CLOCK_HINT)
        if "RefreshError" in names or "invalid_grant" in text:
            return Problem(
                Outcome.FAILED, "the credentials have expired", "`gcloud auth application-default login` signs in again"
            )
        if names & {"DefaultCredentialsError", "GoogleAuthError"}:
            return Problem(
                Outcome.FAILED,
                "there are no credentials for it",
                "`gcloud auth application-default login`, or set `credentials_file`; public buckets need `anon true`",
            )
        if text.startswith("Forbidden: "):
            said = text.partition("\n")[2]
            return Problem(
                Outcome.FAILED,
                f"no right to do this{f' ({said})' if said else ''}",
                "the account needs the role Storage Object User on the bucket",
            )
        if "Token format not understood" in text:
            return Problem(Outcome.FAILED, "the credentials are not in a form that Google has", "set credentials_file")
        if status_of(each) == 401:
            return Problem(
                Outcome.FAILED,
                "Google does not take the credentials, or there are none",
                "`gcloud auth application-default login`, or set `credentials_file`",
            )
    return None


async def _heed(response: ClientResponse) -> None:
    """Raises for what is worth another try, before gcsfs forgets how long the store asks to wait."""
    if response.status in (408, 429) or response.status >= 500:
        raise BadStatus(response.status, response.headers)


def _arguments(options: Mapping[str, object], patience: float) -> dict[str, Any]:
    """Gives the arguments of the file system that the options mean."""
    import aiohttp

    session: dict[str, Any] = {
        "timeout": aiohttp.ClientTimeout(total=None, sock_connect=min(patience, 10.0), sock_read=patience),
        "raise_for_status": _heed,
        "trust_env": True,
    }
    if "proxy" in options:
        session["proxy"] = options["proxy"]
    arguments = {
        name: options[name] for name in ("project", "token", "endpoint_url", "requester_pays") if name in options
    }
    if options.get("anon"):
        arguments["token"] = "anon"
    elif "credentials_file" in options:
        arguments["token"] = options["credentials_file"]
    return {**arguments, "session_kwargs": session, "requests_timeout": session["timeout"]}


def _seconds(text: object) -> float | None:
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return None
