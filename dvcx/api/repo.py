"""A project from Python: what the commands do, with values instead of output."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from dvcx.base.errors import DvcxError
from dvcx.operations import add as adding
from dvcx.operations import checkout as checking_out
from dvcx.operations import commit as committing
from dvcx.operations import diff as diffing
from dvcx.operations import du as measuring
from dvcx.operations import fetch as fetching
from dvcx.operations import freeze as freezing
from dvcx.operations import import_ as importing
from dvcx.operations import init as initialising
from dvcx.operations import ls as listing
from dvcx.operations import move as moving
from dvcx.operations import note as noting
from dvcx.operations import pull as pulling
from dvcx.operations import push as pushing
from dvcx.operations import remove as removing
from dvcx.operations import status as looking
from dvcx.operations import update as updating
from dvcx.operations.import_url import import_url
from dvcx.operations.outside import name_of
from dvcx.operations.selection import Revisions
from dvcx.operations.transfer import TransferOptions
from dvcx.repo.open import open_repo, project_path
from dvcx.repo.record import Repo as Record

Location = str | os.PathLike[str]


Result = TypeVar("Result")


class Repo:
    """The project around the folder `path` (None: the current one).

    Paths are relative to the project's root, or absolute. Each method gives what the command of that name prints with
    `--json`, as a frozen value with the same fields, and raises a `DvcxError` where the command fails; when only a part
    was done, the error's `result` says what. Settings are read anew for every call, so one `Repo` can be kept, and used
    by any number of threads; what changes the project waits for its turn as commands do.
    """

    def __init__(self, path: Location | None = None) -> None:
        self._root = open_repo(Path(path) if path is not None else Path.cwd(), os.environ).root

    @classmethod
    def init(
        cls, path: Location | None = None, *, git: bool = True, subdir: bool = False, hash: str | None = None
    ) -> Repo:
        """Makes the folder `path` a project, or opens it when it is one; see `dvcx init --help`."""
        folder = Path(path) if path is not None else Path.cwd()
        initialising.init(folder, os.environ, with_git=git, subdir=subdir, hash=hash)
        return cls(folder)

    @property
    def root(self) -> Path:
        """The folder of the project."""
        return self._root

    def __repr__(self) -> str:
        return f"dvcx.Repo({str(self._root)!r})"

    def add(
        self,
        *paths: Location,
        commit: bool = True,
        force: bool = False,
        desc: str | None = None,
        follow_links: bool = False,
    ) -> adding.AddResult:
        """Tracks files and folders; see `dvcx add --help`."""
        options = adding.AddOptions(commit=commit, force=force, desc=desc, follow_links=follow_links)
        return adding.add(self._repo(), self._paths(paths), options)

    def commit(self, *paths: Location, force: bool = False) -> committing.CommitResult:
        """Stores what the workspace has for tracked data; see `dvcx commit --help`."""
        return committing.commit(self._repo(), self._paths(paths), force=force)

    def checkout(
        self,
        *paths: Location,
        force: bool = False,
        relink: bool = False,
        dry_run: bool = False,
        allow_missing: bool = False,
    ) -> checking_out.CheckoutResult:
        """Makes the workspace what the pointers say; see `dvcx checkout --help`."""
        options = checking_out.CheckoutOptions(force=force, relink=relink, dry_run=dry_run)
        result = checking_out.checkout(self._repo(), self._paths(paths), options)
        return _whole(result, result.problem(allow_missing=allow_missing))

    def status(self, *paths: Location, remote: str | None = None) -> looking.StatusResult:
        """Tells what differs from the pointers, and with `remote` what that lacks; see `dvcx status --help`."""
        return looking.status(self._repo(), self._paths(paths), remote=remote)

    def diff(
        self, old: str | None = None, new: str | None = None, *paths: Location, remote: str | None = None
    ) -> diffing.DiffResult:
        """Tells what differs between two revisions (None: HEAD, and the workspace); see `dvcx diff --help`."""
        options = diffing.DiffOptions(old=old, new=new, remote=remote)
        result = diffing.diff(self._repo(), self._paths(paths), options)
        return _whole(result, result.problem())

    def push(
        self,
        *paths: Location,
        remote: str | None = None,
        jobs: int | None = None,
        revisions: Iterable[str] = (),
        dry_run: bool = False,
    ) -> pushing.PushResult:
        """Sends what a remote lacks, of the workspace's pointers or of `revisions`; see `dvcx push --help`."""
        options = _transfer(remote, jobs, revisions, dry_run=dry_run)
        result = pushing.push(self._repo(), self._paths(paths), options)
        return _whole(result, result.problem())

    def fetch(
        self,
        *paths: Location,
        remote: str | None = None,
        jobs: int | None = None,
        revisions: Iterable[str] = (),
        dry_run: bool = False,
        allow_missing: bool = False,
    ) -> fetching.FetchResult:
        """Takes data from a remote into the cache; see `dvcx fetch --help`."""
        options = _transfer(remote, jobs, revisions, dry_run=dry_run)
        result = fetching.fetch(self._repo(), self._paths(paths), options)
        return _whole(result, result.problem(allow_missing=allow_missing))

    def pull(
        self,
        *paths: Location,
        remote: str | None = None,
        jobs: int | None = None,
        force: bool = False,
        dry_run: bool = False,
        allow_missing: bool = False,
    ) -> pulling.PullResult:
        """Fetches data from a remote and puts it into the workspace; see `dvcx pull --help`."""
        options = _transfer(remote, jobs, (), dry_run=dry_run)
        result = pulling.pull(self._repo(), self._paths(paths), options, force=force)
        return _whole(result, result.problem(allow_missing=allow_missing))

    def move(self, source: Location, target: Location, *, force: bool = False) -> moving.MoveResult:
        """Renames or moves tracked data; see `dvcx move --help`."""
        return moving.move(self._repo(), *self._paths([source, target]), force=force)

    def remove(self, *paths: Location, outs: bool = False) -> removing.RemoveResult:
        """Stops tracking data, with `outs` also takes it out of the workspace; see `dvcx remove --help`."""
        return removing.remove(self._repo(), self._paths(paths), outs=outs)

    def ls(
        self, path: Location = "", *, rev: str | None = None, recursive: bool = False, remote: str | None = None
    ) -> listing.Listing:
        """Lists what is tracked; see `dvcx ls --help`."""
        (name,) = self._paths([path])
        options = listing.LsOptions(rev, recursive, remote, empty_is_fine=not name)
        result = listing.ls(self._repo(), name, options)
        return _whole(result, result.problem())

    def du(self, path: Location = "", *, rev: str | None = None, remote: str | None = None) -> measuring.Usage:
        """Tells how large tracked data is; see `dvcx du --help`."""
        (name,) = self._paths([path])
        result = measuring.du(self._repo(), name, measuring.DuOptions(rev, False, remote, empty_is_fine=not name))
        return _whole(result, result.problem())

    def freeze(self, *paths: Location) -> freezing.FreezeResult:
        """Guards tracked data against changes by accident; see `dvcx freeze --help`."""
        return freezing.freeze(self._repo(), self._paths(paths))

    def unfreeze(self, *paths: Location) -> freezing.FreezeResult:
        """Stops guarding; see `dvcx unfreeze --help`."""
        return freezing.unfreeze(self._repo(), self._paths(paths))

    def get_notes(self, path: Location) -> noting.Notes:
        """Gives the notes on a pointer, and where imported data comes from; see `dvcx note --help`."""
        (name,) = self._paths([path])
        return noting.note(self._repo(), name)

    def note(
        self,
        path: Location,
        *,
        desc: str | None = None,
        labels: Iterable[str] = (),
        remove_labels: Iterable[str] = (),
        meta: Mapping[str, object] | None = None,
        unset_meta: Iterable[str] = (),
    ) -> noting.Notes:
        """Writes notes on a pointer: adds and removes labels and facts; see `dvcx note --help`."""
        (name,) = self._paths([path])
        edit = noting.NoteEdit(desc, tuple(labels), tuple(remove_labels), dict(meta or {}), tuple(unset_meta))
        return noting.note(self._repo(), name, edit)

    def import_data(
        self,
        source: Location,
        path: str,
        *,
        rev: str | None = None,
        out: Location | None = None,
        remote: str | None = None,
        force: bool = False,
        desc: str | None = None,
    ) -> importing.Imported:
        """Tracks data of another project; a relative `source` starts at the root. See `dvcx import --help`."""
        (target,) = self._paths([out if out is not None else path.rstrip("/").rpartition("/")[2]])
        options = importing.ImportOptions(revision=rev, out=target, remote=remote, force=force, desc=desc)
        return importing.import_data(self._repo(), os.fspath(source), path, self._root, os.environ, options)

    def import_url(
        self, url: str, out: Location | None = None, *, force: bool = False, desc: str | None = None
    ) -> importing.Imported:
        """Downloads a file or folder and tracks it, from the root for a path; see `dvcx import-url --help`."""
        (target,) = self._paths([out if out is not None else name_of(url)])
        options = importing.ImportOptions(out=target, force=force, desc=desc)
        return import_url(self._repo(), url, self._root, options)

    def update(
        self, *paths: Location, rev: str | None = None, check: bool = False, force: bool = False
    ) -> updating.UpdateResult:
        """Brings imported data to what its source has now; see `dvcx update --help`."""
        options = updating.UpdateOptions(revision=rev, check=check, force=force)
        result = updating.update(self._repo(), self._paths(paths), os.environ, options)
        return _whole(result, result.problem())

    def _repo(self) -> Record:
        return open_repo(self._root, os.environ)

    def _paths(self, paths: Sequence[Location]) -> list[str]:
        repo = self._repo()
        return [project_path(repo, os.fspath(path) or ".", self._root) for path in paths]


def _transfer(remote: str | None, jobs: int | None, revisions: Iterable[str], *, dry_run: bool) -> TransferOptions:
    return TransferOptions(remote=remote, jobs=jobs, revisions=Revisions(names=tuple(revisions)), dry_run=dry_run)


def _whole(result: Result, problem: DvcxError | None) -> Result:
    if problem is not None:
        problem.result = result
        raise problem
    return result
