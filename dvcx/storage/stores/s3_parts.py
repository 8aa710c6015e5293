"""Sending a large file to S3 in parts, so that one that was interrupted goes on with the parts that are missing.

An upload that was interrupted stays on the store, unseen and paid for. The next one of the same file takes over its
parts, by their MD5; what nobody took over within a week is removed by the next file that is sent in parts anywhere
below the same folder.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from dvcx.base.files import read_exactly
from dvcx.storage.stores.problems import causes, status_of

PART = 8 << 20
"""Bytes of a part; more where a file would have more than `_MOST_PARTS` of them."""
_MOST_PARTS = 10_000
_AT_ONCE = 4
_ABANDONED = 7 * 86_400.0

Call = Callable[..., Awaitable[Any]]
"""Makes a request to S3: the name of the operation, then its arguments."""


class Begun(NamedTuple):
    """An upload that was begun: its id, and when, in Unix seconds."""

    id: str
    when: float


def part_size(size: int) -> int:
    """Gives how many bytes each part of a file of `size` bytes has."""
    return max(PART, -(-size // _MOST_PARTS // PART) * PART)


async def begun_upload(call: Call, bucket: str, key: str, prefix: str, now: float | None = None) -> Begun | None:
    """Gives the newest unfinished upload of `key`, if any; others below `prefix` that are over a week old are removed.

    Where uploads may not be listed there is none.
    """
    found: Begun | None = None
    where: dict[str, str] = {}
    oldest = (time.time() if now is None else now) - _ABANDONED
    while True:
        try:
            page = await call("list_multipart_uploads", Bucket=bucket, Prefix=prefix, **where)
        except Exception as error:
            if _is_refused(error):
                return None
            raise
        for each in page.get("Uploads", []):
            upload = Begun(each["UploadId"], each["Initiated"].timestamp())
            if each["Key"] == key and (found is None or found.when <= upload.when):
                found = upload
            elif upload.when < oldest:
                await call("abort_multipart_upload", Bucket=bucket, Key=each["Key"], UploadId=upload.id)
        if not page.get("IsTruncated") or not page.get("NextKeyMarker"):
            return found
        where = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page.get("NextUploadIdMarker", "")}


async def send_in_parts(
    call: Call, at: Mapping[str, str], source: Path, begun: Begun | None, on_write: Mapping[str, object]
) -> None:
    """Makes the content of the file `source` that of the object `at`; parts that `begun` has already are not sent."""
    held = await _held_parts(call, at, begun.id) if begun is not None else {}
    upload = begun.id if begun is not None and held else None
    if upload is None:
        upload = str((await call("create_multipart_upload", **at, **on_write))["UploadId"])
    gate = asyncio.Semaphore(_AT_ONCE)
    fd = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(fd).st_size
        step = part_size(size)

        async def sent(number: int, start: int) -> dict[str, object]:
            async with gate:
                data = await asyncio.to_thread(read_exactly, fd, min(step, size - start), start)
                digest = hashlib.md5(data, usedforsecurity=False)
                if held.get(number) == (digest.hexdigest(), len(data)):
                    return {"PartNumber": number, "ETag": f'"{digest.hexdigest()}"'}
                answer = await call(
                    "upload_part",
                    **at,
                    UploadId=upload,
                    PartNumber=number,
                    Body=data,
                    ContentMD5=base64.b64encode(digest.digest()).decode(),
                )
                return {"PartNumber": number, "ETag": answer["ETag"]}

        tasks = [asyncio.ensure_future(sent(number, at)) for number, at in enumerate(range(0, size, step), start=1)]
        try:
            parts = await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)  # nobody reads the file any more
    finally:
        os.close(fd)
    # The store compares each part with the ETag named here: another upload of the same key cannot get in between.
    await call("complete_multipart_upload", **at, UploadId=upload, MultipartUpload={"Parts": parts})


async def _held_parts(call: Call, at: Mapping[str, str], upload: str) -> dict[int, tuple[str, int]]:
    """Gives the MD5 and size of each part that an upload has, by number; none when the upload is gone."""
    held: dict[int, tuple[str, int]] = {}
    where: dict[str, int] = {}
    while True:
        try:
            page = await call("list_parts", **at, UploadId=upload, **where)
        except Exception as error:
            if _is_refused(error):
                return {}
            raise
        for each in page.get("Parts", []):
            held[int(each["PartNumber"])] = (str(each["ETag"]).strip('"'), int(each["Size"]))
        if not page.get("IsTruncated") or not page.get("NextPartNumberMarker"):
            return held
        where = {"PartNumberMarker": int(page["NextPartNumberMarker"])}


def _is_refused(error: Exception) -> bool:
    """Tells whether the store does not let its uploads be listed: for want of a right, or since it has none."""
    statuses = [status for each in causes(error) if (status := status_of(each)) is not None]
    return any(status in (400, 403, 404, 405, 501) for status in statuses)
