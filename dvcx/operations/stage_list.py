"""`dvcx stage list` and `dvcx stage show`: the stages as they are after all templates are filled in."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from dvcx.base.errors import DamagedData, DvcxError, shown
from dvcx.model.pipeline import Pipeline
from dvcx.model.stage import DepKind, Out, OutKind, Stage
from dvcx.operations.repro_options import Selection
from dvcx.operations.repro_targets import addresses_at, addresses_of, files_here
from dvcx.operations.stage_view import load_workspace_pipeline
from dvcx.repo.record import Repo


@dataclass(frozen=True, slots=True)
class ListedStage:
    """A stage in a list: where it stands, what it says of itself, what it makes."""

    stage: str
    place: str
    desc: str | None
    outs: tuple[str, ...]
    frozen: bool


@dataclass(frozen=True, slots=True)
class BrokenStage:
    """A stage or file that cannot be used: why, what to do, and the line that is the matter."""

    name: str
    message: str
    hint: str | None
    excerpt: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StageList:
    """The stages, in the order of their files, and what cannot be used. `elsewhere` counts stages of other folders."""

    stages: tuple[ListedStage, ...]
    broken: tuple[BrokenStage, ...]
    elsewhere: int = 0

    def problem(self) -> DvcxError | None:
        """Gives the error that something cannot be used, or None."""
        if not self.broken:
            return None
        what = shown([each.name for each in self.broken], 5)
        return DamagedData(f"{what} cannot be used", "put right what is shown above")


@dataclass(frozen=True, slots=True)
class ShownStage:
    """A stage in full: `fields` are those of `dvcx.yaml` with nothing left to fill in."""

    stage: str
    place: str
    group: str | None
    fields: dict[str, Any]


def stage_list(
    repo: Repo, folder: str, targets: Sequence[str] = (), *, recursive: bool = False, everywhere: bool = False
) -> StageList:
    """Lists the stages that `targets`, typed in the project folder `folder`, mean; without targets those of its file.

    With `recursive` a folder means all stages in it and below; `everywhere` means the whole project. Raises
    `UsageError` for a target that means nothing, and the error of a target that cannot be used.
    """
    pipeline = load_workspace_pipeline(repo)
    selection = Selection(folder=folder, recursive=recursive)
    broken: tuple[BrokenStage, ...] = ()
    if targets:
        chosen = list(dict.fromkeys(address for each in targets for address in addresses_at(pipeline, each, selection)))
    elif everywhere:
        chosen, broken = list(pipeline.stages), broken_stages(pipeline)
    else:
        files = files_here(pipeline, selection)
        chosen = [address for address, stage in pipeline.stages.items() if stage.file in files]
        broken = broken_stages(pipeline, files)
    elsewhere = 0 if targets else len(pipeline.stages) - len(chosen)
    return StageList(tuple(_listed(pipeline.stages[address]) for address in chosen), broken, elsewhere)


def broken_stages(pipeline: Pipeline, files: Collection[str] | None = None) -> tuple[BrokenStage, ...]:
    """Gives what of a pipeline cannot be used; only that of some `files`, if they are given."""
    found = pipeline.broken if files is None else pipeline.broken_in(files)
    return tuple(
        BrokenStage(name, error.message, error.hint, tuple(getattr(error, "excerpt", ())))
        for name, error in found.items()
    )


def stage_show(repo: Repo, folder: str, target: str) -> tuple[ShownStage, ...]:
    """Gives the stages that `target` means in full; raises as `stage_list` does."""
    pipeline = load_workspace_pipeline(repo)
    addresses = addresses_of(pipeline, target, Selection(folder=folder))
    return tuple(_shown(pipeline.stages[address]) for address in addresses)


def _listed(stage: Stage) -> ListedStage:
    return ListedStage(stage.address, str(stage.place), stage.desc, tuple(out.path for out in stage.outs), stage.frozen)


def _shown(stage: Stage) -> ShownStage:
    return ShownStage(stage.address, str(stage.place), stage.group, resolved_fields(stage))


def resolved_fields(stage: Stage) -> dict[str, Any]:
    """Gives the fields of a stage as `dvcx.yaml` has them, without those that are as by default."""
    fields: dict[str, Any] = {
        "desc": stage.desc,
        "cmd": stage.cmd[0] if len(stage.cmd) == 1 else list(stage.cmd),
        "wdir": stage.wdir or None,
        "deps": [
            {dep.text: {"glob": dep.is_pattern}} if _unlike_its_text(dep.text, dep.kind, dep.is_pattern) else dep.text
            for dep in stage.deps
        ],
        "params": [{file.text: None if file.keys is None else list(file.keys)} for file in stage.params],
        "outs": [_out(out) for out in stage.outs if out.kind is OutKind.DATA],
        "metrics": [_out(out) for out in stage.metrics],
        "plots": [_out(out) for out in stage.plots],
        "frozen": stage.frozen,
        "always_changed": stage.always_changed,
        "resources": {name: _short(amount) for name, amount in stage.resources.items()},
        "timeout": None if stage.timeout is None else _short(stage.timeout),
        "retries": stage.retries,
        "mutex": list(stage.mutex),
        "meta": stage.meta,
    }
    return {key: value for key, value in fields.items() if value is not None and value not in (False, [], {}, 0)}


def _short(amount: float) -> float | int:
    return int(amount) if amount == int(amount) else amount


def _unlike_its_text(text: str, kind: DepKind, is_pattern: bool) -> bool:
    return kind is DepKind.FILE and is_pattern != any(letter in text for letter in "*?")


def _out(out: Out) -> Any:
    flags: dict[str, Any] = {} if out.cache else {"cache": False}
    flags.update({"persist": True} if out.persist else {})
    flags.update({} if out.push else {"push": False})
    notes = {"desc": out.desc, "type": out.type, "labels": list(out.labels), "meta": dict(out.meta)}
    flags.update({key: value for key, value in {"remote": out.remote, **notes}.items() if value})
    if _unlike_its_text(out.text, DepKind.FILE, out.is_pattern):
        flags["glob"] = out.is_pattern
    if len(out.plots) == 1:
        flags.update(out.plots[0])
    elif out.plots:
        return {out.text: [{**flags, **plot} for plot in out.plots]}
    return {out.text: flags} if flags else out.text
