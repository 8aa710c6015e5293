"""Reading small files at a revision: from Git when they are its own, else from the cache; now also from the disk."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from dvcx.base.errors import DvcxError, MissingData
from dvcx.base.files import read_own_file
from dvcx.git.objects import ObjectReader
from dvcx.git.revisions import resolve
from dvcx.manifest.manifest import Manifest, commit_manifest, workspace_manifest
from dvcx.manifest.trees import entry_at, entry_of, files_below
from dvcx.model.pipeline import Pipeline
from dvcx.model.tree import TreeEntry
from dvcx.operations.revision import git_of
from dvcx.operations.stage_view import flag_style
from dvcx.pipeline.load import load_pipeline
from dvcx.pipeline.source import PipelineSource, commit_source, workspace_source
from dvcx.repo.record import Repo, open_cache, tree_loader
from dvcx.storage.cache import Cache

MAX_BYTES = 64 << 20


class RevisionFiles:
    """The files of one revision (a name or commit), or of the workspace for None; a context manager.

    Making one raises `NoSuchRevision`, and `UsageError` for a revision in a project without Git.
    """

    def __init__(self, repo: Repo, revision: str | None, label: str | None = None) -> None:
        self.repo = repo
        self.commit = None if revision is None else resolve(git_of(repo, f"look up {revision!r} in"), revision)
        self.label = label or revision or "workspace"
        self._cache: Cache = open_cache(repo)
        self._load = tree_loader(self._cache)
        self._reader: ObjectReader | None = None
        self.source: PipelineSource
        if self.commit is None:
            self._manifest: Manifest = workspace_manifest(repo.root, repo.git)
            self.source = workspace_source(repo.root, repo.git, self._manifest.pipelines)
        else:
            assert repo.git is not None
            self._manifest = commit_manifest(repo.git, self.commit, repo.prefix, self.label)
            self.source = commit_source(repo.git, self.commit, repo.prefix, self.label)
            self._reader = ObjectReader(repo.git, MAX_BYTES)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cache.close()
        if self._reader is not None:
            self._reader.close()

    def pipeline(self) -> Pipeline:
        """Gives what the `dvcx.yaml` files of the revision declare."""
        return load_pipeline(self.source, flag_style(self.repo))

    def read(self, path: str) -> bytes | None:
        """Gives the content of the file at a project path, None when there is none.

        Raises `MissingData` when it is tracked and its content is not in the cache, and `DvcxError` for what is no
        usable file.
        """
        if self._reader is None:
            try:
                return read_own_file(self.repo.root / path, MAX_BYTES, path)
            except (FileNotFoundError, NotADirectoryError):
                pass
        entry = self._tracked(path)
        if entry is not None:
            return self._cache.read(entry.digest) if entry.is_file and entry.size <= MAX_BYTES else None
        if self._reader is None:
            return None
        where = f"{self.repo.prefix}/{path}" if self.repo.prefix else path
        return self._reader.read(f"{self.commit}:{where}")

    def files_at(self, path: str) -> list[str]:
        """Gives the project paths of the files of a folder of tracked data; of anything else the path itself."""
        if self._reader is None and (self.repo.root / path).is_dir():
            top = self.repo.root / path
            found = (each for each in sorted(top.rglob("*")) if each.is_file())
            return [each.relative_to(self.repo.root).as_posix() for each in found]
        try:
            entry = self._tracked(path)
        except DvcxError:
            entry = None
        if entry is None or not entry.is_folder:
            return [path]
        unread: list[tuple[str, TreeEntry]] = []
        found_files = [name for name, each in files_below(entry, path, self._load, unread=unread) if each.is_file]
        return found_files or [path]

    def _tracked(self, path: str) -> TreeEntry | None:
        owner = self._manifest.owner_of(path)
        if owner is None:
            return None
        inner = path[len(owner) + 1 :]
        try:
            return entry_at(entry_of(self._manifest.pointers[owner]), inner.split("/") if inner else (), self._load)
        except MissingData as error:
            raise MissingData(
                f"the listing of {owner} at {self.label} is not in the cache", f"fetch it with `dvcx pull {owner}`"
            ) from error
