"""What went wrong between here and a store, in a sentence, and how to mend it: from any library's exceptions.

Libraries are recognised by the names of their exceptions, so that none has to be imported here.
"""

from __future__ import annotations

import email.utils
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any


class Outcome(Enum):
    """What a failure means for who asked."""

    NOT_THERE = auto()
    ALREADY_THERE = auto()
    TRY_AGAIN = auto()
    FAILED = auto()


@dataclass(frozen=True, slots=True)
class Problem:
    """A failure understood: what it means, what to say, what to do, and how many seconds the store asked to wait."""

    outcome: Outcome
    message: str
    hint: str | None = None
    retry_after: float | None = None


class BadStatus(Exception):
    """An HTTP answer that is no success, with its `status` and `headers`: for libraries that do not keep those."""

    def __init__(self, status: int, headers: Mapping[str, str]) -> None:
        super().__init__(f"status {status}")
        self.status = status
        self.headers = headers


class WebPage(Exception):
    """A page for people came where a file of the store should be."""


CLOCK_HINT = "set this computer's clock right, for example with `timedatectl set-ntp true`"
_NETWORK_HINT = "check the network and run the command again"
NOT_A_STORE = (
    "the answer is not one that such a store gives: is there a login page or a proxy in between, or is the URL wrong?"
)
_WEB_PAGE = "a web page came instead of the file: is there a login page or a proxy in between?"
LOOK = "open the URL in a browser, and check `endpoint_url` and the network"

_PASSING = frozenset(
    {
        # aiohttp (s3fs, gcsfs, http), botocore, azure-core, httpx and httpcore (webdav4), asyncssh (sshfs), requests
        *(
            "ServerDisconnectedError",
            "ClientPayloadError",
            "ClientOSError",
            "ServerTimeoutError",
            "ClientConnectionError",
        ),
        *("ConnectTimeoutError", "ReadTimeoutError", "EndpointConnectionError", "ConnectionClosedError"),
        *("ResponseStreamingError", "IncompleteReadError", "HTTPClientError", "ProxyConnectionError"),
        *("ServiceRequestError", "ServiceResponseError", "IncompleteReadError", "DecodeError"),
        *("TransportError", "TimeoutException", "RemoteProtocolError"),
        *("ConnectionLost", "DisconnectError", "ChannelOpenError", "SFTPConnectionLost", "SFTPNoConnection"),
        *("FSTimeoutError", "ChunkedEncodingError", "ChecksumError", "ProxyError"),
    }
)
_UNREADABLE = frozenset(
    {"ResponseParserError", "JSONDecodeError", "ParseError", "XMLSyntaxError", "ContentTypeError", "ExpatError"}
)
_BUSY = {
    408: "timed out",
    425: "is not ready",
    429: "has had too many requests",
    500: "failed inside",
    502: "does not answer its gateway",
    503: "is overloaded",
    504: "does not answer its gateway",
    509: "has no bandwidth left",
}
_LONGEST_WAIT = 600.0


