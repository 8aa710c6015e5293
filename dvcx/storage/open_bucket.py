"""From the URL of a remote to its bucket."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from dvcx.base.errors import UsageError
from dvcx.storage.bucket import Bucket
from dvcx.storage.bucket_wrappers import ReadOnlyBucket, RetryingBucket
from dvcx.storage.folder_bucket import FolderBucket
from dvcx.storage.stores.kinds import check_remote_options, kind_of


def open_bucket(url: str, base: Path, options: Mapping[str, object] | None = None, name: str | None = None) -> Bucket:
    """Gives the bucket at `url`; it tries again what fails in passing.

    A path, or a `file://` URL, is a folder; a relative path starts at `base`, and so do files named in options.
    Anything else goes to fsspec, with `options` for the library of that kind of store; kinds that can only be read
    give a read-only bucket. `name` is that of the remote, for hints. Nothing is asked of the store yet. Raises
    `UsageError` for an URL or option that cannot be, `RemoteError` when the store's library is not installed.
    """
    return RetryingBucket(open_bare_bucket(url, base, options, name))


def open_bare_bucket(
    url: str, base: Path, options: Mapping[str, object] | None = None, name: str | None = None
) -> Bucket:
    """Does the same as `open_bucket`, for a bucket that reports each failure at once and does not try again."""
    folder = folder_of(url, base)
    if folder is not None:
        check_remote_options(url, options or {}, base)
        return FolderBucket(folder)
    from dvcx.storage.fsspec_bucket import FsspecBucket  # only such stores pay for fsspec

    bucket = FsspecBucket(url, options, base, name)
    kind = kind_of(url)
    return ReadOnlyBucket(bucket) if kind is not None and kind.read_only else bucket


def folder_of(url: str, base: Path) -> Path | None:
    """Gives the folder that a remote's URL means, or None when it is on another kind of store."""
    if "://" not in url:
        return base / url
    parts = urlsplit(url)
    if parts.scheme.lower() not in ("file", "local"):
        return None
    if parts.netloc not in ("", "localhost"):
        raise UsageError(f"{url} names a host, but a folder is on this machine", "mount it and give its path")
    return Path(unquote(parts.path))
