"""Kinds of stores without a store: their options, where these go, and what their errors are taken to mean."""

from __future__ import annotations

import socket
import ssl
import sys
import time
from collections.abc import Mapping
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from dvcx.base.errors import RemoteError, UsageError
from dvcx.storage.bucket import NotThere, Unavailable
from dvcx.storage.fsspec_bucket import FsspecBucket
from dvcx.storage.open_bucket import open_bare_bucket, open_bucket
from dvcx.storage.stores import azure, gcs, http, s3, ssh, webdav
from dvcx.storage.stores.kinds import KINDS, check_remote_options, kind_of
from dvcx.storage.stores.options import Option, Takes
from dvcx.storage.stores.problems import BadStatus, Outcome, retry_after_of, usual_problem

SAMPLES: Mapping[Takes, object] = {
    Takes.TEXT: "text",
    Takes.FLAG: True,
    Takes.SECONDS: 7,
    Takes.NUMBER: 7,
    Takes.FILE: "/etc/hostname",
    Takes.FLAG_OR_FILE: False,
    Takes.TABLE: {"some": "thing"},
}


# Options.


@pytest.mark.parametrize(
    ("url", "name", "said"),
    [
        ("s3://b", "regoin", "did you mean region?"),
        ("s3://b", "endpointurl", "did you mean endpoint_url?"),
        ("gs://b", "projet", "did you mean project?"),
        ("az://c", "acount_name", "did you mean account_name?"),
        ("ssh://h/x", "keyfile", "did you mean key_file?"),
        ("webdavs://h", "pasword", "did you mean password?"),
        ("https://h", "header", "did you mean headers?"),
        ("/mnt/x", "region", "it has none"),
    ],
)
def test_a_mistyped_option_is_an_error_that_says_what_was_meant(url: str, name: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_remote_options(url, {name: "x"})
    assert name in caught.value.message and said in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("anon", "perhaps"),
        ("timeout", 0),
        ("timeout", "soon"),
        ("region", ""),
        ("region", True),
        ("addressing_style", "sideways"),
        ("sse", "rot13"),
        ("client_kwargs", "x"),
        ("ssl_verify", 3),
    ],
)
def test_a_value_that_an_option_does_not_take_is_an_error(name: str, value: object) -> None:
    with pytest.raises(UsageError, match=name) as caught:
        check_remote_options("s3://b", {name: value})
    assert "it takes" in (caught.value.hint or "")


def test_values_come_as_the_libraries_want_them(tmp_path: Path) -> None:
    options = {"region": 12345, "timeout": 5, "ssl_verify": "ca.pem", "anon": False}
    checked = check_remote_options("s3://b", options, tmp_path)
    assert checked == {"region": "12345", "timeout": 5.0, "ssl_verify": f"{tmp_path}/ca.pem", "anon": False}


def test_a_secret_is_not_in_the_error_about_it() -> None:
    with pytest.raises(UsageError) as caught:
        check_remote_options("s3://b", {"secret": ["hunter22"]})
    assert "hunter22" not in str(caught.value)


def test_other_kinds_of_stores_take_any_option() -> None:
    assert check_remote_options("oci://b", {"whatever": 1}) == {"whatever": 1}


def all_options(options: tuple[Option, ...]) -> dict[str, object]:
    return {option.name: option.choices[0] if option.choices else SAMPLES[option.takes] for option in options}


def flat(arguments: object) -> str:
    return repr(arguments)


