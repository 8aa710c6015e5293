"""`dvcx get-url`, `dvcx ls-url` and `dvcx import-url`: files and folders from outside of any project."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from dvcx.base.errors import Refused, UsageError
from dvcx.base.progress import SILENT, Progress, task
from dvcx.config.secrets import has_password, is_secret
from dvcx.operations.get import placing, target_of
from dvcx.operations.remotes import remote_config
from dvcx.repo.record import Repo
from dvcx.storage.bucket_place import BucketPlace
from dvcx.storage.open_bucket import open_bucket
from dvcx.storage.outside import Outside, OutsidePlace
from dvcx.storage.stores.kinds import kind_of

_REMOTE = "remote://"
Place = OutsidePlace | BucketPlace


@dataclass(frozen=True, slots=True)
class UrlResult:
    """What was written: where, from which URL (without secrets), `size` in bytes, number of files (None for a file)."""

    path: str
    url: str
    size: int
    files: int | None


@dataclass(frozen=True, slots=True)
class UrlEntry:
    """One line of a listing; `size` is in bytes, None where the store does not say."""

    path: str
    type: str
    size: int | None
    etag: str | None
    modified: str | None


@dataclass(frozen=True, slots=True)
class UrlListing:
    """What is at a URL (without secrets)."""

    url: str
    entries: tuple[UrlEntry, ...]


def get_url(
    url: str,
    out: str | None,
    directory: Path,
    repo: Repo | None = None,
    *,
    force: bool = False,
    progress: Progress = SILENT,
) -> UrlResult:
    """Downloads the file or folder at `url` to `out`, or into `directory`; nothing is tracked.

    `remote://NAME/path` means a remote of the project `repo`, with its options. Raises `UsageError` when there is
    nothing, `Refused` when something is in the way and `force` is not set, `RemoteError` when the store fails.
    """
    place = open_place(url, directory, repo)
    outside = place.look()
    is_named = out is not None and not out.endswith("/") and not (directory / out).is_dir()
    target = target_of(out, out if is_named and out is not None else name_of(url), directory)
    with placing(target, force=force) as scratch:
        size = download(place, outside, scratch / target.name, progress)
    return UrlResult(str(target), place.label, size, len(outside.files) if outside.is_folder else None)


def ls_url(url: str, directory: Path, repo: Repo | None = None, *, recursive: bool = False) -> UrlListing:
    """Lists the file or folder at `url`; raises as `get_url`."""
    place = open_place(url, directory, repo)
    if recursive:
        outside = place.look()
        name = name_of(url)
        files = [UrlEntry(f.name or name, "file", f.size, f.etag, f.modified) for f in outside.files]
        return UrlListing(place.label, tuple(files))
    entries = [
        UrlEntry(f.name, "folder" if is_folder else "file", None if is_folder else f.size, f.etag, f.modified)
        for f, is_folder in place.list()
    ]
    return UrlListing(place.label, tuple(entries))


def download(place: Place, outside: Outside, target: Path, progress: Progress = SILENT) -> int:
    """Downloads what was found at a place to the new path `target` and gives its size in bytes."""
    known = sum(file.size or 0 for file in outside.files)
    with task(progress, f"getting {place.label}", known or None, "bytes") as running:
        place.download(outside, target, running)
    if not outside.is_folder:
        return target.stat().st_size
    return sum((target / file.name).stat().st_size for file in outside.files)


def open_place(url: str, directory: Path, repo: Repo | None) -> Place:
    """Gives what is at `url`; a path starts at `directory`, `remote://NAME/path` at that remote of the project."""
    if url.startswith(_REMOTE):
        if repo is None:
            raise UsageError(
                f"{url} means a remote of a project, and there is none here",
                "run it inside that project, or with `-C FOLDER`",
            )
        name, _, path = url[len(_REMOTE) :].partition("/")
        config = remote_config(repo, name)
        return BucketPlace(open_bucket(config.url, repo.root, config.options, config.name), path)
    if "://" not in url and "::" not in url:
        return OutsidePlace(os.path.normpath(directory / os.path.expanduser(url)))
    kind = kind_of(url)
    if kind is None or kind.read_only:
        return OutsidePlace(url)  # fsspec tells the etags of HTTP servers
    above, _, name = url.rstrip("/").rpartition("/")
    return (
        BucketPlace(open_bucket(url, directory), "")
        if above.endswith("/")
        else BucketPlace(open_bucket(above, directory), name)
    )


def name_of(url: str) -> str:
    """Gives the name of what is at a URL: the last part of its path."""
    path = unquote(urlsplit(url).path) if "://" in url else url
    name = path.rstrip("/").rpartition("/")[2]
    if not name:
        raise UsageError(f"{url} has no name to call it by", f"give it one: `dvcx get-url {shlex.quote(url)} NAME`")
    return name


def check_can_be_tracked(url: str) -> None:
    """Raises `Refused` for a URL with a secret in it: a pointer goes into Git."""
    query = parse_qsl(urlsplit(url).query)
    secrets = [
        key for key, _ in query if is_secret(key.lower()) or "signature" in key.lower() or "token" in key.lower()
    ]
    if has_password(url) or secrets:
        raise Refused(
            "the URL has a secret in it, and the pointer that remembers it goes into Git",
            "set up a remote with the secret (`dvcx remote modify --local NAME ...`) and import `remote://NAME/path`",
        )


def source_of(url: str, directory: Path, repo: Repo) -> str:
    """Gives a URL as a pointer remembers it: a relative path starts at the project's root."""
    if "://" in url or "::" in url or os.path.isabs(url):
        return url
    return os.path.relpath(os.path.realpath(directory / os.path.expanduser(url)), repo.root)


def look_again(url: str, repo: Repo) -> tuple[Place, Outside, Mapping[str, object]]:
    """Gives the place of an imported URL, what is there now, and what a pointer would remember of it."""
    place = open_place(url, repo.root, repo)
    outside = place.look()
    return place, outside, {"url": url, **outside.version()}
