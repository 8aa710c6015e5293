"""S3, at AWS and everywhere else that speaks it: single requests on s3fs's connections, checked by MD5."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from dvcx.storage.bucket import BucketFile
from dvcx.storage.moved import Listener, listener, telling
from dvcx.storage.stores.kinds import check_place
from dvcx.storage.stores.options import TIMEOUT, Option, Takes
from dvcx.storage.stores.problems import (
    CLOCK_HINT,
    Outcome,
    Problem,
    asked_part,
    boto_code,
    causes,
    class_names,
    retry_after_of,
    status_of,
)
from dvcx.storage.stores.s3_parts import PART, begun_upload, send_in_parts
from dvcx.storage.stores.store import ANY_SIZE, CONNECTIONS, LoopStore, below, for_each, patience_of

OPTIONS = (
    Option("endpoint_url", Takes.TEXT, "the address of a store that is not AWS, such as https://minio.example.org"),
    Option("region", Takes.TEXT, "the region of the bucket, such as eu-central-1"),
    Option("profile", Takes.TEXT, "a profile of ~/.aws/config"),
    Option("access_key_id", Takes.TEXT, "the access key's id"),
    Option("secret_access_key", Takes.TEXT, "the access key's secret (secret)"),
    Option("session_token", Takes.TEXT, "the token of temporary credentials (secret)"),
    Option("key", Takes.TEXT, "the same as access_key_id (secret)"),
    Option("secret", Takes.TEXT, "the same as secret_access_key (secret)"),
    Option("token", Takes.TEXT, "the same as session_token (secret)"),
    Option("anon", Takes.FLAG, "ask without credentials, for public buckets"),
    Option("ssl_verify", Takes.FLAG_OR_FILE, "false: trust any certificate; a file: trust its authorities"),
    Option("addressing_style", Takes.TEXT, "where the bucket's name goes", ("auto", "path", "virtual")),
    Option("sse", Takes.TEXT, "how the store encrypts what is written", ("AES256", "aws:kms", "aws:kms:dsse")),
    Option("sse_kms_key_id", Takes.TEXT, "the key for sse = aws:kms"),
    Option("storage_class", Takes.TEXT, "the storage class of what is written, such as STANDARD_IA"),
    Option("acl", Takes.TEXT, "who may read what is written, such as bucket-owner-full-control"),
    Option("requester_pays", Takes.FLAG, "pay for requests to somebody else's bucket"),
    Option("proxy", Takes.TEXT, "the URL of a proxy; else the usual variables (HTTPS_PROXY) count"),
    Option("connect_timeout", Takes.SECONDS, "how long to wait for a connection; 10 if not set"),
    TIMEOUT,
    Option("client_kwargs", Takes.TABLE, "more arguments for the botocore client"),
    Option("config_kwargs", Takes.TABLE, "more arguments for botocore's Config"),
)
_ARGUMENTS = {
    "endpoint_url": "endpoint_url",
    "profile": "profile",
    "access_key_id": "key",
    "secret_access_key": "secret",
    "session_token": "token",
    "key": "key",
    "secret": "secret",
    "token": "token",
    "anon": "anon",
    "requester_pays": "requester_pays",
}
_WRITES = {
    "sse": "ServerSideEncryption",
    "sse_kms_key_id": "SSEKMSKeyId",
    "storage_class": "StorageClass",
    "acl": "ACL",
}
_NO_BULK = ("NotImplemented", "MethodNotAllowed", "MissingContentMD5", "InvalidRequest", "MalformedXML")
_PIECE = 256 << 10
_NO_SUCH_BUCKET = "there is no bucket of that name there"


def open_store(url: str, options: Mapping[str, object]) -> S3Store:
    """Gives the store at `s3://BUCKET/FOLDER`. Nothing is asked of it yet."""
    bucket, _, folder = url.partition("://")[2].partition("?")[0].partition("/")
    check_place(url, bucket, "bucket")
    return S3Store(bucket, folder.strip("/"), options)


def open_filesystem(url: str, options: Mapping[str, object]) -> tuple[Any, str]:
    """Gives fsspec's file system for a URL, and the path there."""
    from s3fs import S3FileSystem

    return S3FileSystem(**_arguments(options, patience_of(options))), url.partition("://")[2]


