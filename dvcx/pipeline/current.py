"""What a stage depends on and makes as it is at present, in the form in which `dvcx.lock` records it."""

from __future__ import annotations

import math
import posixpath
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from dvcx.base.hashing import Algorithm
from dvcx.model.ids import Kind, ObjectId
from dvcx.model.run_record import Recorded, RunRecord
from dvcx.model.stage import Dep, DepKind, Out, ParamFile, Stage
from dvcx.model.tree import EntryKind, TreeEntry


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the present state of things comes from.

    `entry` gives what lies at a project path, `outside` what lies at an absolute path; `tracked` what a pointer or
    `dvcx.lock` says of data that is not here; `matching` the project paths that a pattern matches; `value` the state of
    what is no file; `params` the values of a file by key, without those that it does not have.
    """

    algorithm: Algorithm
    entry: Callable[[str], TreeEntry | None]
    outside: Callable[[str], TreeEntry | None]
    tracked: Callable[[str], TreeEntry | None]
    matching: Callable[[str], list[str]]
    value: Callable[[Dep], str | None]
    params: Callable[[ParamFile], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Current:
    """A stage as it is now: its `inputs`, which are a record without outputs, and its `outs`.

    `absent` are the dependencies that are nowhere: not in the workspace, and no pointer says what they are.
    `elsewhere` are those that are not in the workspace and known from a pointer or `dvcx.lock`.
    """

    inputs: RunRecord
    outs: tuple[Recorded | None, ...]
    absent: tuple[Dep, ...]
    elsewhere: tuple[Dep, ...]


def current_inputs(stage: Stage, sources: Sources) -> Current:
    """Gives the stage's command, dependencies and parameters as they are now; no outputs are looked at."""
    found: list[Recorded] = []
    absent: list[Dep] = []
    elsewhere: list[Dep] = []
    for dep in stage.deps:
        recorded = _dependency(stage, dep, sources)
        if recorded is None:
            entry = sources.tracked(dep.path) if dep.kind is DepKind.FILE else None
            if entry is None:
                absent.append(dep)
                continue
            elsewhere.append(dep)
            recorded = recorded_entry(lock_text_of(stage, dep.path), entry, sources.algorithm)
        found.append(recorded)
    params: dict[str, dict[str, Any]] = {}
    for file in stage.params:
        values = params.setdefault(lock_text_of(stage, file.path), {})
        values.update((key, plain_value(value)) for key, value in sources.params(file).items())
    deps = {each.text: each for each in found}
    inputs = RunRecord(stage.cmd, tuple(deps[text] for text in sorted(deps)), params)
    return Current(inputs, (), tuple(absent), tuple(elsewhere))


def current_outs(stage: Stage, sources: Sources) -> tuple[Recorded | None, ...]:
    """Gives each output of the stage as it is now, None for one that is not here."""
    return tuple(_output(stage, out, sources) for out in stage.outs)


def recorded_out(stage: Stage, out: Out, found: Mapping[str, TreeEntry], algorithm: Algorithm) -> Recorded:
    """Gives the record of an output from the entries `found` at its project paths: one, or those of a pattern."""
    if out.is_pattern:
        members = [_kept(recorded_entry(lock_text_of(stage, path), found[path], algorithm), out) for path in found]
        return Recorded(
            lock_text_of(stage, out.path), members=tuple(sorted(members, key=lambda each: each.text)), cache=out.cache
        )
    return _kept(recorded_entry(lock_text_of(stage, out.path), found[out.path], algorithm), out)


def recorded_entry(text: str, entry: TreeEntry, algorithm: Algorithm) -> Recorded:
    """Gives the record of a file or folder."""
    kind = Kind.TREE if entry.is_folder else Kind.BLOB
    return Recorded(
        text,
        id=ObjectId(algorithm.name, entry.digest, kind),
        size=entry.size,
        files=entry.files if entry.is_folder else None,
        executable=entry.kind == EntryKind.EXECUTABLE,
    )


def lock_text_of(stage: Stage, path: str) -> str:
    """Gives how the `dvcx.lock` of the stage names a project path, or an absolute one."""
    if not stage.folder or path.startswith("/"):
        return path
    return posixpath.relpath("/" + path, "/" + stage.folder)


def project_path_of(folder: str, text: str) -> str:
    """Gives the project path of what the `dvcx.lock` in `folder` names `text`."""
    return posixpath.normpath(posixpath.join(folder, text)) if folder else text


def plain_value(value: Any) -> Any:
    """Gives a parameter's value as it is written and read back: dates as text, and what is not a number as its name."""
    if isinstance(value, Mapping):
        return {str(key): plain_value(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items: Iterable[Any] = sorted(value, key=repr) if isinstance(value, set | frozenset) else value
        return [plain_value(inner) for inner in items]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _kept(recorded: Recorded, out: Out) -> Recorded:
    if out.cache and out.push and out.remote is None:
        return recorded
    return Recorded(
        recorded.text,
        recorded.id,
        recorded.size,
        recorded.files,
        recorded.executable,
        cache=out.cache,
        push=out.push,
        remote=out.remote,
    )


def _dependency(stage: Stage, dep: Dep, sources: Sources) -> Recorded | None:
    if dep.kind is DepKind.FILE:
        return _files(stage, dep, sources)
    if dep.kind is DepKind.OUTSIDE:
        entry = sources.outside(dep.path)
        return None if entry is None else recorded_entry(dep.path, entry, sources.algorithm)
    return Recorded(dep.text, value=sources.value(dep))


def _files(stage: Stage, item: Dep | Out, sources: Sources) -> Recorded | None:
    text = lock_text_of(stage, item.path)
    if not item.is_pattern:
        entry = sources.entry(item.path)
        return None if entry is None else recorded_entry(text, entry, sources.algorithm)
    found = ((path, sources.entry(path)) for path in sorted(sources.matching(item.path)))
    members = (
        recorded_entry(lock_text_of(stage, path), entry, sources.algorithm)
        for path, entry in found
        if entry is not None
    )
    return Recorded(text, members=tuple(members))


def _output(stage: Stage, out: Out, sources: Sources) -> Recorded | None:
    found = _files(stage, out, sources)
    return None if found is not None and found.members == () else found
