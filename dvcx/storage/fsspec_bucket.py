"""A bucket on any store that fsspec reaches: what kinds of stores share; what each does its own way is in `stores`."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum, auto
from pathlib import Path
from typing import Any

from dvcx.base.errors import RemoteError, UsageError
from dvcx.storage.bucket import AlreadyThere, BucketFile, NotThere, Part, Unavailable, label_of, redacted
from dvcx.storage.stores import plain
from dvcx.storage.stores.kinds import check_remote_options, kind_of, require_library
from dvcx.storage.stores.options import check_files
from dvcx.storage.stores.problems import Outcome, Problem, WebPage, is_web_page, usual_problem
from dvcx.storage.stores.store import SendsFiles, Store, as_bytes

_SECRET_OPTION = ("key", "secret", "token", "password", "passphrase", "credential", "sas", "connection_string")
_LOGGERS = ("s3fs", "gcsfs", "adlfs", "fsspec", "botocore", "aiobotocore", "azure", "asyncssh", "httpx", "asyncio")
_OWN = ("dvcx.json", ".pack", ".idx", ".marks")


class _Doing(Enum):
    READING = auto()
    WRITING = auto()


class FsspecBucket:
    """The files below `url`, with `options` for its kind of store; files in them are relative to `base`. See `Bucket`.

    `name` is that of the remote, which hints then tell in their commands. Raises `UsageError` for a kind of URL that
    nobody knows and for an option that it does not have, `RemoteError` when its library is not installed. It does not
    try again what fails in passing.
    """

    def __init__(
        self, url: str, options: Mapping[str, object] | None = None, base: Path = Path(), name: str | None = None
    ) -> None:
        self._name = name
        checked = check_remote_options(url, options or {}, base)
        self._label = label_of(url)
        self._secrets = sorted(_secrets(options or {}), key=len, reverse=True)
        self._kind = kind_of(url)
        for name in _LOGGERS:  # what they log as errors is told by the exception too, in our words
            logging.getLogger(name).addHandler(logging.NullHandler())
        self._store = self._opened(url, checked)

    @property
    def label(self) -> str:
        """How messages call the bucket."""
        return self._label

    def list(self, prefix: str) -> Iterator[BucketFile]:
        """Gives every file whose name starts with `prefix`."""
        with self._typed(prefix, _Doing.WRITING):
            return iter(list(self._store.list(prefix)))

    def stat(self, name: str) -> BucketFile | None:
        """Gives what is known of one file, or None."""
        try:
            with self._typed(name):
                return self._store.stat(name)
        except NotThere:
            return None

    def read(self, name: str) -> bytes:
        """Gives the whole content of a file; raises `NotThere`."""
        with self._typed(name):
            return self._no_page(name, self._store.read(name))

    def read_range(self, name: str, start: int, end: int) -> bytes:
        """Gives the bytes from `start` up to `end`; raises `NotThere`."""
        if start >= end:
            return b""
        with self._typed(name):
            data = self._store.read_range(name, start, end)
            return self._no_page(name, data) if start == 0 else data

    def write(self, name: str, parts: Sequence[Part], *, exclusive: bool = False) -> None:
        """Makes the joined `parts` the content of a file; see `Bucket.write`.

        What the store has is made sure of: by the checksum it tells, else by the size. Where the store cannot write
        exclusively itself, two writers that come at the same moment can both succeed.
        """
        data = as_bytes(parts)
        if exclusive and self.stat(name) is not None:
            raise AlreadyThere(f"{self._label} has a file {name} already")
        with self._typed(name, _Doing.WRITING):
            confirmed = self._store.write(name, data, exclusive=exclusive)
        if confirmed:
            return
        written = self.stat(name)
        if written is None or written.size != len(data):
            raise Unavailable(
                f"{self._label}/{name} was written with {len(data)} bytes but has "
                f"{written.size if written else 'none'}",
                "run the command again",
            )

    def write_file(self, name: str, source: Path) -> None:
        """Makes the content of the file `source` that of a file; see `TakesFiles`. Who calls looks at its size then."""
        if not isinstance(self._store, SendsFiles):
            self.write(name, [source.read_bytes()])
            return
        with self._typed(name, _Doing.WRITING):
            self._store.write_file(name, source, source.stat().st_size)

    def write_unlooked(self, name: str, data: bytes) -> None:
        """Writes exclusively without looking first; see `TriesExclusively`."""
        with self._typed(name, _Doing.WRITING):
            self._store.write(name, data, exclusive=True)

    def write_later(self, name: str, parts: Sequence[Part]) -> None:
        """Does the same as `write`, at once."""
        self.write(name, parts)

    def settle(self) -> None:
        """Has nothing to wait for."""

    def delete(self, names: Iterable[str]) -> None:
        """Removes files; those that are not there are passed over."""
        some = list(names)
        if not some:
            return
        with self._typed(""):
            try:
                self._store.delete(some)
            except FileNotFoundError:
                for name in some:
                    try:
                        self._store.delete([name])
                    except FileNotFoundError:
                        continue

    def _opened(self, url: str, options: Mapping[str, object]) -> Store:
        if self._kind is not None:
            require_library(self._kind)
            check_files(options, self._kind.options or ())
            with self._typed("", _Doing.WRITING):
                return self._kind.open(url, options)
        scheme = url.partition("://")[0].lower()
        if "::" in url:  # a chain of file systems could lead around the kinds that are known here
            raise UsageError(f"{self._label}: a remote cannot be at a URL with ::", "name the store itself")
        try:
            return plain.open_store(url, options)
        except ImportError as error:
            raise RemoteError(
                f"{scheme}:// remotes need a library that is not installed: {self._clean(_one_line(str(error)))}",
                _install_hint(error),
            ) from error
        except (ValueError, TypeError) as error:
            raise UsageError(f"{self._label}: {self._clean(str(error))}", "check the URL of the remote") from error

    @staticmethod
    def _no_page(name: str, data: bytes) -> bytes:
        """Gives `data`, unless it is a web page where a file of ours should be."""
        if name.endswith(_OWN) and is_web_page(data):
            raise WebPage
        return data

    def _clean(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return redacted(text)

    @contextmanager
    def _typed(self, name: str, doing: _Doing = _Doing.READING) -> Iterator[None]:
        try:
            yield
        except UsageError as error:
            raise UsageError(error.message, self._named(error.hint)) from error
        except RemoteError:
            raise
        except Exception as error:  # what a store's library raises is not for us to know
            raise self._translated(error, f"{self._label}/{name}".rstrip("/"), doing) from error

    def _translated(self, error: Exception, where: str, doing: _Doing) -> RemoteError:
        problem = (self._kind.explain(error) if self._kind is not None else None) or usual_problem(error)
        if problem is None:
            reason = str(error) or type(error).__name__
            problem = Problem(Outcome.FAILED, reason, "check the URL, the options and the credentials")
        message = self._clean(f"{where}: {_one_line(problem.message)}")
        if problem.outcome is Outcome.NOT_THERE:
            if doing is _Doing.READING:
                return NotThere(f"{where} is not there")
            return RemoteError(
                f"{self._label}: there is no such place on the store", "check the URL: the bucket or folder must exist"
            )
        if problem.outcome is Outcome.ALREADY_THERE:
            return AlreadyThere(f"{where} is there already")
        if problem.outcome is Outcome.TRY_AGAIN:
            hint = self._named(problem.hint) or "run the command again later"
            return Unavailable(message, hint, problem.retry_after)
        return RemoteError(message, self._named(problem.hint))

    def _named(self, hint: str | None) -> str | None:
        """Gives a hint with the name of the remote in its commands."""
        return hint if hint is None or self._name is None else re.sub(r"\bNAME\b", self._name, hint)


def _install_hint(error: ImportError) -> str:
    """Gives what to type for a library that is missing, as fsspec or Python names it."""
    found = re.search(r"No module named '([\w.-]+)'|[Ii]nstall(?:ing)? ['\"]?([\w.-]+)", str(error))
    name = ((found.group(1) or found.group(2)) if found else error.name or "").partition(".")[0]
    return f"pip install {name}" if name else "install the package that brings this kind of URL to fsspec"


def _one_line(text: str) -> str:
    return " ".join(text.split())[:500]


def _secrets(options: Mapping[str, Any]) -> Iterator[str]:
    """Gives the texts among the options that must not be shown, also inside of tables."""
    for name, value in options.items():
        if isinstance(value, Mapping):
            yield from _secrets(value)
        elif isinstance(value, str) and len(value) > 3 and any(each in name.lower() for each in _SECRET_OPTION):
            if "://" not in value and "/" not in value[:1]:
                yield value
            for part in value.split(";"):  # AccountKey=... of a connection string
                if name == "connection_string" and part.partition("=")[0] in ("AccountKey", "SharedAccessSignature"):
                    yield part.partition("=")[2]
