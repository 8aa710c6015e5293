"""`dvcx why`: what makes a stage stale, from what to what, and in which commit that came."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from dvcx.base.errors import DvcxError
from dvcx.formats.lock_text import parse_lock
from dvcx.formats.params_text import find_param, parse_params
from dvcx.git.files import has_changes
from dvcx.git.history import CommitInfo, FileChange
from dvcx.model.changes import PathChange
from dvcx.model.ids import Kind
from dvcx.model.pointer import pointer_path
from dvcx.model.run_record import RunRecord
from dvcx.model.stage import DepKind, Stage
from dvcx.operations.folder_changes import FEW
from dvcx.operations.git_folders import GitFolders
from dvcx.operations.repro_options import Selection
from dvcx.operations.repro_plan import Decision
from dvcx.operations.repro_targets import addresses_of
from dvcx.operations.stage_outputs import flat
from dvcx.operations.stage_status import decisions_on
from dvcx.operations.stage_view import StageView, flag_style, open_stages
from dvcx.operations.why_files import (
    ChangedFile,
    Commit,
    PointerHistory,
    changed_files,
    commit_of,
    commits,
    commits_of_git_files,
    read_blob,
)
from dvcx.pipeline.current import plain_value, project_path_of
from dvcx.pipeline.load import load_pipeline
from dvcx.pipeline.source import commit_source
from dvcx.pipeline.staleness import Cause, How, Reason, differences, same_value
from dvcx.repo.record import Repo, open_state

_MOST_STATES = 10
"""So many states that a folder of Git's had are compared with the one that a run saw."""


@dataclass(frozen=True, slots=True)
class Because:
    """One reason. `commit` is the one that brought the change, None when none did or none can be found.

    `uncommitted`: the change is in the working tree only. `made_by` is the stage that makes the dependency. `files` are
    all that changed inside a folder, as far as that is known.
    """

    reason: Reason
    commit: Commit | None = None
    uncommitted: bool = False
    made_by: str | None = None
    files: tuple[ChangedFile, ...] = ()


@dataclass(frozen=True, slots=True)
class WhyResult:
    """Why a stage is stale; of one that is up to date, why it ran last.

    `state` is `fresh`, `stale` or `behind`: only stages before it are stale, which `upstream` names. `recorded_in` is
    the commit that recorded the last run, None when that is not committed yet or never was.
    """

    stage: str
    state: str
    because: tuple[Because, ...]
    upstream: tuple[str, ...]
    recorded_in: Commit | None
    ran_before: bool


def why(repo: Repo, target: str, folder: str, environment: Mapping[str, str]) -> tuple[WhyResult, ...]:
    """Explains the stages that `target`, typed in the project folder `folder`, means. Runs nothing, takes no lock.

    Raises `UsageError` for a target that means nothing.
    """
    view = open_stages(repo, environment, open_state(repo))
    try:
        addresses = addresses_of(view.pipeline, target, Selection(folder=folder))
        decisions = {each.stage.address: each for each in decisions_on(view)}
        found = [_Explaining(view, view.pipeline.stages[address]).explain(decisions[address]) for address in addresses]
        return tuple(found)
    finally:
        view.close()


