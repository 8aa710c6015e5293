"""`dvcx params diff`: the parameters that differ between two revisions, or since one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dvcx.base.errors import DvcxError, UsageError
from dvcx.formats.metrics_text import flat
from dvcx.model.pipeline import Pipeline
from dvcx.model.stage import DEFAULT_PARAMS, ParamFile
from dvcx.operations.revision_files import RevisionFiles
from dvcx.operations.value_changes import ValueChange, changes_of
from dvcx.pipeline.current import plain_value
from dvcx.pipeline.param_values import ParamValues
from dvcx.repo.record import Repo


@dataclass(frozen=True, slots=True)
class ParamsDiff:
    """What differs between the parameters of two revisions; `problems` tells which files cannot be read, with why."""

    old: str
    new: str
    changes: tuple[ValueChange, ...]
    problems: Mapping[str, str]


def params_diff(
    repo: Repo, old: str | None, new: str | None, paths: Sequence[str] = (), *, deps: bool = False, all_: bool = False
) -> ParamsDiff:
    """Compares the parameters of two revisions (None: the workspace), in `paths` or else in all parameter files.

    These are `params.yaml`, the files that stages depend on and those that `dvcx.yaml` lists. With `deps` only
    parameters that stages depend on count. With `all_` it lists what is equal, too. Raises `NoSuchRevision`, and
    `UsageError` for a path that has no parameters at either.
    """
    problems: dict[str, str] = {}
    before, after = (_values_at(repo, revision, paths, deps, problems) for revision in (old, new))
    for path in paths if not deps else ():
        if path not in before and path not in after and path not in problems:
            where = " or ".join(dict.fromkeys((old or "workspace", new or "workspace")))
            raise UsageError(f"there are no parameters in {path} at {where}", "`dvcx params diff` looks at all files")
    return ParamsDiff(old or "workspace", new or "workspace", tuple(changes_of(before, after, all_=all_)), problems)


def _values_at(
    repo: Repo, revision: str | None, paths: Sequence[str], deps: bool, problems: dict[str, str]
) -> Mapping[str, Mapping[str, Any]]:
    with RevisionFiles(repo, revision) as files:
        reader = ParamValues(files.read)
        found: dict[str, dict[str, Any]] = {}
        for file in _param_files(files.pipeline(), paths, deps=deps):
            try:
                values = {key: plain_value(value) for key, value in reader.of(file).items()}
            except DvcxError as error:
                problems[file.path] = error.message
                continue
            if values:
                found.setdefault(file.path, {}).update(flat(values))
        return found


def _param_files(pipeline: Pipeline, paths: Sequence[str], *, deps: bool) -> Iterator[ParamFile]:
    stages = pipeline.stages.values()
    if deps:
        yield from (file for stage in stages for file in stage.params if not paths or file.path in paths)
        return
    used = [file for stage in stages for file in (*stage.params, *stage.interpolated)]
    listed = [DEFAULT_PARAMS, *(file.path for file in (*pipeline.params, *used))]
    for path in dict.fromkeys(paths or listed):
        yield ParamFile(path, path, None)
