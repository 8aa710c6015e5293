"""The kinds of stores, by the scheme of their URLs: the library each needs, its options, how it is opened."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dvcx.base.errors import RemoteError, UsageError
from dvcx.storage.stores.options import Option, checked_options, unknown_option

if TYPE_CHECKING:
    from dvcx.storage.stores.problems import Problem
    from dvcx.storage.stores.store import Store

Explain = Callable[[BaseException], "Problem | None"]


@dataclass(frozen=True, slots=True)
class StoreKind:
    """One kind of store.

    `library` is the module that must be installed, `extra` the one of dvcx that brings it. `options` is None when
    any go. `open` gets the URL and checked options and gives the store; `explain` knows the library's errors.
    """

    name: str
    schemes: tuple[str, ...]
    library: str
    extra: str
    module: str
    read_only: bool = False

    @property
    def options(self) -> Sequence[Option] | None:
        """The options that it takes."""
        options: Sequence[Option] | None = importlib.import_module(self.module).OPTIONS
        return options

    def open(self, url: str, options: Mapping[str, object]) -> Store:
        """Gives the store at `url`."""
        store: Store = importlib.import_module(self.module).open_store(url, options)
        return store

    def filesystem(self, url: str, options: Mapping[str, object]) -> tuple[Any, str]:
        """Gives fsspec's file system for a URL, and the path there."""
        found: tuple[Any, str] = importlib.import_module(self.module).open_filesystem(url, options)
        return found

    def explain(self, error: BaseException) -> Problem | None:
        """Gives what is known of an exception of the library."""
        found: Problem | None = importlib.import_module(self.module).explain(error)
        return found

    @property
    def install(self) -> str:
        """The line to type when the library is missing."""
        return f"pip install 'git-dvcx[{self.extra}]'"

    @property
    def installed(self) -> bool:
        """Whether its library is there; it is not imported."""
        try:
            return importlib.util.find_spec(self.library) is not None
        except (ImportError, ValueError):
            return False


def _kind(name: str, schemes: str, library: str, extra: str, *, read_only: bool = False) -> StoreKind:
    module = f"dvcx.storage.stores.{extra}"
    return StoreKind(name, tuple(schemes.split()), library, extra, module, read_only)


KINDS = (
    _kind("an S3 remote", "s3 s3a", "s3fs", "s3"),
    _kind("a Google Cloud Storage remote", "gs gcs", "gcsfs", "gcs"),
    _kind("an Azure remote", "az abfs abfss", "adlfs", "azure"),
    _kind("an SSH remote", "ssh sftp", "sshfs", "ssh"),
    _kind("a WebDAV remote", "webdav webdavs dav davs", "webdav4", "webdav"),
    _kind("an HTTP remote", "http https", "aiohttp", "http", read_only=True),
)
"""The kinds that dvcx knows well; any other scheme that fsspec knows is `kind_of`'s `None`."""

SCHEMES = tuple(scheme for kind in KINDS for scheme in kind.schemes)


def scheme_of(url: str) -> str:
    """Gives the scheme of a URL in lower case; empty for a path."""
    scheme, mark, _ = url.partition("://")
    return scheme.lower() if mark else ""


def kind_of(url: str) -> StoreKind | None:
    """Gives the kind of store at a URL, or None for a folder or one that dvcx leaves to fsspec."""
    scheme = scheme_of(url)
    return next((kind for kind in KINDS if scheme in kind.schemes), None)


def check_remote_options(url: str, options: Mapping[str, object], base: Path = Path()) -> dict[str, object]:
    """Gives the options of the remote at `url`, checked; the library need not be there. Raises `UsageError`."""
    kind = kind_of(url)
    if kind is None:
        if options and scheme_of(url) in ("", "file", "local"):
            raise unknown_option(next(iter(options)), [], "a folder remote")
        return dict(options)
    known = kind.options
    return dict(options) if known is None else checked_options(options, known, kind.name, base)


def require_library(kind: StoreKind) -> None:
    """Raises `RemoteError` with what to type when the library of a kind of store is not installed."""
    try:
        importlib.import_module(kind.library)
    except ImportError as error:
        raise RemoteError(
            f"{kind.schemes[0]}:// remotes need {kind.library}, which is not installed", kind.install
        ) from error
    except Exception as error:
        raise RemoteError(
            f"{kind.library}, which {kind.schemes[0]}:// remotes need, cannot be imported: {error}", kind.install
        ) from error


def check_place(url: str, path: str, what: str) -> None:
    """Raises `UsageError` when a URL names no `what` (a bucket, a container)."""
    if not path.strip("/"):
        raise UsageError(f"{url} names no {what}", f"write it as {scheme_of(url)}://{what.upper()}/FOLDER")
