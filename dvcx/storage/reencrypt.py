"""Encrypting a remote anew: every file that lies under an older data key is written under the newest one.

Files move one by one, the new copy first, so that others read and push meanwhile; what was killed is gone on with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dvcx.base.errors import DamagedData
from dvcx.base.progress import SILENT, Progress, task
from dvcx.base.workers import workers
from dvcx.storage.bucket import NotThere
from dvcx.storage.encrypted_bucket import EncryptedBucket, SealedFile

_COLLECTED = "index/"
"""Files here are taken away by others at any time, and must not come back."""


@dataclass(frozen=True, slots=True)
class Reencryption:
    """What was encrypted anew: files, and bytes of their contents; `damaged` files stayed as they were."""

    files: int
    size: int
    damaged: tuple[str, ...]


def under_older_keys(bucket: EncryptedBucket) -> list[SealedFile]:
    """Gives the files that do not lie under the newest data key."""
    newest = bucket.generation
    return sorted((file for file in bucket.sealed_files() if file.generation < newest), key=lambda file: file.name)


def reencrypt(
    bucket: EncryptedBucket, files: Sequence[SealedFile], jobs: int = 4, progress: Progress = SILENT
) -> Reencryption:
    """Writes `files` under the newest data key and removes the old copies; raises `RemoteError` as the bucket does."""
    done: list[SealedFile] = []
    damaged: list[str] = []
    with (
        task(progress, "encrypting anew", sum(file.size for file in files), "bytes") as shown,
        workers(jobs, "dvcx-rotate") as pool,
    ):
        for file, good in zip(files, pool.map(lambda each: _moved(bucket, each), files), strict=True):
            if good:
                done.append(file)
            else:
                damaged.append(file.name)
            shown.advance(file.size)
    return Reencryption(len(done), sum(file.size for file in done), tuple(damaged))


def _moved(bucket: EncryptedBucket, file: SealedFile) -> bool:
    """Tells whether the file could be moved: what is damaged would look whole under a new key, so it stays."""
    try:
        data = bucket.read_strictly(file)
    except NotThere:
        return True  # collected since it was listed, or moved by another run
    except DamagedData:
        return False
    bucket.write(file.name, [data])
    if file.name.startswith(_COLLECTED) and bucket.inner.stat(file.stored_name) is None:
        bucket.delete([file.name])
    else:
        bucket.inner.delete([file.stored_name])
    return True
