"""`dvcx get`: write data of another project, at any of its revisions, to a place of one's own; nothing is tracked."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from dvcx.base.errors import DamagedData, Refused, UsageError, shown
from dvcx.base.files import closing, sync_directory, sync_filesystem, write_all
from dvcx.base.links import LinkType
from dvcx.base.moving import exists_at, move, rename_new
from dvcx.base.progress import SILENT, Progress, task
from dvcx.base.scratch import scratch_folder
from dvcx.base.text import counted
from dvcx.model.tree import EntryKind, TreeEntry
from dvcx.operations.git_file import read_git_file
from dvcx.operations.take_in import take_in
from dvcx.operations.view import Node, View, ViewOptions
from dvcx.repo.foreign import open_foreign
from dvcx.storage.cache import Cache, CacheSettings
from dvcx.workspace.staging import Stager

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_SCRATCH = ".dvcx-get"


@dataclass(frozen=True, slots=True)
class GetResult:
    """What was written: where, `size` in bytes, number of files (None for a file), and what it is.

    `commit` is that of the other project, `id` the object's; None for what only Git tracks there.
    """

    path: str
    source: str
    source_path: str
    commit: str | None
    id: str | None
    size: int
    files: int | None


@dataclass(frozen=True, slots=True)
class GetOptions:
    """How to get: see `dvcx get --help`."""

    revision: str | None = None
    out: str | None = None
    remote: str | None = None
    force: bool = False


def get(
    source: str,
    path: str,
    directory: Path,
    environ: Mapping[str, str],
    options: GetOptions | None = None,
    progress: Progress = SILENT,
) -> GetResult:
    """Writes `path` of the project `source` into `directory`, or to `options.out`; needs no project here.

    Raises `UsageError` where nothing is tracked there, `Refused` when something is in the way and `force` is not set,
    and as `take_in`. Either all of it is there at the end, or nothing.
    """
    options = options or GetOptions()
    path = os.path.normpath(path).strip("/")
    view = View(open_foreign(source, options.revision, directory, environ, path), ViewOptions(remote=options.remote))
    target = target_of(options.out, path, directory)
    inner = view.source.path
    with placing(target, force=options.force) as scratch:
        node = view.find("" if inner == "." else inner)
        if node is not None and node.entry.digest:
            write_node(view, node, scratch, target.name, progress)
            files = node.entry.files if node.entry.is_folder else None
            return GetResult(
                str(target), view.source.url, path, view.source.commit, view.id_text(node), node.entry.size, files
            )
        data = read_git_file(view.source, inner)
        if data is None:
            raise view.not_tracked(inner)
        with closing(os.open(scratch / target.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)) as fd:
            write_all(fd, data)
        return GetResult(str(target), view.source.url, path, view.source.commit, None, len(data), None)


def target_of(out: str | None, name: str, directory: Path) -> Path:
    """Gives where to write what is called `name`: at `out`, inside it when that is a folder, or in `directory`."""
    base = name.rstrip("/").rpartition("/")[2]
    if not base or base in (".", ".."):
        raise UsageError("the whole project cannot be had at once", "name a file or folder: `dvcx ls REPO` lists them")
    target = directory / out if out is not None else directory / base
    if out is not None and (out.endswith("/") or target.is_dir()):
        target = target / base
    return Path(os.path.realpath(target.parent)) / target.name


@contextmanager
def placing(target: Path, *, force: bool) -> Iterator[Path]:
    """Gives a folder in which the block makes something called `target.name`; after it that gets its place.

    Raises `Refused` when something is there already and `force` is not set, `UsageError` when its folder is not.
    """
    if not target.parent.is_dir():
        raise UsageError(f"the folder {target.parent} does not exist", f"make it: `mkdir -p {target.parent}`")
    if os.path.lexists(target) and not force:
        raise _in_the_way(target)
    with _scratch_beside(target) as scratch:
        try:
            yield scratch
            sync_filesystem(scratch)
            with closing(os.open(scratch, _FOLDER)) as work, closing(os.open(target.parent, _FOLDER)) as folder:
                if force and exists_at(folder, target.name):
                    move(folder, target.name, work, ".replaced", durable=False)
                try:
                    rename_new(work, target.name, folder, target.name)
                except FileExistsError:
                    raise _in_the_way(target) from None
            sync_directory(target.parent)
        finally:
            _make_removable(scratch)


@contextmanager
def _scratch_beside(target: Path) -> Iterator[Path]:
    folder = target.parent / _SCRATCH
    try:
        with scratch_folder(folder) as scratch:
            yield scratch
    finally:
        with suppress(OSError):  # another one is at work there
            folder.rmdir()


def _in_the_way(target: Path) -> Refused:
    return Refused(
        f"{target} exists already",
        "write it elsewhere (`-o PATH`, or OUT of `dvcx get-url`), or replace it with --force",
        [str(target)],
    )


def _make_removable(scratch: Path) -> None:
    for folder, _, _ in os.walk(scratch):
        os.chmod(folder, 0o700)


def write_node(view: View, node: Node, scratch: Path, name: str, progress: Progress = SILENT) -> None:
    """Writes a file or folder of a view into `scratch` under `name`, verified; raises as `take_in`."""
    wanted = [view.followed(node)] if node.entry.is_link else [node]
    entry = wanted[0].entry
    cache, links = view.cache, [LinkType.REFLINK]
    if not _is_all_here(view, wanted[0]):
        settings = CacheSettings(durability="fast")
        cache, links = Cache(scratch / ".cache", view.repo.algorithm, settings), [LinkType.HARDLINK]
        take_in(view, wanted, cache, progress)
    staging = scratch / ".staged"
    staging.mkdir()
    stager = Stager(cache, staging, links)
    staged = stager.add(name, entry, view.tree)
    with task(progress, "writing", entry.files, "files") as running:
        stager.write(running.advance)
    cache.close()
    if stager.damaged:
        names = sorted(path for path, _ in stager.damaged)
        raise DamagedData(
            f"{counted(len(names), 'file is', 'files are')} damaged in the cache of {view.source.url}: {shown(names)}",
            "its owners mend it with `dvcx fsck --repair`",
        )
    if cache is not view.cache:
        _own(Path(staged.place), entry, view)
    os.rename(staged.place, scratch / name)


def _is_all_here(view: View, node: Node) -> bool:
    files = [file for file in view.files(node) if file.entry.is_file]
    return not view.cache.missing({file.entry.digest for file in files})


def _own(place: Path, entry: TreeEntry, view: View) -> None:
    """Gives files that were links into a cache about to go the mode of new files."""
    probe = place.with_name("probe")
    with closing(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)) as fd:
        mode = os.fstat(fd).st_mode & 0o777  # 0666 less the umask, which cannot be asked for without changing it
    probe.unlink()
    waiting = [(place, entry)]
    while waiting:
        path, each = waiting.pop()
        if each.is_folder:
            waiting += [(path / child.name, child) for child in view.tree(each.digest).entries]
        elif each.kind == EntryKind.FILE:
            os.chmod(path, mode)