@pytest.mark.parametrize("name", [option.name for option in s3.OPTIONS])
def test_every_option_of_s3_changes_what_its_library_is_given(name: str) -> None:
    given = all_options(s3.OPTIONS)
    without = {key: value for key, value in given.items() if key != name}
    same = {"key", "secret", "token", "access_key_id", "secret_access_key", "session_token"}
    if name in same:  # two names for one thing: alone each counts
        assert flat(s3._arguments({name: "only"}, 60.0)) != flat(s3._arguments({}, 60.0))
    elif name in s3._WRITES or name == "timeout":
        assert name == "timeout" or s3._WRITES[name]
    else:
        assert flat(s3._arguments(given, 60.0)) != flat(s3._arguments(without, 60.0))


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        (ssh.OPTIONS, lambda given: ssh._arguments(None, None, given)),
        (webdav.OPTIONS, webdav._arguments),
        (azure.OPTIONS, azure._arguments),
        (gcs.OPTIONS, lambda given: gcs._arguments(given, 60.0)),
    ],
    ids=["ssh", "webdav", "azure", "gcs"],
)
def test_every_option_changes_what_its_library_is_given(options: tuple[Option, ...], arguments: Any) -> None:
    pytest.importorskip("httpx")
    pytest.importorskip("aiohttp")
    needs = {"endpoint_url": {"account_name": "a", "account_key": "k"}} if options is azure.OPTIONS else {}
    elsewhere = {"user", "password"} if options is webdav.OPTIONS else set()  # part of the login, not of these
    elsewhere |= {"timeout"} if options in (azure.OPTIONS, gcs.OPTIONS) else set()  # goes with each request
    for option in options:
        if option.name in elsewhere or (option.name in ("key_file", "ssl_verify") and options is webdav.OPTIONS):
            continue
        value = False if option.name == "agent" else SAMPLES[option.takes]
        extra = needs.get(option.name, {})
        with_it = repr(arguments({**extra, option.name: value}))
        assert with_it != repr(arguments(extra)), option.name


def test_the_host_keys_of_ssh_are_checked_unless_nothing() -> None:
    assert ssh._arguments(None, None, {})["known_hosts"] == ()
    assert ssh._arguments(None, None, {"known_hosts": "/x"})["known_hosts"] == "/x"
    assert all(ssh._arguments("u", 22, given)["known_hosts"] is not None for given in ({}, {"user": "v"}))


# Opening.


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.extra)
def test_a_missing_library_is_told_with_the_line_to_type(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, kind.library, None)
    for scheme in kind.schemes:
        with pytest.raises(RemoteError, match="not installed") as caught:
            FsspecBucket(f"{scheme}://place/folder")
        assert caught.value.hint == f"pip install 'git-dvcx[{kind.extra}]'"


def test_a_file_of_an_option_that_is_not_there_is_told(tmp_path: Path) -> None:
    pytest.importorskip("s3fs")
    with pytest.raises(UsageError, match=r"no\.pem"):
        FsspecBucket("s3://bucket/x", {"ssl_verify": "no.pem"}, tmp_path)


@pytest.mark.parametrize("url", ["s3://", "s3:///x", "gs://", "az://", "ssh://host", "webdav:///x"])
def test_a_url_that_names_no_place_is_an_error(url: str) -> None:
    kind = kind_of(url)
    assert kind is not None
    pytest.importorskip(kind.library)
    with pytest.raises(UsageError, match="names no"):
        FsspecBucket(url)


def test_chains_of_file_systems_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="::"):
        open_bucket("filecache::sftp://host/x", tmp_path)


def test_http_is_opened_to_read_only(tmp_path: Path) -> None:
    pytest.importorskip("aiohttp")
    from dvcx.base.errors import Refused

    bucket = open_bare_bucket("https://example.org/data", tmp_path)
    with pytest.raises(Refused):
        bucket.write("x", [b""])


# Errors.


def boto_error(code: str, status: int = 400, headers: Mapping[str, str] | None = None, message: str = "") -> Exception:
    error = Exception(message or code)
    metadata = {"HTTPStatusCode": status, "HTTPHeaders": dict(headers or {})}
    error.response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": metadata}  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize(
    ("code", "outcome", "said", "hint"),
    [
        ("NoSuchKey", Outcome.NOT_THERE, "not there", ""),
        ("NoSuchBucket", Outcome.FAILED, "no bucket", "make the bucket"),
        ("ExpiredToken", Outcome.FAILED, "expired", "aws sso login"),
        ("RequestTimeTooSkewed", Outcome.FAILED, "clocks", "timedatectl"),
        ("InvalidAccessKeyId", Outcome.FAILED, "access key", "id"),
        ("SignatureDoesNotMatch", Outcome.FAILED, "secret", "secret_access_key"),
        ("AccessDenied", Outcome.FAILED, "no right", "policy"),
        ("PreconditionFailed", Outcome.ALREADY_THERE, "", ""),
        ("SlowDown", Outcome.TRY_AGAIN, "slow down", ""),
        ("BadDigest", Outcome.TRY_AGAIN, "whole", ""),
    ],
)
def test_what_s3_says_is_told_in_words_with_what_to_do(code: str, outcome: Outcome, said: str, hint: str) -> None:
    try:
        raise OSError("translated") from boto_error(code)
    except OSError as error:
        problem = s3.explain(error)
    assert problem is not None and problem.outcome is outcome
    assert said in problem.message and hint in (problem.hint or "")


