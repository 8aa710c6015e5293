"""`dvcx update`: bring imported data to what its source has now, or look whether there is anything new."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dvcx.base.errors import DamagedData, DvcxError, MissingData, UsageError, shown
from dvcx.base.progress import SILENT, Progress
from dvcx.base.text import counted
from dvcx.manifest.manifest import workspace_manifest
from dvcx.manifest.trees import compare, entry_of
from dvcx.model.changes import Change
from dvcx.model.pointer import Pointer, pointer_path
from dvcx.operations.import_ import ImportOptions, fetch_pointer, place_pointer
from dvcx.operations.import_url import take_url
from dvcx.operations.outside import check_can_be_tracked, look_again
from dvcx.operations.targets import Target, resolve_targets
from dvcx.operations.view import View, ViewOptions
from dvcx.repo.foreign import Foreign, open_foreign
from dvcx.repo.record import Repo, open_cache, tree_loader

_OUTSIDE = ("http://", "https://", "s3://", "s3a://", "gs://", "gcs://", "az://", "abfs://", "abfss://", "remote://")


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file of imported data: `added`, `deleted` or `modified`, with its sizes in bytes before and after."""

    change: str
    path: str
    old_size: int | None
    new_size: int | None


@dataclass(frozen=True, slots=True)
class Updated:
    """Imported data after an update or a look: `unchanged`, `updated`, or with `check` `outdated`.

    `old` and `new` are the versions: commits, or etags and times of URLs. `files` are those that changed in a folder of
    another project, which is known without downloading them; of a URL it is not.
    """

    path: str
    change: str
    source: Mapping[str, object]
    old: str | None
    new: str | None
    files: tuple[ChangedFile, ...]


@dataclass(frozen=True, slots=True)
class PassedOver:
    """Imported data that nobody named and that is updated only when it is: `origin` says where it comes from.

    `why` is `frozen`, or `unnamed` for what is on this machine or reached through it: a pointer from somebody else must
    not have a file of this machine taken into the data unnoticed.
    """

    path: str
    why: str
    origin: str


@dataclass(frozen=True, slots=True)
class UpdateResult:
    """What was updated, or with `check` could be; `changed_files` are those of ours that Git should commit.

    `failed` are the imports that were left as they are although others were updated, each with why. `passed_over` are
    those that were not looked at, because none was named.
    """

    outputs: tuple[Updated, ...]
    changed_files: tuple[str, ...]
    check: bool
    failed: Mapping[str, str]
    passed_over: tuple[PassedOver, ...] = ()

    def problem(self) -> MissingData | None:
        """Gives the error of an update that did not do all, or None."""
        if not self.failed:
            return None
        path, why = next(iter(self.failed.items()))
        count = f"{counted(len(self.failed), 'import')} could not be updated: {shown(list(self.failed))}"
        return MissingData(f"{count}; {path}: {why}", f"`dvcx update {path}` tells what to do", list(self.failed))

    @property
    def is_outdated(self) -> bool:
        """Tells whether a check found anything new."""
        return any(each.change == "outdated" for each in self.outputs)


@dataclass(frozen=True, slots=True)
class UpdateOptions:
    """How to update: see `dvcx update --help`. `revision` moves imports to another branch, tag or commit."""

    revision: str | None = None
    check: bool = False
    remote: str | None = None
    force: bool = False
    download: bool = True


def update(
    repo: Repo,
    paths: Sequence[str],
    environ: Mapping[str, str],
    options: UpdateOptions | None = None,
    progress: Progress = SILENT,
) -> UpdateResult:
    """Brings the imported data at `paths` (all there is when there are none) to what their sources have now.

    Without `paths` what is frozen, and what comes from a place on this machine, is passed over. Raises `UsageError`
    for data that was not imported, `Refused` for changes that nobody saved and frozen data, and as
    `import_data` and `import_url`.
    """
    options = options or UpdateOptions()
    manifest = workspace_manifest(repo.root, repo.git)
    targets = resolve_targets(manifest, paths)
    for target in targets if paths else ():
        if target.pointer.source is None or target.inner:
            raise UsageError(
                f"{target.path} was not imported, so there is nothing to update it from",
                "`dvcx import` and `dvcx import-url` track data of others",
            )
    imports = [target for target in targets if target.pointer.source is not None]
    passed = [] if paths else [each for each in map(_passed_over, imports) if each is not None]
    names = {each.path for each in passed}
    outputs: list[Updated] = []
    files: list[str] = []
    failed: dict[str, str] = {}
    for target in imports:
        if target.path in names:
            continue
        updating = _Updating(repo, target, environ, options, progress)
        try:
            outputs.append(updating.run())
        except DvcxError as error:
            if len(imports) == 1:
                raise
            failed[target.path] = error.message
        files += updating.changed_files
    return UpdateResult(tuple(outputs), tuple(sorted(set(files))), options.check, failed, tuple(passed))


