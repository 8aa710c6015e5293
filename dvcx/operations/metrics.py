"""`dvcx metrics`: the metrics that stages made, at any revision, and what differs between two."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dvcx.base.errors import DvcxError, UsageError
from dvcx.formats.metrics_text import parse_metrics
from dvcx.git.history import reachable_commits
from dvcx.git.roots import all_roots
from dvcx.model.pipeline import Pipeline
from dvcx.operations.revision import git_of
from dvcx.operations.revision_files import RevisionFiles
from dvcx.operations.selection import Revisions, below_any
from dvcx.operations.value_changes import ValueChange, changes_of
from dvcx.repo.record import Repo

_SUFFIXES = (".json", ".yaml", ".yml", ".toml", ".csv", ".tsv")


@dataclass(frozen=True, slots=True)
class RevisionMetrics:
    """The metrics of one revision: values by file and name. `problems` tells which files cannot be read, with why."""

    revision: str
    commit: str | None
    files: Mapping[str, Mapping[str, Any]]
    problems: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class MetricsDiff:
    """What differs between the metrics of two revisions; `problems` as in `RevisionMetrics`, for both."""

    old: str
    new: str
    changes: tuple[ValueChange, ...]
    problems: Mapping[str, str]


def metrics_show(repo: Repo, paths: Sequence[str] = (), revisions: Revisions | None = None) -> list[RevisionMetrics]:
    """Gives the metrics of the workspace, and of the revisions asked for, at `paths` (all when there are none).

    Paths that no stage declares are read as files of metrics. Raises `NoSuchRevision`, and `UsageError` for a path
    that has no metrics at any of the revisions.
    """
    found = [metrics_at(repo, None, paths)]
    for label, name in _revisions(repo, revisions or Revisions()):
        each = metrics_at(repo, name, paths, label)
        if each.files or each.problems:
            found.append(each)
    _refuse_without_metrics(paths, found)
    return found


def metrics_diff(repo: Repo, old: str | None, new: str | None, paths: Sequence[str] = (), *, all_: bool) -> MetricsDiff:
    """Compares the metrics of two revisions (None: the workspace); with `all_` it lists what is equal, too.

    Raises `NoSuchRevision`, and `UsageError` for a path that has no metrics at either.
    """
    before, after = (metrics_at(repo, revision, paths) for revision in (old, new))
    _refuse_without_metrics(paths, (before, after))
    changes = changes_of(before.files, after.files, all_=all_)
    return MetricsDiff(before.revision, after.revision, tuple(changes), {**before.problems, **after.problems})


def metrics_at(
    repo: Repo, revision: str | None, paths: Sequence[str] = (), label: str | None = None
) -> RevisionMetrics:
    """Gives the metrics of one revision; raises `NoSuchRevision`."""
    with RevisionFiles(repo, revision, label) as files:
        wanted = list(_metric_paths(files.pipeline(), paths))
        values: dict[str, Mapping[str, Any]] = {}
        problems: dict[str, str] = {}
        for path in dict.fromkeys(inner for each in wanted for inner in files.files_at(each)):
            if path not in wanted and not path.endswith(_SUFFIXES):
                continue  # something else in a folder of metrics
            try:
                data = files.read(path)
                if data is not None:
                    values[path] = parse_metrics(data, path)
            except DvcxError as error:
                problems[path] = error.message
        return RevisionMetrics(files.label, files.commit, values, problems)


def _refuse_without_metrics(paths: Sequence[str], found: Sequence[RevisionMetrics]) -> None:
    present = [path for each in found for path in (*each.files, *each.problems)]
    for path in paths:
        if path and not any(below_any(each, [path]) for each in present):
            where = " or ".join(dict.fromkeys(each.revision for each in found[:3]))
            raise UsageError(
                f"there are no metrics in {path} at {where}", "`dvcx metrics show` lists all that there are"
            )


def _metric_paths(pipeline: Pipeline, paths: Sequence[str]) -> Iterator[str]:
    declared = dict.fromkeys(
        [
            *(out.path for stage in pipeline.stages.values() for out in stage.metrics if not out.is_pattern),
            *(file.path for file in pipeline.metrics),
        ]
    )
    if not paths:
        yield from declared
        return
    yield from (path for path in declared if below_any(path, paths))
    yield from (path for path in paths if not any(below_any(each, [path]) for each in declared))


def _revisions(repo: Repo, revisions: Revisions) -> Iterator[tuple[str, str]]:
    for name in revisions.names:
        yield name, name
    if not (revisions.branches or revisions.tags or revisions.commits):
        return
    git = git_of(repo, "look at")
    for root in all_roots(git):
        for wanted, prefix in ((revisions.branches, "refs/heads/"), (revisions.tags, "refs/tags/")):
            if wanted and root.name.startswith(prefix):
                yield root.name.removeprefix(prefix), root.commit
    if revisions.commits:
        for commit in reachable_commits(git):
            yield commit[:10], commit