def test_a_bucket_in_another_region_is_told_with_the_region() -> None:
    for error in (
        boto_error("PermanentRedirect", 301, {"x-amz-bucket-region": "eu-west-1"}),
        boto_error("AuthorizationHeaderMalformed", message="the region 'x' is wrong; expecting 'eu-west-1'"),
    ):
        problem = s3.explain(error)
        assert problem is not None and "eu-west-1" in problem.message
        assert problem.hint == "`dvcx remote modify NAME region eu-west-1`"


def test_what_every_network_does_is_told() -> None:
    cases: list[tuple[BaseException, Outcome, str]] = [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), Outcome.FAILED, "DNS"),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), Outcome.TRY_AGAIN, "DNS"),
        (ConnectionRefusedError(), Outcome.TRY_AGAIN, "nothing listens"),
        (ConnectionResetError("reset"), Outcome.TRY_AGAIN, "broke"),
        (TimeoutError(), Outcome.TRY_AGAIN, "no answer in time"),
        (ssl.SSLCertVerificationError(), Outcome.FAILED, "certificate"),
        (BadStatus(503, {}), Outcome.TRY_AGAIN, "overloaded"),
        (BadStatus(401, {}), Outcome.FAILED, "credentials"),
        (BadStatus(403, {}), Outcome.FAILED, "no right"),
        (BadStatus(407, {}), Outcome.FAILED, "proxy"),
        (BadStatus(507, {}), Outcome.FAILED, "full"),
        (ValueError("odd"), Outcome.FAILED, ""),
    ]
    for error, outcome, said in cases:
        problem = usual_problem(error)
        if isinstance(error, ValueError) and problem is None:
            continue
        assert problem is not None and problem.outcome is outcome and said in problem.message, error


def test_how_long_a_store_asks_to_wait_is_heeded_in_both_forms_and_bounded() -> None:
    assert retry_after_of(BadStatus(503, {"Retry-After": "7"})) == 7
    assert retry_after_of(BadStatus(503, {"retry-after": "999999"})) == 600
    assert retry_after_of(BadStatus(503, {"Retry-After": "tomorrow"})) is None
    soon = retry_after_of(BadStatus(503, {"Retry-After": formatdate(time.time() + 30, usegmt=True)}))
    assert soon is not None and 20 < soon <= 31
    assert retry_after_of(boto_error("SlowDown", 503, {"retry-after": "3"})) == 3


def test_the_kinds_explain_their_own_errors() -> None:
    class PermissionDenied(Exception): ...

    denied = ssh.explain(PermissionDenied("Permission denied for user x"))
    assert denied is not None and "login was refused" in denied.message
    forbidden = gcs.explain(OSError("Forbidden: https://...\nno storage.objects.get"))
    assert forbidden is not None and "storage.objects.get" in forbidden.message
    skewed = gcs.explain(Exception("invalid_grant: Invalid JWT: Token must be a short-lived token"))
    assert skewed is not None and "clocks" in skewed.message
    hidden = http.explain(BadStatus(403, {}))
    assert hidden is not None and "autoindex" in (hidden.hint or "")
    wrong = webdav.explain(BadStatus(405, {}))
    assert wrong is not None and "does not speak WebDAV" in wrong.message


def test_a_bucket_turns_them_into_typed_errors_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("s3fs")
    bucket = FsspecBucket("s3://bucket/x", {"secret": "hunter22", "key": "AKIA1234"})

    def raising(error: Exception) -> Any:
        def read(name: str) -> bytes:
            raise error

        return read

    for error, family in (
        (boto_error("NoSuchKey"), NotThere),
        (boto_error("SlowDown", 503, {"retry-after": "3"}), Unavailable),
        (boto_error("AccessDenied", 403), RemoteError),
        (RuntimeError("odd: hunter22 AKIA1234"), RemoteError),
    ):
        monkeypatch.setattr(bucket._store, "read", raising(error))
        with pytest.raises(family) as caught:
            bucket.read("name")
        assert "hunter22" not in str(caught.value) and "AKIA1234" not in str(caught.value)
        assert not isinstance(caught.value, Unavailable) or caught.value.retry_after == 3