class S3Store(LoopStore):
    """The files below `folder` of a bucket. See `Store`."""

    def __init__(self, bucket: str, folder: str, options: Mapping[str, object]) -> None:
        from s3fs import S3FileSystem

        patience = patience_of(options)
        self._fs = S3FileSystem(**_arguments(options, patience), use_listings_cache=False)
        self._fs.retries = 1  # trying again is RetryingBucket's work, which heeds Retry-After
        super().__init__(self._fs.loop, patience)
        self._bucket = bucket
        self._root = folder
        self._on_write = {_WRITES[name]: value for name, value in options.items() if name in _WRITES}

    def list(self, prefix: str) -> Iterator[BucketFile]:
        """Gives every file whose name starts with `prefix`, a thousand with each request."""
        start = len(self._root) + 1 if self._root else 0
        token: dict[str, str] = {}
        while True:
            page = self.ask(
                self._fs._call_s3("list_objects_v2", Bucket=self._bucket, Prefix=below(self._root, prefix), **token)
            )
            for each in page.get("Contents", []):
                yield BucketFile(each["Key"][start:], int(each["Size"]), _seconds(each.get("LastModified")))
            if not page.get("IsTruncated") or not page.get("NextContinuationToken"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def stat(self, name: str) -> BucketFile | None:
        """Gives what is known of one file; raises `FileNotFoundError`."""
        found = self.ask(self._fs._call_s3("head_object", **self._at(name)))
        return BucketFile(name, int(found["ContentLength"]), _seconds(found.get("LastModified")))

    def read(self, name: str) -> bytes:
        """Gives the whole content."""
        return self.ask(self._got(name, {}), ANY_SIZE)[0]

    def read_range(self, name: str, start: int, end: int) -> bytes:
        """Gives the bytes from `start` up to `end`."""
        try:
            data, is_part = self.ask(self._got(name, {"Range": f"bytes={start}-{end - 1}"}, listener()), end - start)
        except Exception as error:
            if any(status_of(each) == 416 for each in causes(error)):
                return b""  # the file ends before
            raise
        return asked_part(data, start, end, is_part=is_part)

    def write(self, name: str, data: bytes, *, exclusive: bool) -> bool:
        """Makes `data` the content; the store refuses it when other bytes arrive than were sent."""
        digest = hashlib.md5(data, usedforsecurity=False)
        wanted: dict[str, str] = {"IfNoneMatch": "*"} if exclusive else {}
        answer = self.ask(
            self._fs._call_s3(
                "put_object",
                **self._at(name),
                Body=telling(data),
                ContentMD5=base64.b64encode(digest.digest()).decode(),
                **self._on_write,
                **wanted,
            ),
            len(data),
        )
        return str(answer.get("ETag", "")).strip('"') == digest.hexdigest()

    def write_file(self, name: str, source: Path, size: int) -> None:
        """Sends a file, in several parts when it is large; one that was interrupted goes on where it stopped."""
        if size <= 2 * PART:
            self.write(name, source.read_bytes(), exclusive=False)
            return
        at = self._at(name)
        begun = self.ask(begun_upload(self._fs._call_s3, self._bucket, at["Key"], below(self._root, "")))
        self.ask(send_in_parts(self._fs._call_s3, at, source, begun, self._on_write), size)

    def delete(self, names: Sequence[str]) -> None:
        """Removes files, a thousand with each request where the store can do that."""
        if len(names) > 1:
            try:
                for start in range(0, len(names), 1000):
                    self._delete_many(names[start : start + 1000])
                return
            except Exception as error:
                if not any(boto_code(each) in _NO_BULK for each in causes(error)):
                    raise
        self.ask(for_each(names, lambda name: self._fs._call_s3("delete_object", **self._at(name))))

    def _delete_many(self, names: Sequence[str]) -> None:
        keys = [{"Key": self._at(name)["Key"]} for name in names]
        answer = self.ask(
            self._fs._call_s3("delete_objects", Bucket=self._bucket, Delete={"Objects": keys, "Quiet": True})
        )
        for each in answer.get("Errors", []):
            if each.get("Code") != "NoSuchKey":
                raise PermissionError(f"{each.get('Key')}: {each.get('Message') or each.get('Code')}")

    async def _got(self, name: str, range_: Mapping[str, str], listens: Listener | None = None) -> tuple[bytes, bool]:
        answer = await self._fs._call_s3("get_object", **self._at(name), **range_)
        async with answer["Body"] as body:
            data = bytes(await body.read()) if listens is None else await _read_telling(body, listens)
        length = answer.get("ContentLength")
        if length is not None and length != len(data):
            raise ConnectionError(f"{len(data)} of {length} bytes came")
        # rclone gives a part with status 200.
        return data, bool(answer.get("ContentRange")) or answer["ResponseMetadata"]["HTTPStatusCode"] == 206

    def _at(self, name: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": below(self._root, name)}


async def _read_telling(body: Any, listens: Listener) -> bytes:
    data = bytearray()
    while piece := await body.read(_PIECE):
        data += piece
        listens(len(data))
    return bytes(data)


def explain(error: BaseException) -> Problem | None:
    """Gives what S3's error codes and botocore's exceptions mean."""
    for each in causes(error):
        code = boto_code(each)
        if code is not None and (found := _of_code(code, each)) is not None:
            return found
        names = class_names(each)
        if names & {"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "SSOError"}:
            return Problem(
                Outcome.FAILED,
                f"there are no credentials for it ({each})",
                "`aws configure`, AWS_PROFILE, or `dvcx remote modify --local NAME secret_access_key -`; "
                "public buckets need `anon true`",
            )
        if names & {"UnauthorizedSSOTokenError", "TokenRetrievalError", "SSOTokenLoadError"}:
            return Problem(Outcome.FAILED, "the sign-in has expired", "`aws sso login` signs in again")
        if "ProfileNotFound" in names:
            return Problem(Outcome.FAILED, str(each), "see `aws configure list-profiles`, or change `profile`")
        if names & {"ParamValidationError", "InvalidEndpointURLError", "UnknownRegionError"} or (
            isinstance(each, ValueError) and "Invalid endpoint" in str(each)
        ):
            return Problem(Outcome.FAILED, str(each), "check the URL and the options of the remote")
    return None


def _of_code(code: str, error: BaseException) -> Problem | None:
    """Gives what an S3 error code means; the codes are those of AWS, which the others use too."""
    status = status_of(error)
    if code in ("NoSuchKey", "404"):
        return Problem(Outcome.NOT_THERE, "it is not there")
    if code == "NoSuchBucket":
        return Problem(
            Outcome.FAILED, _NO_SUCH_BUCKET, "check the name, the account and `endpoint_url`, or make the bucket"
        )
    if code in ("PreconditionFailed", "412"):
        return Problem(Outcome.ALREADY_THERE, "it is there already")
    if code in ("ConditionalRequestConflict", "OperationAborted"):
        return Problem(Outcome.TRY_AGAIN, "somebody else wrote there at the same moment")
    if code in ("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired"):
        return Problem(
            Outcome.FAILED, "the credentials have expired", "sign in again (`aws sso login`), or get a new token"
        )
    if code == "RequestTimeTooSkewed":
        return Problem(Outcome.FAILED, "the clocks of this computer and the store differ too much", CLOCK_HINT)
    if code in ("AuthorizationHeaderMalformed", "PermanentRedirect", "301", "IllegalLocationConstraintException"):
        region = _region_in(error)
        return Problem(
            Outcome.FAILED,
            f"the bucket is in another region{f': {region}' if region else ''}",
            f"`dvcx remote modify NAME region {region or 'REGION'}`",
        )
    if code in ("InvalidAccessKeyId", "InvalidClientTokenId", "InvalidToken"):
        return Problem(Outcome.FAILED, "the store does not know the access key", "check its id, and `endpoint_url`")
    if code == "SignatureDoesNotMatch":
        return Problem(Outcome.FAILED, "the secret is not that of the access key", "set secret_access_key again")
    if code in ("AccessDenied", "AllAccessDisabled", "AccountProblem", "403", "Forbidden"):
        return Problem(
            Outcome.FAILED,
            "no right to do this (access denied)",
            "a policy of key or bucket has to allow it: s3:GetObject and s3:ListBucket to pull, s3:PutObject to push",
        )
    if code in ("SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequests"):
        return Problem(Outcome.TRY_AGAIN, "the store asks to slow down", None, retry_after_of(error))
    if code in ("BadDigest", "XAmzContentSHA256Mismatch", "IncompleteBody", "RequestTimeout", "InternalError"):
        return Problem(Outcome.TRY_AGAIN, f"what was sent did not arrive whole ({code})", None, retry_after_of(error))
    if code in ("NoSuchUpload", "InvalidPart"):
        return Problem(Outcome.TRY_AGAIN, "somebody else sent or removed the same file at the same moment")
    if code == "QuotaExceeded":
        return Problem(Outcome.FAILED, "the store is full (quota exceeded)", "make room there")
    if code == "InvalidBucketName":
        return Problem(Outcome.FAILED, "a bucket cannot have that name", "check the URL of the remote")
    if status is not None and status >= 500:
        return None  # what every store means by it
    return None


def _region_in(error: BaseException) -> str | None:
    response: Any = getattr(error, "response", {})
    details = response.get("Error", {})
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    found = details.get("Region") or headers.get("x-amz-bucket-region")
    if not found and "expecting '" in str(error):
        found = str(error).partition("expecting '")[2].partition("'")[0]
    return str(found) if found else None


def _arguments(options: Mapping[str, object], patience: float) -> dict[str, Any]:
    """Gives the arguments of the file system that the options mean."""
    arguments: dict[str, Any] = {_ARGUMENTS[name]: value for name, value in options.items() if name in _ARGUMENTS}
    client: dict[str, Any] = {}
    if "region" in options:
        client["region_name"] = options["region"]
    if "ssl_verify" in options:
        client["verify"] = options["ssl_verify"]
    config: dict[str, Any] = {
        "max_pool_connections": CONNECTIONS,
        "connect_timeout": options.get("connect_timeout", 10.0),
        "read_timeout": patience,
        "retries": {"total_max_attempts": 1},
        # Content-MD5 guards what is written; newer checksums are sent in a way that many stores do not know.
        "request_checksum_calculation": "when_required",
        "response_checksum_validation": "when_required",
    }
    # Content-MD5 is signed, and so guards the body: a SHA-256 of it on top costs both sides a third of their time.
    config["s3"] = {"payload_signing_enabled": False}
    if "addressing_style" in options:
        config["s3"]["addressing_style"] = options["addressing_style"]
    elif "endpoint_url" in options:
        config["s3"]["addressing_style"] = "path"  # few of them have names for every bucket
    if "proxy" in options:
        config["proxies"] = {"http": options["proxy"], "https": options["proxy"]}
    arguments["client_kwargs"] = {**client, **_table(options, "client_kwargs")}
    arguments["config_kwargs"] = {**config, **_table(options, "config_kwargs")}
    return arguments


def _table(options: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = options.get(name, {})
    assert isinstance(value, Mapping)
    return value


def _seconds(when: object) -> float | None:
    return when.timestamp() if isinstance(when, datetime) else None
