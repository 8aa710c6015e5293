"""`dvcx stage add`: a stage is written into `dvcx.yaml`, in place of one of that name if need be."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from dvcx.base.errors import Refused, UsageError
from dvcx.formats.yaml_values import scalar_value
from dvcx.model.stage import PIPELINE_FILE, stage_address
from dvcx.operations.stage_edit import check_graph, pipeline_with, read_text, write_texts
from dvcx.pipeline.edit import with_stage
from dvcx.pipeline.pipeline_file import read_pipeline_file
from dvcx.repo.record import Repo, workspace_lock

_NAME = re.compile(r"[^\W](?:[\w-]*[\w])?")
_PARAMS_FILE = re.compile(r"(?P<file>[^:]+):(?P<keys>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class NewOut:
    """An output to declare: the `field` that it stands in (`outs`, `metrics`, `plots`) and its flags."""

    path: str
    field: str = "outs"
    cache: bool = True
    persist: bool = False


@dataclass(frozen=True, slots=True)
class NewStage:
    """A stage to declare. Paths are relative to `wdir`, and that to the folder of `dvcx.yaml`.

    `params` are as typed: `lr,model.depth`, `file.yaml:lr,seed`, or `file.yaml:` for all of a file.
    """

    name: str
    cmd: tuple[str, ...]
    deps: tuple[str, ...] = ()
    params: tuple[str, ...] = ()
    outs: tuple[NewOut, ...] = ()
    wdir: str | None = None
    frozen: bool = False
    always_changed: bool = False
    desc: str | None = None
    resources: tuple[str, ...] = ()
    timeout: str | None = None
    retries: int | None = None
    mutex: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StageAdded:
    """What was written: the stage's address, the file, whether a stage of that name stood there before."""

    stage: str
    file: str
    replaced: bool
    changed_files: tuple[str, ...]


def stage_add(repo: Repo, folder: str, stage: NewStage, *, force: bool = False) -> StageAdded:
    """Writes a stage into the `dvcx.yaml` of the project folder `folder`.

    Raises `UsageError` for a stage that cannot be, `Refused` when there is one of that name and `force` is not set or
    the file cannot be edited, `DamagedData` for a file or a graph that cannot be used; nothing is written then.
    """
    if not _NAME.fullmatch(stage.name):
        raise UsageError(f"{stage.name!r} cannot be the name of a stage", "take letters, digits, - and _")
    if not stage.cmd or not all(line.strip() for line in stage.cmd):
        raise UsageError("the stage has no command", "put it at the end: dvcx stage add -n NAME python train.py")
    path = f"{folder}/{PIPELINE_FILE}" if folder else PIPELINE_FILE
    address = stage_address(path, stage.name)
    with workspace_lock(repo).exclusive(repo.config.core.lock_timeout):
        before = read_text(repo, path)
        known = read_pipeline_file(before.encode("utf-8", "surrogateescape"), path).top.get("stages") or {}
        if stage.name in known and not force:
            raise Refused(f"{path} has a stage {stage.name} already", "add --force to replace it, or take another name")
        text = with_stage(before, path, stage.name, stage_fields(stage))
        pipeline = pipeline_with(repo, {path: text})
        for broken in (path, address):
            if broken in pipeline.broken:
                raise pipeline.broken[broken]
        check_graph(repo, pipeline)
        files = write_texts(repo, "stage-add", {repo.root / path: text}) if text != before else ()
    return StageAdded(address, path, stage.name in known, files)


def stage_fields(stage: NewStage) -> dict[str, Any]:
    """Gives a stage as it stands in `dvcx.yaml`, without what is as by default."""
    fields: dict[str, Any] = {
        "desc": stage.desc,
        "cmd": stage.cmd[0] if len(stage.cmd) == 1 else list(stage.cmd),
        "wdir": stage.wdir,
        "deps": sorted(set(stage.deps)),
        "params": _params(stage.params),
        **{field: _outs(stage.outs, field) for field in ("outs", "metrics", "plots")},
        "frozen": stage.frozen,
        "always_changed": stage.always_changed,
        "resources": dict(map(_resource, stage.resources)),
        "timeout": stage.timeout,
        "retries": stage.retries,
        "mutex": list(stage.mutex) if len(stage.mutex) != 1 else stage.mutex[0],
    }
    return {key: value for key, value in fields.items() if value not in (None, False, [], {}, ())}


def _params(words: Sequence[str]) -> list[Any]:
    own: dict[str, None] = {}
    files: dict[str, list[str]] = {}
    for word in words:
        match = _PARAMS_FILE.fullmatch(word)
        if match:
            keys = [key.strip() for key in match["keys"].split(",") if key.strip()]
            files.setdefault(match["file"], []).extend(keys)
        else:
            own.update(dict.fromkeys(key.strip() for key in word.split(",") if key.strip()))
    return [*own, *({file: keys or None} for file, keys in files.items())]


def _outs(outs: Sequence[NewOut], field: str) -> list[Any]:
    return [_out(out) for out in sorted(outs, key=lambda out: out.path) if out.field == field]


def _out(out: NewOut) -> Any:
    flags = dict(_flags(out))
    return {out.path: flags} if flags else out.path


def _flags(out: NewOut) -> Iterator[tuple[str, bool]]:
    if not out.cache:
        yield "cache", False
    if out.persist:
        yield "persist", True


def _resource(word: str) -> tuple[str, Any]:
    name, equals, amount = word.partition("=")
    if not name.strip() or not equals or not amount.strip():
        raise UsageError(f"{word!r} is not a resource", "write NAME=AMOUNT, such as cpu=2 or memory=8GiB")
    return name.strip(), scalar_value(amount.strip())
