"""The fsspec filesystem `dvcx://`: tracked data, of any revision of any project, for every library that takes URLs.

    fsspec.filesystem("dvcx", repo="https://host/team/data.git", rev="v1").ls("data")
    pandas.read_parquet("dvcx://data/t.parquet", storage_options={"rev": "v1"})

It only reads. A path is one in the project; a URL may end in `?rev=...&repo=...&remote=...`, as `dvcx.get_url` gives.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from fsspec.callbacks import DEFAULT_CALLBACK
from fsspec.core import has_magic
from fsspec.spec import AbstractFileSystem
from fsspec.utils import isfilelike

from dvcx.api.files import DataFile
from dvcx.api.views import open_view
from dvcx.base.errors import DvcxError, UsageError
from dvcx.model.tree import EntryKind
from dvcx.operations.git_file import read_git_file
from dvcx.operations.view import IsAFolder, Node, View, ViewOptions
from dvcx.storage.ranges import Bytes, HeldBytes

_QUERY = re.compile(r"\?((?:rev|repo|remote)=.*)\Z", re.DOTALL)
_BLOCK = 8 << 20
_SMALL = 1 << 20
_BATCH = 32 << 20


class DvcxFileSystem(AbstractFileSystem):  # type: ignore[misc]  # fsspec has no types
    """Tracked data as a filesystem.

    `repo` is a folder in a project (None: the current folder) or the address of a Git repository, `rev` any revision
    that Git understands (None: the workspace, or of another repository its HEAD), `remote` the remote to read from
    (None: the default one). With `keep` what is fetched stays in the cache, where `dvcx gc` may take it again.

    What is tracked is looked up once, when the filesystem is made, and again by `invalidate_cache`.
    """

    protocol: ClassVar[str] = "dvcx"
    root_marker: ClassVar[str] = ""
    cachable: ClassVar[bool] = False  # the same arguments mean another project in another folder, or after a commit

    def __init__(
        self,
        repo: str | os.PathLike[str] | None = None,
        rev: str | None = None,
        remote: str | None = None,
        keep: bool = False,
        **storage_options: Any,
    ) -> None:
        super().__init__(repo=repo, rev=rev, remote=remote, keep=keep, **storage_options)
        self._repo = os.path.abspath(os.curdir) if repo is None else os.fspath(repo)
        self._rev, self._options = rev, ViewOptions(remote, keep)
        self._view = open_view(self._repo, rev, self._options)

    @property
    def commit(self) -> str | None:
        """The id of the commit that is read; None for the workspace."""
        return self._view.source.commit

    @property
    def storage_options(self) -> dict[str, Any]:
        """The arguments that make the same filesystem in another process, which may run in another folder."""
        options = self._options
        given = {"repo": self._repo, "rev": self._rev, "remote": options.remote, "keep": options.keep or None}
        return {name: value for name, value in given.items() if value is not None}

    @storage_options.setter
    def storage_options(self, value: object) -> None:
        pass  # fsspec sets what was typed

    @property
    def storage_args(self) -> tuple[()]:
        """Nothing: all arguments are in `storage_options`."""
        return ()

    @storage_args.setter
    def storage_args(self, value: object) -> None:
        pass

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        if isinstance(path, list):
            return [cls._strip_protocol(each) for each in path]
        text = os.fspath(path)
        if text.startswith("dvcx://"):
            text = _QUERY.sub("", text[len("dvcx://") :])
        return text.strip("/")

    @staticmethod
    def _get_kwargs_from_urls(path: str) -> dict[str, str]:
        found = _QUERY.search(path)
        return dict(parse_qsl(found[1])) if found and path.startswith("dvcx://") else {}

    # --- names ------------------------------------------------------------------------------------------------------

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        """Gives name, size (bytes) and type of a path, and its object id; raises `FileNotFoundError`."""
        name = self._strip_protocol(path)
        with _named(path):
            node = self._view.find(name)
        if node is not None:
            return self._info(node)
        data = read_git_file(self._view.source, name)
        if data is None:
            raise _not_found(path)
        return {"name": name, "size": len(data), "type": "file", "id": None, "isexec": False}

    def ls(self, path: str, detail: bool = True, **kwargs: Any) -> list[Any]:
        """Lists a folder, or gives the one file at `path`."""
        node = self._node(path)
        with _named(path):
            nodes = self._view.children(node) if node.entry.is_folder else [node]
        return [self._info(each) for each in nodes] if detail else [each.path for each in nodes]

    def find(
        self, path: str, maxdepth: int | None = None, withdirs: bool = False, detail: bool = False, **kwargs: Any
    ) -> Any:
        """Gives all files below `path`, with `withdirs` the folders too; listings elsewhere are fetched at once."""
        if maxdepth is not None and maxdepth < 1:
            raise ValueError("maxdepth must be at least 1")
        try:
            node = self._node(path)
        except FileNotFoundError:
            return {} if detail else []
        if not node.entry.is_folder:
            return {node.path: self._info(node)} if detail else [node.path]
        with _named(path):
            if not withdirs and maxdepth is None:
                nodes: list[Node] = list(self._view.files(node))
            else:
                nodes = list(self._walk(node, maxdepth, withdirs=withdirs))
        if not detail:
            return sorted(each.path for each in nodes)
        return {each.path: self._info(each) for each in sorted(nodes)}

    def _walk(self, node: Node, depth: int | None, *, withdirs: bool) -> Iterator[Node]:
        if withdirs and node.path:
            yield node
        yield from self._below(node, depth, withdirs=withdirs)

    def _below(self, node: Node, depth: int | None, *, withdirs: bool) -> Iterator[Node]:
        for child in self._view.children(node):
            if not child.entry.is_folder or withdirs:
                yield child
            if child.entry.is_folder and (depth is None or depth > 1):
                yield from self._below(child, None if depth is None else depth - 1, withdirs=withdirs)

    def invalidate_cache(self, path: str | None = None) -> None:
        """Looks up again what is tracked now, and what a branch or tag names."""
        self._view = open_view(self._repo, self._rev, self._options)
        super().invalidate_cache(path)

    def ukey(self, path: str) -> str:
        """Gives a text that is another one when the content is: of a commit the object id."""
        info = self.info(path)
        return str(super().ukey(path)) if self._view.is_live or info["id"] is None else str(info["id"])

    def _node(self, path: str) -> Node:
        with _named(path):
            node = self._view.find(self._strip_protocol(path))
        if node is None:
            raise _not_found(path)
        return node

    def _info(self, node: Node) -> dict[str, Any]:
        entry = node.entry
        info = {
            "name": node.path,
            "size": entry.size,
            "type": "directory" if entry.is_folder else "file",
            "id": self._view.id_text(node),
            "isexec": entry.kind == EntryKind.EXECUTABLE,
        }
        if entry.is_link:
            info |= self._info_of_link(node)
        elif entry.is_folder:
            info["files"] = entry.files
        return info

    def _info_of_link(self, node: Node) -> dict[str, Any]:
        more: dict[str, Any] = {"islink": True, "destination": node.entry.target}
        try:
            led = self._view.followed(node)
        except DvcxError:
            return more | {"type": "other"}
        return more | {"type": "directory" if led.entry.is_folder else "file", "size": led.entry.size}

    # --- bytes ------------------------------------------------------------------------------------------------------

    def _open(self, path: str, mode: str = "rb", block_size: Any = None, **kwargs: Any) -> DataFile:
        if mode != "rb":
            raise _read_only(path)
        return DataFile(self._content(path), self._strip_protocol(path))

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any) -> bytes:
        """Gives the bytes of a file from `start` to `end`; negative ones count from its end."""
        content = self._content(path)
        try:
            return content.read(*_range(start, end, content.size))
        finally:
            content.close()

    def cat_ranges(
        self,
        paths: Sequence[str],
        starts: Any,
        ends: Any,
        max_gap: int | None = None,
        on_error: str = "return",
        **kwargs: Any,
    ) -> list[Any]:
        """Gives the bytes of many ranges; all those of one file with as few requests as that takes."""
        if not isinstance(paths, list):
            raise TypeError("paths must be a list")
        starts = starts if isinstance(starts, list | tuple) else [starts] * len(paths)
        ends = ends if isinstance(ends, list | tuple) else [ends] * len(paths)
        if len(starts) != len(paths) or len(ends) != len(paths):
            raise ValueError("paths, starts and ends differ in length")
        by_path: dict[str, list[int]] = {}
        for number, path in enumerate(paths):
            by_path.setdefault(self._strip_protocol(path), []).append(number)
        found: list[Any] = [b""] * len(paths)
        for path, numbers in by_path.items():
            try:
                content = self._content(path)
                try:
                    ranges = [_range(starts[number], ends[number], content.size) for number in numbers]
                    answers: list[Any] = list(content.read_ranges(ranges))
                finally:
                    content.close()
            except Exception as error:
                if on_error == "raise":
                    raise
                answers = [error] * len(numbers)
            for number, answer in zip(numbers, answers, strict=True):
                found[number] = answer
        return found

    def cat(self, path: Any, recursive: bool = False, on_error: str = "raise", **kwargs: Any) -> Any:
        """Gives whole files: one as bytes, several by their paths; many small ones come with a few requests."""
        paths = self.expand_path(path, recursive=recursive)
        many = len(paths) > 1 or isinstance(path, list) or paths[0] != self._strip_protocol(path)
        if not many or kwargs:
            return super().cat(path, recursive=recursive, on_error=on_error, **kwargs)
        found: dict[str, Any] = dict(self._small([each for each in paths if not self.isdir(each)]))
        for each in paths:
            if each not in found:
                try:
                    found[each] = self.cat_file(each)
                except Exception as error:
                    if on_error == "raise":
                        raise
                    if on_error == "return":
                        found[each] = error
        return {each: found[each] for each in paths if each in found}

    def get(self, rpath: Any, lpath: Any, recursive: bool = False, **kwargs: Any) -> Any:
        """Writes files and folders to local paths, as fsspec has it; see `get_file`."""
        name = self._strip_protocol(rpath) if isinstance(rpath, str) else ""
        is_top = name and "/" not in name and not rpath.endswith("/") and not has_magic(name)
        if is_top and recursive and isinstance(lpath, str) and os.path.isdir(lpath) and self.isdir(name):
            # fsspec takes a folder without another one above for its own content.
            lpath = os.path.join(lpath, name, "")
            rpath = f"{name}/"
        if recursive or isinstance(rpath, list) or has_magic(str(rpath)):
            wanted = self.expand_path(rpath, recursive=recursive, maxdepth=kwargs.get("maxdepth"))
            kwargs["ahead"] = _Ahead(self._view, wanted)
        return super().get(rpath, lpath, recursive=recursive, **kwargs)

    def get_file(
        self,
        rpath: str,
        lpath: Any,
        callback: Any = DEFAULT_CALLBACK,
        outfile: Any = None,
        ahead: _Ahead | None = None,
        **kwargs: Any,
    ) -> None:
        """Writes a file to the local path `lpath`, or into a file object; `ahead` may have its content."""
        if isfilelike(lpath):
            outfile = lpath
        elif self.isdir(rpath):
            os.makedirs(lpath, exist_ok=True)
            return
        held = ahead.take(self._strip_protocol(rpath)) if ahead is not None else None
        content = HeldBytes(held) if held is not None else self._content(rpath)
        try:
            callback.set_size(content.size)
            if outfile is not None:
                _copy(content, outfile.write, callback)
                return
            os.makedirs(os.path.dirname(os.path.abspath(lpath)), exist_ok=True)
            with open(lpath, "wb") as file:
                _copy(content, file.write, callback)
        finally:
            content.close()

    def _content(self, path: str) -> Bytes:
        name = self._strip_protocol(path)
        with _named(path):
            node = self._view.find(name)
            if node is not None:
                return self._view.open(node)
        data = read_git_file(self._view.source, name)
        if data is None:
            raise _not_found(path)
        return HeldBytes(data)

    def _small(self, paths: Sequence[str]) -> dict[str, bytes]:
        nodes = [node for path in paths if (node := self._view.find(path)) is not None and node.entry.is_file]
        small = [node for node in nodes if node.entry.size <= _SMALL]
        return self._view.read_whole(small) if len(small) > 1 else {}

    # --- what it does not do ----------------------------------------------------------------------------------------

    def _refuse(self, path: Any = "", *args: Any, **kwargs: Any) -> Any:
        raise _read_only(path)

    mkdir = makedirs = rmdir = rm_file = _rm = rm = cp_file = mv = touch = pipe_file = put_file = _refuse
    pipe = put = created = modified = _refuse


class _Ahead:
    """The small files among those that are about to be written, fetched many at a time."""

    def __init__(self, view: View, paths: Sequence[str]) -> None:
        self._view = view
        nodes = (view.find(path) for path in paths)
        self._left = {n.path: n for n in nodes if n is not None and n.entry.is_file and n.entry.size <= _SMALL}
        self._held: dict[str, bytes] = {}

    def take(self, path: str) -> bytes | None:
        """Gives the content of a small file, and fetches it with those that come after it when it is not held."""
        if path in self._left:
            batch: list[Node] = []
            size = 0
            for node in list(self._left.values()):
                size += node.entry.size
                if batch and size > _BATCH:
                    break
                batch.append(self._left.pop(node.path))
            self._held |= self._view.read_whole(batch)
        return self._held.pop(path, None)


def _range(start: int | None, end: int | None, size: int) -> tuple[int, int]:
    first = 0 if start is None else start if start >= 0 else max(0, size + start)
    last = size if end is None else end if end >= 0 else size + end
    return first, max(first, last)


def _copy(content: Bytes, write: Callable[[bytes], object], callback: Any) -> None:
    at = 0
    while data := content.read(at, at + _BLOCK):
        write(data)
        at += len(data)
        callback.relative_update(len(data))


@contextmanager
def _named(path: Any) -> Iterator[None]:
    """Turns our errors about names into those that libraries know.

    Only those: data that is missing must not look like a file that does not exist, or zarr would take it for zeros.
    """
    try:
        yield
    except IsAFolder as error:
        raise IsADirectoryError(errno.EISDIR, str(error), os.fspath(path)) from error
    except UsageError as error:
        raise FileNotFoundError(errno.ENOENT, str(error), os.fspath(path)) from error


def _not_found(path: Any) -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, "nothing is tracked under this name", os.fspath(path))


def _read_only(path: Any) -> OSError:
    return OSError(errno.EROFS, "the dvcx filesystem only reads: `dvcx add` stores data", str(path))