def _passed_over(target: Target) -> PassedOver | None:
    """Gives why an import is left alone as long as nobody names it, or None."""
    source = target.pointer.source or {}
    origin = str(source.get("url") or source.get("repo"))
    if target.pointer.frozen:
        return PassedOver(target.path, "frozen", origin)
    if "repo" not in source and not _text(source, "url", target).lower().startswith(_OUTSIDE):
        return PassedOver(target.path, "unnamed", origin)
    return None


class _Updating:
    """One import that is updated."""

    def __init__(
        self,
        repo: Repo,
        target: Target,
        environ: Mapping[str, str],
        options: UpdateOptions,
        progress: Progress,
    ) -> None:
        self._repo, self._target, self._environ, self._options = repo, target, environ, options
        self._progress = progress
        self._source: Mapping[str, Any] = target.pointer.source or {}
        self.changed_files: tuple[str, ...] = ()

    def run(self) -> Updated:
        """Gives what was done."""
        if "repo" in self._source:
            return self._from_repo(_text(self._source, "repo", self._target), _text(self._source, "path", self._target))
        return self._from_url(_text(self._source, "url", self._target))

    def _from_repo(self, url: str, path: str) -> Updated:
        revision = self._options.revision or self._source.get("rev")
        foreign = open_foreign(url, revision, self._repo.root, self._environ, path)
        old = self._source.get("commit")
        note = {key: value for key, value in self._source.items() if key not in ("rev", "commit")}
        note |= ({"rev": revision} if revision is not None else {}) | {"commit": foreign.commit}
        options = ImportOptions(
            remote=self._options.remote,
            force=self._options.force,
            download=self._options.download and not self._options.check,
        )
        cache = open_cache(self._repo)
        with cache.lock.shared(self._repo.config.core.lock_timeout):
            pointer = fetch_pointer(foreign, self._target.path, cache, self._repo.algorithm, options, self._progress)
            pointer = replace(pointer, source=note)
            files = self._compared(foreign, pointer)
            change = "unchanged" if pointer.same_data(self._target.pointer) else "outdated"
            here = os.path.lexists(self._repo.root / self._target.path) or not options.download
            if not self._options.check and (change == "outdated" or note != self._source or not here):
                done = place_pointer(self._repo, self._target.path, pointer, "update", options, self._progress)
                change, self.changed_files = done.change, done.changed_files
        cache.close()
        return Updated(self._target.path, change, note, old, foreign.commit, files)

    def _compared(self, foreign: Foreign, pointer: Pointer) -> tuple[ChangedFile, ...]:
        """Gives what changed in a folder; nothing when its old listing is not here."""
        old = self._target.pointer
        if not (old.is_folder and pointer.is_folder) or old.id == pointer.id:
            return ()
        view = View(foreign, ViewOptions(remote=self._options.remote))
        load = tree_loader(open_cache(self._repo))
        try:
            load(old.id.digest)
            changes = compare(self._target.path, entry_of(old), entry_of(pointer), load, view.tree)
            return tuple(_changed(change) for change in changes)
        except MissingData:
            return ()

    def _from_url(self, url: str) -> Updated:
        if self._options.revision is not None:
            raise UsageError(f"{self._target.path} comes from a URL, which has no revisions", "leave --rev away")
        check_can_be_tracked(url)
        place, outside, now = look_again(url, self._repo)
        old, new = _version(self._source), _version(now)
        if now == dict(self._source):
            return Updated(self._target.path, "unchanged", now, old, new, ())
        change = "outdated"
        if not self._options.check:
            options = ImportOptions(force=self._options.force)
            done = take_url(self._repo, self._target.path, (place, outside), now, options, "update", self._progress)
            change, self.changed_files = done.change, done.changed_files
        return Updated(self._target.path, change, now, old, new, ())


def _changed(change: Change) -> ChangedFile:
    old, new = change.old, change.new
    return ChangedFile(change.kind.value, change.path, old.size if old else None, new.size if new else None)


def _version(source: Mapping[str, object]) -> str | None:
    for key in ("etag", "listing", "modified", "size"):
        if key in source:
            return str(source[key])
    return None


def _text(source: Mapping[str, object], key: str, target: Target) -> str:
    value = source.get(key)
    if not isinstance(value, str):
        file = pointer_path(target.path)
        raise DamagedData(
            f"{file}: `source` has no `{key}`, so it is not known where the data comes from",
            f"restore the file with `git checkout -- {file}`",
        )
    return value
