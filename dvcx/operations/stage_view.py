"""The stages of the workspace with all that tells how they are: what they need, their last runs, their present inputs.

Looking runs no command of a stage and takes no lock.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from dvcx.base.errors import MissingData, Refused
from dvcx.base.hashing import Algorithm
from dvcx.manifest.files import pointer_of
from dvcx.manifest.manifest import Manifest, workspace_manifest
from dvcx.manifest.trees import LoadTree, entry_at, entry_of, files_below
from dvcx.model.pipeline import Pipeline
from dvcx.model.run_record import Recorded, RunRecord
from dvcx.model.stage import Dep, DepKind, Stage
from dvcx.model.tree import Tree, TreeEntry
from dvcx.operations.folder_changes import FEW, FolderComparer, changed_pairs
from dvcx.operations.looking import cache_prefix
from dvcx.pipeline.current import Current, Sources, current_inputs, current_outs, project_path_of
from dvcx.pipeline.flags import FlagStyle
from dvcx.pipeline.load import load_pipeline
from dvcx.pipeline.lock_files import LockFiles
from dvcx.pipeline.order import producers, run_order
from dvcx.pipeline.param_values import ParamValues
from dvcx.pipeline.pins import image_digest, package_version
from dvcx.pipeline.present import Present
from dvcx.pipeline.run_log import RunLogs
from dvcx.pipeline.seen_folders import SeenFolders
from dvcx.pipeline.source import workspace_source
from dvcx.pipeline.staleness import UNSEEN, Cause, How, Reason
from dvcx.repo.record import Repo, open_cache, scan_rules, tree_loader
from dvcx.storage.cache import Cache
from dvcx.workspace.scan import Scanned, scan
from dvcx.workspace.state import State

_FOLDERS = (Cause.DEPENDENCY, Cause.OUTPUT)
"""What a folder can be to a stage."""


@dataclass(frozen=True, slots=True)
class StageView:
    """The stages of the workspace. `needs` are by address the addresses and pointer files that each one needs."""

    repo: Repo
    manifest: Manifest
    pipeline: Pipeline
    needs: Mapping[str, tuple[str, ...]]
    locks: LockFiles
    present: Present
    sources: Sources
    cache: Cache
    state: State
    load: LoadTree
    seen: SeenFolders
    comparer: FolderComparer

    def inputs(self, stage: Stage) -> Current:
        """Gives the stage's inputs as they are now."""
        return current_inputs(stage, self.sources)

    def outs(self, stage: Stage) -> tuple[Recorded | None, ...]:
        """Gives the stage's outputs as they are now."""
        return current_outs(stage, self.sources)

    def explained(
        self,
        stage: Stage,
        reasons: Sequence[Reason],
        record: RunRecord | None = None,
        *,
        most: int | None = FEW,
        old_trees: Mapping[bytes, Tree] = {},
    ) -> list[Reason]:
        """Gives the reasons why the stage is not as a run recorded it, the last one unless `record` is another, with
        what changed inside of folders.

        At most `most` files of each are named; `old_trees` are trees of then that are known from elsewhere.
        """
        record = record or self.locks.record(stage)
        if record is None or not any(each.how is How.CHANGED and each.cause in _FOLDERS for each in reasons):
            return list(reasons)
        pairs = changed_pairs(Cause.DEPENDENCY, record.deps, self.inputs(stage).inputs.deps)
        pairs |= changed_pairs(Cause.OUTPUT, record.outs, self.outs(stage))
        path_of = partial(project_path_of, stage.folder)
        return self.comparer.explained(reasons, pairs, path_of, most=most, old_trees=old_trees)

    def trees_at(self, path: str) -> LoadTree:
        """Gives what loads the trees of the folder that lies at a project path, or that is to lie there."""
        return self.comparer.trees_at(path)

    def order(self, addresses: Collection[str] | None = None) -> list[Stage]:
        """Gives the stages at `addresses` and all that they need, each after what it needs; all without addresses."""
        return [self.pipeline.stages[address] for address in run_order(self.needs, addresses)]

    def is_cached(self, stage: Stage, record: RunRecord) -> bool:
        """Tells whether the cache holds all that the stage made in that run, but for what lies in its place already.

        A metric that Git brought, say, need not be in the cache.
        """
        made = (each for out in record.outs for each in out.members or (out,) if each.id is not None)
        return all(self.holds(each) or self._is_in_place(stage, each) for each in made)

    def _is_in_place(self, stage: Stage, recorded: Recorded) -> bool:
        here = self.present.at(project_path_of(stage.folder, recorded.text))
        return here is not None and here.same_content(entry_of_recorded(recorded))

    def holds(self, recorded: Recorded) -> bool:
        """Tells whether the cache holds an output, with all that is below it."""
        if recorded.id is None:
            return False
        entry = entry_of_recorded(recorded)
        if entry.is_file:
            return self.cache.has(entry.digest)
        try:
            files = {each.digest for _, each in files_below(entry, "", self.load) if each.is_file}
        except MissingData:
            return False
        return not self.cache.missing(files)

    def close(self) -> None:
        """Saves what was learned of files, as a hint for later commands."""
        self.state.close()
        self.cache.close()


def open_stages(repo: Repo, environment: Mapping[str, str], state: State, *, far: bool = False) -> StageView:
    """Reads the pipeline and the locks of the workspace. `environment` is where `env:` dependencies are looked up.

    With `far` dependencies at URLs are asked for, else they count as they were.

    Raises `DvcxError` for a pipeline whose graph is not one: cycles, outputs that two stages claim.
    """
    manifest = workspace_manifest(repo.root, repo.git)
    return stages_of(repo, environment, manifest, open_cache(repo), state, far=far)


