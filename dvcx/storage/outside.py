"""Files and folders outside of any project, at any URL that fsspec knows: looking at them and downloading them."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dvcx.base.errors import RemoteError, UsageError
from dvcx.base.hashing import checksum
from dvcx.base.paths import check_relative
from dvcx.base.progress import Task
from dvcx.base.workers import workers
from dvcx.formats.export_manifest import NAME
from dvcx.storage.bucket import Unavailable, label_of, redacted
from dvcx.storage.retrying import retried
from dvcx.storage.stores import plain
from dvcx.storage.stores.kinds import check_remote_options, kind_of, require_library
from dvcx.storage.stores.problems import Outcome, usual_problem

_VERSIONS = ("ETag", "etag", "md5Hash", "content_md5", "Content-MD5", "generation", "checksum")
_TIMES = ("LastModified", "last_modified", "mtime", "modified", "updated", "Last-Modified")
_MOST_FILES = 1 << 24
NOT_DATA = frozenset({NAME})
"""Files at the top of a folder that are about it: what `dvcx export` notes is none of what it exported."""
_JOBS = 8
_ATTEMPTS = 4
"""Fewer than with a remote: somebody may have mistyped the address, and waits."""


@dataclass(frozen=True, slots=True)
class OutsideFile:
    """A file: its path below what was looked at ("" for that itself), size in bytes, and what tells its versions apart.

    `etag` is the store's own word for the version; without one `modified` is the time of the last change, as text.
    """

    name: str
    size: int | None
    etag: str | None
    modified: str | None


@dataclass(frozen=True, slots=True)
class Outside:
    """What is at a URL: one file, or a folder of `files`, sorted. `label` is the URL without secrets."""

    label: str
    is_folder: bool
    files: tuple[OutsideFile, ...]

    def version(self) -> dict[str, object]:
        """Gives what a pointer remembers, so that a change is noticed without downloading anything."""
        if not self.is_folder:
            (file,) = self.files
            found: dict[str, object] = {}
            if file.etag is not None:
                found["etag"] = file.etag
            elif file.modified is not None:
                found["modified"] = file.modified
            if file.size is not None:
                found["size"] = file.size
            return found
        lines = [f"{f.name}\0{f.size}\0{f.etag or f.modified or ''}\n" for f in self.files]
        listing = checksum("".join(lines).encode("utf-8", "surrogateescape")).hex()
        return {"files": len(self.files), "listing": f"xxh128:{listing}"}


class OutsidePlace:
    """The file or folder at `url`, a path of this machine when it has no scheme.

    Raises `UsageError` for a kind of URL that nobody knows, `RemoteError` when a library is not installed.
    """

    def __init__(self, url: str, options: Mapping[str, object] | None = None) -> None:
        self.label = label_of(url)
        self._kind = kind_of(url)
        checked = check_remote_options(url, options or {})
        try:
            if self._kind is not None:  # it knows what a host's key and a timeout are, and the right line to install
                require_library(self._kind)
                with self._typed():
                    self._fs, root = self._kind.filesystem(url, checked)
            else:
                self._fs, root = plain.open_filesystem(url, checked)
        except ImportError as error:
            raise RemoteError(
                f"{url.partition('://')[0]}:// URLs need a library that is not installed", redacted(str(error))
            ) from error
        except ValueError as error:
            known = "paths, http://, https://, s3://, gs://, az://, ssh://, webdav:// and remote://NAME/path are known"
            raise UsageError(f"{self.label}: {redacted(str(error))}", known) from error
        except OSError as error:  # some connect as soon as they are opened
            raise self._explained(self.label, error) from error
        self._root = root.rstrip("/") or root

    def look(self) -> Outside:
        """Gives what is there; raises `UsageError` when nothing is, `Refused` for hostile names, `RemoteError`."""
        info, found = retried(self._found, _ATTEMPTS)
        if info.get("type") != "directory":
            return Outside(self.label, False, (_file("", info),))
        files = []
        start = len(self._root.rstrip("/")) + 1
        for path, each in found.items():
            name = path[start:] if path.startswith(self._root) else path.rpartition("/")[2]
            if name in NOT_DATA:
                continue
            check_relative(name, self.label)
            files.append(_file(name, each))
            if len(files) > _MOST_FILES:
                raise RemoteError(f"{self.label} has more than {_MOST_FILES} files", "name a folder inside it")
        return Outside(self.label, True, tuple(sorted(files, key=lambda file: file.name)))

    def list(self) -> list[tuple[OutsideFile, bool]]:
        """Gives what is directly in the folder, each with whether it is a folder, or the one file that is there."""
        entries = retried(self._entries, _ATTEMPTS)
        listed = []
        for info in entries:
            path = str(info["name"]).rstrip("/")
            if path != self._root or info.get("type") != "directory":
                listed.append((_file(path.rpartition("/")[2], info), info.get("type") == "directory"))
        return sorted(listed, key=lambda pair: pair[0].name)

    def download(self, outside: Outside, target: Path, running: Task) -> None:
        """Writes what `look` gave to the new path `target`, several files at a time; raises `RemoteError`."""
        if not outside.is_folder:
            self._download_file(outside.files[0], target, running)
            return
        target.mkdir()
        for folder in sorted({os.path.dirname(file.name) for file in outside.files}):
            (target / folder).mkdir(parents=True, exist_ok=True)
        with workers(_JOBS, "dvcx-get") as pool:
            jobs = [pool.submit(self._download_file, f, target / f.name, running) for f in outside.files]
            for job in jobs:
                job.result()

    def _found(self) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        with self._typed():
            self._fs.invalidate_cache()
            info = self._fs.info(self._root)
            return info, self._fs.find(self._root, detail=True) if info.get("type") == "directory" else {}

    def _entries(self) -> Sequence[Mapping[str, Any]]:
        with self._typed():
            self._fs.invalidate_cache()
            entries: Sequence[Mapping[str, Any]] = self._fs.ls(self._root, detail=True)
            return entries

    def _download_file(self, file: OutsideFile, target: Path, running: Task) -> None:
        def attempt() -> None:
            with self._typed(file.name):
                self._fs.get_file(f"{self._root}/{file.name}" if file.name else self._root, str(target))
            came = target.stat().st_size
            if file.size is not None and came < file.size:
                where = f"{self.label}/{file.name}".rstrip("/")
                raise Unavailable(f"{where}: only {came} of {file.size} bytes came", "run the command again")

        retried(attempt, _ATTEMPTS)
        running.advance(target.stat().st_size)

    @contextmanager
    def _typed(self, name: str = "") -> Iterator[None]:
        where = f"{self.label}/{name}" if name else self.label
        try:
            yield
        except (RemoteError, UsageError):
            raise
        except FileNotFoundError as error:
            raise _not_there(where, error) from error
        except Exception as error:  # what a store's library raises is not for us to know
            raise self._explained(where, error) from error

    def _explained(self, where: str, error: Exception) -> RemoteError | UsageError:
        problem = (self._kind.explain(error) if self._kind is not None else None) or usual_problem(error)
        if problem is not None and problem.outcome is Outcome.NOT_THERE:
            return nothing_at(where)
        reason = redacted(problem.message if problem is not None else str(error) or type(error).__name__)
        hint = (problem.hint if problem is not None else None) or "check the URL, the network and your credentials"
        if problem is not None and problem.outcome is Outcome.TRY_AGAIN:
            return Unavailable(f"{where}: {reason}", hint, problem.retry_after)
        return RemoteError(f"{where}: {reason}", hint)


def _not_there(where: str, error: FileNotFoundError) -> RemoteError | UsageError:
    """Gives what it means that fsspec found nothing: of HTTP it says so of everything that went wrong."""
    cause = error.__cause__
    status = getattr(cause, "status", None)
    problem = usual_problem(cause) if cause is not None else None
    if problem is not None and problem.outcome is Outcome.TRY_AGAIN:
        return Unavailable(f"{where}: {redacted(problem.message)}", problem.hint, problem.retry_after)
    if cause is None or isinstance(cause, FileNotFoundError) or status in (404, 410):
        return nothing_at(where)
    if status in (401, 403):
        return RemoteError(f"{where} may not be read (HTTP {status})", "check your credentials for it")
    reason = redacted(str(cause)) or type(cause).__name__
    return RemoteError(f"{where}: {reason}", "check the URL and the network, and run the command again")


def nothing_at(where: str) -> UsageError:
    """Gives the error for an address, without secrets, at which there is nothing."""
    above = where.rstrip("/").rpartition("/")[0]
    if not above or above.endswith("/"):
        return UsageError(f"there is nothing at {where}", "check the address")
    return UsageError(f"there is nothing at {where}", f"see what there is: `dvcx ls-url {shlex.quote(above)}`")


def _file(name: str, info: Mapping[str, Any]) -> OutsideFile:
    size = info.get("size")
    etag = _first(info, _VERSIONS)
    return OutsideFile(name, int(size) if size is not None else None, etag, _first(info, _TIMES))


def _first(info: Mapping[str, Any], keys: Sequence[str]) -> str | None:
    for key in keys:
        value = info.get(key)
        if isinstance(value, datetime):
            return value.isoformat()
        if isinstance(value, bytes):
            return value.hex()
        if isinstance(value, float):  # seconds since 1970, of files on this machine
            return datetime.fromtimestamp(value, UTC).isoformat()
        if value is not None and value != "":
            return str(value)
    return None