def causes(error: BaseException) -> Iterator[BaseException]:
    """Gives an exception and what it came from, outermost first."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen and len(seen) < 20:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def class_names(error: BaseException) -> frozenset[str]:
    """Gives the names of the class of an exception and of those above it."""
    return frozenset(each.__name__ for each in type(error).__mro__)


def status_of(error: BaseException) -> int | None:
    """Gives the HTTP status that an exception of any of the libraries carries, or None."""
    metadata = _boto(error).get("ResponseMetadata", {})
    found = metadata.get("HTTPStatusCode") if isinstance(metadata, Mapping) else None
    name = next((each for each in ("status", "status_code", "code") if hasattr(error, each)), "")
    for value in (found, getattr(error, name, None)):
        if isinstance(value, str) and value.isdigit():
            value = int(value)
        if isinstance(value, int) and 100 <= value < 600:
            return value
    return None


def retry_after_of(error: BaseException) -> float | None:
    """Gives how many seconds the store asked to wait, or None."""
    response = getattr(error, "response", None)
    headers = getattr(error, "headers", None) or getattr(response, "headers", None)
    if isinstance(response, Mapping):
        headers = response.get("ResponseMetadata", {}).get("HTTPHeaders")
    if not isinstance(headers, Mapping):
        return None
    text = next((str(value) for name, value in headers.items() if str(name).lower() == "retry-after"), "").strip()
    if text.isdigit():
        return min(float(text), _LONGEST_WAIT)
    try:
        return min(max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time()), _LONGEST_WAIT)
    except (ValueError, TypeError):
        return None


def boto_code(error: BaseException) -> str | None:
    """Gives the code of an S3 error, such as `NoSuchBucket`, or None."""
    details = _boto(error).get("Error", {})
    return str(details.get("Code")) if isinstance(details, Mapping) and details.get("Code") else None


def is_web_page(data: bytes) -> bool:
    """Tells whether the content of a file is that of a page for people."""
    return data[:200].lstrip().lower().startswith((b"<!doctype html", b"<html", b"<?xml"))


def asked_part(data: bytes, start: int, end: int, *, is_part: bool) -> bytes:
    """Gives the bytes from `start` to `end`, of an answer that is just these, or the whole file: not all heed ranges.

    Raises `WebPage`.
    """
    if is_part:
        return data
    if is_web_page(data):
        raise WebPage
    return data[start:end]


def usual_problem(error: BaseException) -> Problem | None:
    """Gives what is known of an exception whatever the kind of store: the network, TLS, HTTP statuses, odd answers."""
    chain = list(causes(error))
    for each in chain:
        if (found := _of_network(each)) is not None:
            return found
    for each in chain:
        status = status_of(each)
        if status is not None and (found := _of_status(status, each)) is not None:
            return found
    for each in chain:
        if isinstance(each, FileNotFoundError):
            return Problem(Outcome.NOT_THERE, "it is not there")
        if isinstance(each, FileExistsError):
            return Problem(Outcome.ALREADY_THERE, "it is there already")
        if isinstance(each, PermissionError):
            return Problem(Outcome.FAILED, "no right to do this", "check the credentials of the remote and its rights")
        names = class_names(each)
        if names & _UNREADABLE:
            return Problem(Outcome.FAILED, NOT_A_STORE, LOOK)
        if isinstance(each, WebPage):
            return Problem(Outcome.FAILED, _WEB_PAGE, LOOK)
        if isinstance(each, TimeoutError):
            return Problem(Outcome.TRY_AGAIN, "no answer in time", _NETWORK_HINT)
        if names & _PASSING or isinstance(each, ConnectionError):
            reason = str(each) or type(each).__name__
            return Problem(Outcome.TRY_AGAIN, f"the connection broke ({reason})", _NETWORK_HINT)
    return None


def _of_network(error: BaseException) -> Problem | None:
    if isinstance(error, socket.gaierror) or "ClientConnectorDNSError" in class_names(error):
        number = getattr(error, "errno", None)
        again = number == socket.EAI_AGAIN
        return Problem(
            Outcome.TRY_AGAIN if again else Outcome.FAILED,
            "the name of its server is not known to the network (DNS)",
            "check the network" if again else "check the URL or `endpoint_url`, and the network",
        )
    if isinstance(error, ssl.SSLCertVerificationError):
        # aiohttp's exception is one of these by its class alone, and keeps the real one.
        inner = getattr(error, "certificate_error", error)
        return Problem(
            Outcome.FAILED,
            f"its certificate cannot be trusted: {getattr(inner, 'verify_message', '') or inner}",
            "if it is your own server, name the file with its certificate authority: "
            "`dvcx remote modify NAME ssl_verify FILE`",
        )
    if isinstance(error, ssl.SSLError) and "wrong version" in str(error).lower():
        return Problem(Outcome.FAILED, "it does not speak TLS there", "use http:// in the address, or another port")
    if isinstance(error, ConnectionRefusedError):
        return Problem(
            Outcome.TRY_AGAIN, "nothing listens at its address (connection refused)", "is the server running?"
        )
    return None


def _of_status(status: int, error: BaseException) -> Problem | None:
    if status in _BUSY:
        return Problem(
            Outcome.TRY_AGAIN,
            f"the store {_BUSY[status]} (status {status})",
            "run the command again later; what was sent is not sent again",
            retry_after_of(error),
        )
    if status == 401:
        return Problem(
            Outcome.FAILED,
            "it wants other credentials (status 401)",
            "check `user`, and set the password or token again: `dvcx remote modify --local NAME password -`",
        )
    if status == 403:
        return Problem(
            Outcome.FAILED, "no right to do this (status 403)", "check the credentials of the remote and its rights"
        )
    if status == 404:
        return Problem(Outcome.NOT_THERE, "it is not there")
    if status == 407:
        return Problem(Outcome.FAILED, "the proxy wants credentials (status 407)", "set them in the option `proxy`")
    if status == 412:
        return Problem(Outcome.ALREADY_THERE, "it is there already")
    if status == 413:
        return Problem(Outcome.FAILED, "the server takes no files of this size (status 413)", "raise its limit")
    if status == 507:
        return Problem(Outcome.FAILED, "the store is full (status 507)", "make room there and run the command again")
    return None


def _boto(error: BaseException) -> Mapping[str, Any]:
    response = getattr(error, "response", None)
    return response if isinstance(response, Mapping) else {}