def stages_of(
    repo: Repo, environment: Mapping[str, str], manifest: Manifest, cache: Cache, state: State, *, far: bool = False
) -> StageView:
    """Does what `open_stages` does for the workspace's manifest, with a cache and state that are open already."""
    source = workspace_source(repo.root, repo.git, manifest.pipelines)
    pipeline = load_pipeline(source, flag_style(repo))
    pointers = [path for path, pointer in manifest.pointers.items() if pointer.stage is None]
    load = tree_loader(cache)
    present = Present(repo.root, state, lambda path: look_through_links(repo, cache, state, path))
    sources = Sources(
        algorithm=repo.algorithm,
        entry=present.at,
        outside=lambda path: _outside(repo, path),
        tracked=lambda path: tracked_entry(manifest, path, load),
        matching=present.matching,
        value=_values(repo, environment, far=far),
        params=ParamValues(source.read).of,
    )
    seen = SeenFolders(repo.worktree_dir / "seen", repo.algorithm)
    return StageView(
        repo=repo,
        manifest=manifest,
        pipeline=pipeline,
        needs=producers(pipeline, pointers),
        locks=LockFiles(repo.root),
        present=present,
        sources=sources,
        cache=cache,
        state=state,
        load=load,
        seen=seen,
        comparer=FolderComparer(load, seen, present),
    )


def load_workspace_pipeline(repo: Repo) -> Pipeline:
    """Gives what the `dvcx.yaml` files of the workspace declare."""
    return load_pipeline(workspace_source(repo.root, repo.git), flag_style(repo))


def flag_style(repo: Repo) -> FlagStyle:
    """Gives how this project's commands take mappings as flags."""
    return FlagStyle(repo.config.parsing.bool, repo.config.parsing.list)


def entry_of_recorded(recorded: Recorded) -> TreeEntry:
    """Gives the entry of a recorded file or folder."""
    return entry_of(pointer_of(recorded))


def look_through_links(repo: Repo, cache: Cache, state: State, path: str) -> Scanned | None:
    """Gives what lies at a project path; what links lead to counts, since that is what a command reads."""
    rules = replace(scan_rules(repo, follow_links=True), looking=True)
    scanned = scan(repo.root, path, state, rules, cache_prefix=cache_prefix(cache))
    if scanned is None and os.path.exists(repo.root / path):  # it lies behind a link
        real = os.path.realpath(repo.root / path)
        inside = os.path.relpath(real, repo.root)
        if inside.startswith(".."):
            entry = _outside(repo, real)
            return None if entry is None else Scanned(entry)
        return scan(repo.root, inside, state, rules, cache_prefix=cache_prefix(cache))
    return scanned


def tracked_entry(manifest: Manifest, path: str, load: LoadTree) -> TreeEntry | None:
    """Gives what a pointer or lock says of a path that is not in the workspace; None when nothing can be told."""
    owner = manifest.owner_of(path)
    if owner is None:
        return None
    inner = path[len(owner) + 1 :]
    try:
        return entry_at(entry_of(manifest.pointers[owner]), inner.split("/") if inner else (), load)
    except MissingData:
        return None


def _outside(repo: Repo, path: str) -> TreeEntry | None:
    """Gives what lies at an absolute path, which may be anywhere; a state of its own knows it."""
    state = State(repo.worktree_dir / "outside.db")
    rules = replace(scan_rules(repo, follow_links=True), looking=True, ignoring=False)
    scanned = scan(Path("/"), os.path.realpath(path).lstrip("/"), state, rules)
    state.close()
    return None if scanned is None else scanned.entry


def run_logs(repo: Repo) -> RunLogs:
    """Gives the logs of the stages of this worktree."""
    return RunLogs(repo.worktree_dir / "logs")


def _version_of(repo: Repo, url: str) -> str:
    """Gives the version of what is at a URL: the store's own tag for a file, else the hash of all that it says."""
    if url.startswith("ds://"):
        raise Refused(
            f"{url} is a dataset in the sense of DVC, which dvcx cannot ask for its version",
            "bring its data in with `dvcx import` or `dvcx import-url`, and depend on that",
            [url],
        )
    from dvcx.operations.outside import open_place  # loads the stores, which few pipelines need

    version = open_place(url, repo.root, repo).look().version()
    tag = version.get("etag")
    if isinstance(tag, str):
        return tag
    text = json.dumps(version, sort_keys=True, default=str)
    return f"{repo.algorithm.name}:{repo.algorithm.of(text.encode()).hex()}"


def _values(repo: Repo, environment: Mapping[str, str], *, far: bool) -> Callable[[Dep], str | None]:
    def value(dep: Dep) -> str | None:
        if dep.kind is DepKind.ENV:
            text = environment.get(dep.path)
            return None if text is None else hidden(dep.path, text, repo.algorithm)
        if dep.kind is DepKind.PACKAGE:
            return package_version(dep.path, environment)
        if dep.kind is DepKind.IMAGE:
            return image_digest(dep.path, environment)
        return _version_of(repo, dep.path) if far else UNSEEN

    return value


def hidden(name: str, text: str, algorithm: Algorithm) -> str:
    """Gives what is recorded of a variable: a hash, since variables hold secrets and the record goes into Git."""
    return f"{algorithm.name}:{algorithm.of(f'{name}={text}'.encode('utf-8', 'surrogateescape')).hex()}"