class _Explaining:
    """Looks for the commits behind the reasons of one stage."""

    def __init__(self, view: StageView, stage: Stage) -> None:
        self._view = view
        self._stage = stage
        self._git = view.repo.git
        self._prefix = f"{view.repo.prefix}/" if view.repo.prefix else ""
        self._record = view.locks.record(stage)

    def explain(self, decision: Decision) -> WhyResult:
        """Gives why the stage is as it is."""
        upstream = [each.name for each in decision.reasons if each.cause is Cause.UPSTREAM]
        reasons = [each for each in decision.reasons if each.cause is not Cause.UPSTREAM]
        recorded_in, before = self._last_run()
        state = "stale" if reasons else "behind" if upstream else "fresh"
        if state == "fresh" and self._record is not None:
            reasons = differences(before, self._record) if before is not None else [Reason(Cause.NEW)]
        seen = before if state == "fresh" else self._record
        because = tuple(map(self._because, self._explained(reasons, seen, recorded_in)))
        names = tuple(name for each in upstream for name in each.split(", "))
        return WhyResult(self._stage.address, state, because, names, recorded_in, self._record is not None)

    def _last_run(self) -> tuple[Commit | None, RunRecord | None]:
        """Gives the commit that recorded the last run, None when none did yet, and the record before that."""
        if self._record is None:
            return None, None
        for commit, change in self._changes_of(self._stage.lock_file):
            old, new = (self._record_in(oid) for oid in (change.old, change.new))
            if new != self._record:
                return None, new  # the last run is in the working tree only
            if old != new:
                return commit_of(commit), old
        return None, None

    def _explained(self, reasons: Sequence[Reason], seen: RunRecord | None, recorded_in: Commit | None) -> list[Reason]:
        """Gives the reasons with all that changed inside of folders since the run that recorded `seen`.

        What a folder of Git's was then is looked for in the commits, where nothing here knows it.
        """
        stage, view = self._stage, self._view
        found = view.explained(stage, reasons, seen, most=None)
        if self._git is None or seen is None:
            return list(found)
        folders = GitFolders(self._git, view.repo.prefix, view.repo.algorithm)
        for at, each in enumerate(found):
            old = next((dep for dep in flat(seen.deps) if dep.text == each.name and dep.id is not None), None)
            if each.cause is not Cause.DEPENDENCY or each.how is not How.CHANGED or each.inside or old is None:
                continue
            path = project_path_of(stage.folder, each.name)
            if old.id is not None and old.id.kind is Kind.TREE and view.manifest.owner_of(path) is None:
                trees = folders.trees(path, old.id.digest, self._states(path, recorded_in))
                found[at : at + 1] = view.explained(stage, [each], seen, most=None, old_trees=trees)
        return list(found)

    def _states(self, path: str, recorded_in: Commit | None) -> Iterator[str]:
        """Gives commits in which the folder at `path` may be as the run saw it, the likely ones first."""
        if recorded_in is not None:
            yield recorded_in.sha
        for commit in islice(self._commits([self._prefix + path]), _MOST_STATES):
            yield commit.sha

    def _because(self, reason: Reason) -> Because:
        if reason.inside is None:
            return self._told_of(reason)
        files = self._files(reason, reason.inside.files)
        short = replace(reason, inside=replace(reason.inside, files=reason.inside.files[:FEW]))
        return replace(self._told_of(short), files=files)

    def _files(self, reason: Reason, files: Sequence[PathChange]) -> tuple[ChangedFile, ...]:
        """Gives the files that changed inside a folder, each with the commit that brought that."""
        if self._git is None or reason.cause is not Cause.DEPENDENCY:
            return changed_files(files, {})
        view, folder = self._view, self._stage.folder
        path = project_path_of(folder, reason.name)
        owner = view.manifest.owner_of(path)
        if owner is None:
            names = {each.path: self._prefix + project_path_of(folder, each.path) for each in files}
            return changed_files(files, commits_of_git_files(self._git, self._prefix + path, names))
        pointer = view.manifest.pointers[owner]
        where = pointer_path(owner) if pointer.stage is None else self._lock_of(pointer.stage)
        inner = tuple(path[len(owner) + 1 :].split("/")) if path != owner else ()
        history = PointerHistory(self._git, where, owner, inner, reason.name, view.load)
        here = view.sources.entry(path) or view.sources.tracked(path)
        found = history.commits_of([each.path for each in files], here, view.trees_at(path), self._changes_of(where))
        return changed_files(files, found)

    def _lock_of(self, address: str) -> str:
        stage = self._view.pipeline.stages.get(address)
        return stage.lock_file if stage is not None else self._stage.lock_file

    def _told_of(self, reason: Reason) -> Because:
        if self._git is None:
            return Because(reason, made_by=self._maker(reason))
        if reason.cause is Cause.COMMAND:
            return self._of_command(reason)
        if reason.cause is Cause.PARAMETER:
            return self._of_parameter(reason)
        if reason.cause is Cause.DEPENDENCY:
            return self._of_dependency(reason)
        return Because(reason)

    def _of_command(self, reason: Reason) -> Because:
        def command_in(commit: str) -> tuple[str, ...] | None:
            assert self._git is not None
            source = commit_source(self._git, commit, self._view.repo.prefix, commit)
            stage = load_pipeline(source, flag_style(self._view.repo)).stages.get(self._stage.address)
            return None if stage is None else stage.cmd

        wanted = tuple((reason.new or "").split("\n"))
        files = [self._stage.file, *(file.path for file in self._stage.interpolated)]
        found: CommitInfo | None = None
        for commit in self._commits([self._prefix + file for file in dict.fromkeys(files)]):
            if "\n".join(command_in(commit.sha) or ()) != "\n".join(wanted):
                break
            found = commit
        return self._told(reason, found)

    def _of_parameter(self, reason: Reason) -> Because:
        file, _, key = reason.name.rpartition(":")
        path = project_path_of(self._stage.folder, file)

        def value_in(oid: str | None) -> Any:
            try:
                data = self._read(oid)
                return _MISSING if data is None else plain_value(find_param(parse_params(data, path), key))
            except (DvcxError, KeyError):
                return _MISSING

        now = self._view.inputs(self._stage).inputs.params.get(file, {}).get(key, _MISSING)
        return self._told(reason, self._first_with(path, lambda oid: same_value(value_in(oid), now)))

    def _of_dependency(self, reason: Reason) -> Because:
        dep = next((d for d in self._stage.deps if d.text == reason.name), None)
        if dep is not None and dep.kind is not DepKind.FILE:
            return Because(reason)
        path = project_path_of(self._stage.folder, reason.name)
        maker = self._maker(reason)
        owner = self._view.manifest.owner_of(path)
        if owner is not None and self._view.manifest.pointers[owner].stage is None:
            here, said = self._view.sources.entry(path), self._view.sources.tracked(path)
            if here is not None and (said is None or not here.same_content(said)):
                return Because(reason, None, uncommitted=True)
            path = pointer_path(owner)
        elif maker is not None:
            lock = self._view.pipeline.stages[maker].lock_file
            return self._told(reason, next((c for c, _ in self._changes_of(lock)), None), maker)
        assert self._git is not None
        found = next((commit for commit in self._commits([self._prefix + path])), None)
        if found is None or has_changes(self._git, self._prefix + path):
            return Because(reason, None, uncommitted=True, made_by=maker)
        return Because(reason, commit_of(found), made_by=maker)

    def _told(self, reason: Reason, commit: CommitInfo | None, maker: str | None = None) -> Because:
        return Because(reason, None if commit is None else commit_of(commit), commit is None, maker)

    def _first_with(self, path: str, is_so: Callable[[str | None], bool]) -> CommitInfo | None:
        """Gives the commit since which the file at `path` is as it is now in one respect; None when none has it."""
        found: CommitInfo | None = None
        for commit, change in self._changes_of(path):
            if not is_so(change.new):
                break
            found = commit
            if not is_so(change.old):
                break
        return found

    def _maker(self, reason: Reason) -> str | None:
        if reason.cause is not Cause.DEPENDENCY:
            return None
        path = project_path_of(self._stage.folder, reason.name)
        for address in self._view.needs.get(self._stage.address, ()):
            stage = self._view.pipeline.stages.get(address)
            for out in stage.outs if stage is not None else ():
                if path == out.path or path.startswith(f"{out.path}/") or out.path.startswith(f"{path}/"):
                    return address
        return None

    def _changes_of(self, path: str) -> Iterator[tuple[CommitInfo, FileChange]]:
        """Gives the commits that changed one file, newest first, with what they did to it."""
        for commit in self._commits([self._prefix + path]):
            for change in commit.files:
                if change.path == self._prefix + path:
                    yield commit, change

    def _commits(self, paths: Sequence[str]) -> Iterator[CommitInfo]:
        return commits(self._git, paths)

    def _read(self, oid: str | None) -> bytes | None:
        return read_blob(self._git, oid)

    def _record_in(self, oid: str | None) -> RunRecord | None:
        try:
            data = self._read(oid)
            return None if data is None else parse_lock(data, self._stage.lock_file).records.get(self._stage.name)
        except DvcxError:
            return None


_MISSING = object()
