"""`dvcx why`: what makes a stage stale, from what to what, and in which commit that came."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from dvcx.base.errors import DvcxError
from dvcx.formats.lock_text import MAX_BYTES, parse_lock
from dvcx.formats.params_text import find_param, parse_params
from dvcx.git.files import has_changes
from dvcx.git.history import CommitInfo, FileChange, commits_touching
from dvcx.git.objects import ObjectReader
from dvcx.model.pointer import pointer_path
from dvcx.model.run_record import RunRecord
from dvcx.model.stage import DepKind, Stage
from dvcx.operations.repro_options import Selection
from dvcx.operations.repro_plan import Decision
from dvcx.operations.repro_targets import addresses_of
from dvcx.operations.stage_status import decisions_on
from dvcx.operations.stage_view import StageView, flag_style, open_stages
from dvcx.pipeline.current import plain_value, project_path_of
from dvcx.pipeline.load import load_pipeline
from dvcx.pipeline.source import commit_source
from dvcx.pipeline.staleness import Cause, Reason, differences, same_value
from dvcx.repo.record import Repo, open_state

_MOST_COMMITS = 500
"""So many commits that touched a file are looked at: older ones explain nothing that anybody remembers."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit, for people."""

    sha: str
    author: str
    date: datetime
    subject: str


@dataclass(frozen=True, slots=True)
class Because:
    """One reason. `commit` is the one that brought the change, None when none did or none can be found.

    `uncommitted`: the change is in the working tree only. `made_by` is the stage that makes the dependency.
    """

    reason: Reason
    commit: Commit | None = None
    uncommitted: bool = False
    made_by: str | None = None


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
        because = tuple(self._because(each, fresh=state == "fresh") for each in reasons)
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
                return _commit(commit), old
        return None, None

    def _because(self, reason: Reason, *, fresh: bool) -> Because:
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
        return Because(reason, _commit(found), made_by=maker)

    def _told(self, reason: Reason, commit: CommitInfo | None, maker: str | None = None) -> Because:
        return Because(reason, None if commit is None else _commit(commit), commit is None, maker)

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
        if self._git is None:
            return
        try:
            yield from islice(commits_touching(self._git, paths), _MOST_COMMITS)
        except DvcxError:  # no commit yet
            return

    def _read(self, oid: str | None) -> bytes | None:
        if oid is None or self._git is None:
            return None
        with ObjectReader(self._git, MAX_BYTES) as reader:
            return reader.read(oid)

    def _record_in(self, oid: str | None) -> RunRecord | None:
        try:
            data = self._read(oid)
            return None if data is None else parse_lock(data, self._stage.lock_file).records.get(self._stage.name)
        except DvcxError:
            return None


_MISSING = object()


def _commit(commit: CommitInfo) -> Commit:
    return Commit(commit.sha, commit.author, commit.date, commit.subject)
