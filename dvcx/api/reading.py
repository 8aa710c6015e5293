"""Reading tracked files, of any version, of this or any other project."""

from __future__ import annotations

import io
import os
from typing import IO, Literal, overload
from urllib.parse import urlencode

from dvcx.api.files import DataFile, NoSuchFile
from dvcx.api.views import open_view
from dvcx.base.errors import UsageError
from dvcx.git.mirrors import is_git_url
from dvcx.operations.git_file import read_git_file
from dvcx.operations.ls import Listing
from dvcx.operations.ls_view import list_view
from dvcx.operations.view import View, ViewOptions
from dvcx.storage.ranges import Bytes, HeldBytes

Location = str | os.PathLike[str]


@overload
def open(
    path: Location,
    repo: Location | None = None,
    rev: str | None = None,
    mode: Literal["rb"] = "rb",
    *,
    remote: str | None = None,
    keep: bool = False,
) -> DataFile: ...


@overload
def open(
    path: Location,
    repo: Location | None = None,
    rev: str | None = None,
    mode: Literal["r", "rt"] = "r",
    *,
    remote: str | None = None,
    keep: bool = False,
    encoding: str = "utf-8",
    errors: str | None = None,
    newline: str | None = None,
) -> io.TextIOWrapper: ...


def open(
    path: Location,
    repo: Location | None = None,
    rev: str | None = None,
    mode: str = "rb",
    *,
    remote: str | None = None,
    keep: bool = False,
    encoding: str = "utf-8",
    errors: str | None = None,
    newline: str | None = None,
) -> IO[bytes] | IO[str]:
    """Opens a tracked file for reading, in bytes (`rb`) or as text (`r`).

    `path` is relative to the project's root, or absolute. `repo` is a folder in a project (None: the current folder) or
    the address of a Git repository; `rev` any revision that Git understands. Without `rev` a file that lies in the
    workspace is read as it is there. Else the content comes from the cache, or from `remote` (None: the default one);
    of large files only what is read, and with `keep` that stays in the cache. A file that Git itself tracks can be
    opened too.

    Raises `NoSuchFile` (also a `FileNotFoundError`) where there is none, `MissingData` when the content is nowhere,
    `DamagedData` when it is not what its name says, `RemoteError` when a remote fails.
    """
    if mode not in ("rb", "r", "rt"):
        raise UsageError(f"dvcx.open only reads, so not with the mode {mode!r}", "`dvcx.Repo().add` stores data")
    view, name = find_view(path, repo, rev, ViewOptions(remote, keep))
    file = DataFile(content_at(view, name), name)
    return file if mode == "rb" else io.TextIOWrapper(file, encoding=encoding, errors=errors, newline=newline)


@overload
def read(
    path: Location,
    repo: Location | None = None,
    rev: str | None = None,
    mode: Literal["rb"] = "rb",
    *,
    remote: str | None = None,
    keep: bool = False,
) -> bytes: ...


@overload
def read(
    path: Location,
    repo: Location | None = None,
    rev: str | None = None,
    mode: Literal["r", "rt"] = "r",
    *,
    remote: str | None = None,
    keep: bool = False,
    encoding: str = "utf-8",
) -> str: ...


def read(
    path: Location,
    repo: Location | None = None,
    rev: str | None = None,
    mode: Literal["rb", "r", "rt"] = "rb",
    *,
    remote: str | None = None,
    keep: bool = False,
    encoding: str = "utf-8",
) -> bytes | str:
    """Gives the whole content of a tracked file; see `open` for what the arguments mean and what is raised."""
    with open(path, repo, rev, "rb", remote=remote, keep=keep) as file:
        data = file.read()
    return data if mode == "rb" else io.TextIOWrapper(io.BytesIO(data), encoding=encoding).read()


def ls(
    path: Location = "",
    repo: Location | None = None,
    rev: str | None = None,
    *,
    recursive: bool = False,
    remote: str | None = None,
) -> Listing:
    """Lists what is tracked at `path`: what `dvcx ls --json` prints. See `open` for the arguments.

    Listings that are not here are read from the remote. Raises `UsageError` where nothing is tracked, `MissingData`
    when it is not known what a folder holds.
    """
    view, name = find_view(path, repo, rev, ViewOptions(remote))
    return list_view(view, name, recursive=recursive, revision=rev)


def get_url(path: Location, repo: Location | None = None, rev: str | None = None) -> str:
    """Gives a `dvcx://` URL of a tracked file or folder, for anything that reads through fsspec, on any machine.

    With `rev` the URL names the commit, so that it means the same content for ever. There is no URL of the stored bytes
    themselves: they lie in packs, cut into chunks. Raises as `open`.
    """
    view, name = find_view(path, repo, rev, ViewOptions())
    if view.find(name) is None:
        raise no_such_file(view, name)
    names_project = repo is not None or view.source.is_mirror or os.path.isabs(path)
    query = {"repo": view.source.url} if names_project else {}
    if view.source.commit is not None:
        query["rev"] = view.source.commit
    return f"dvcx://{name}?{urlencode(query)}" if query else f"dvcx://{name}"


def content_at(view: View, name: str) -> Bytes:
    """Gives the content of the file called `name`, tracked by dvcx or by Git; raises as `open`."""
    node = view.find(name)
    if node is not None:
        return view.open(node)
    data = read_git_file(view.source, name)
    if data is None:
        raise no_such_file(view, name)
    return HeldBytes(data)


def no_such_file(view: View, name: str) -> NoSuchFile:
    """Gives the error for a name that means nothing in a view, with the one that may be meant."""
    error = view.not_tracked(name)
    return NoSuchFile(error.message, error.hint)


def find_view(path: Location, repo: Location | None, rev: str | None, options: ViewOptions) -> tuple[View, str]:
    """Gives the view that is meant, and the path in its project; raises as `open_view`.

    An absolute path says by itself in which project it is. One in a repository elsewhere starts at its top, and its
    project may begin below that.
    """
    text = os.fspath(path)
    if os.path.isabs(text) and (repo is None or not is_git_url(os.fspath(repo))):
        above, base = os.path.split(text.rstrip(os.sep))
        folder = above
        while not os.path.isdir(folder):
            folder = os.path.dirname(folder)
        view = open_view(folder if repo is None else repo, rev, options)
        name = os.path.relpath(os.path.join(os.path.realpath(above), base), view.repo.root)
        return view, project_name(name)
    name = project_name(text)
    view = open_view(repo, rev, options, name)
    prefix = f"{view.repo.prefix}/"
    return view, name.removeprefix(prefix) if view.source.is_mirror and view.repo.prefix else name


def project_name(path: str) -> str:
    """Gives a path in a project in the form in which it is stored: `/` between folders, none at the ends."""
    text = os.path.normpath(path or ".").replace(os.sep, "/").strip("/")
    return "" if text == "." else text
