"""What dvcx resolves a project to, in the form that `ask_dvc.py` prints."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from dvcx.formats.params_text import find_param, parse_params
from dvcx.model.stage import DepKind, Out, ParamFile, Stage
from dvcx.pipeline.flags import FlagStyle
from dvcx.pipeline.load import load_pipeline
from dvcx.pipeline.order import producers
from dvcx.pipeline.source import WorkspaceSource

_FILE_KINDS = (DepKind.FILE, DepKind.URL, DepKind.OUTSIDE)


def resolved_by_dvcx(root: Path, pointers: Iterable[str], style: FlagStyle) -> dict[str, Any]:
    """Gives the stages, graph and top-level entries of the project at `root`, with the names that DVC has for files."""
    pipeline = load_pipeline(WorkspaceSource(root, None), style)
    pipeline.raise_broken()
    files: dict[str, Any] = {
        _dvc(path): {"params": [], "metrics": [], "plots": [], "artifacts": {}} for path in pipeline.files
    }
    for param in pipeline.params:
        files[_dvc(_file(param.place))]["params"].append(param.text)
    for metric in pipeline.metrics:
        files[_dvc(_file(metric.place))]["metrics"].append(metric.text)
    for plot in pipeline.plots:
        files[_dvc(plot.file)]["plots"].append((plot.id, dict(plot.settings)))
    for artifact in pipeline.artifacts:
        fields = {
            "path": artifact.path,
            "type": artifact.type,
            "desc": artifact.desc,
            "labels": list(artifact.labels),
            "meta": dict(artifact.meta),
        }
        files[_dvc(artifact.file)]["artifacts"][artifact.name] = {key: value for key, value in fields.items() if value}
    needs = producers(pipeline, pointers)
    return {
        "stages": {_dvc(address): _stage(stage, root) for address, stage in pipeline.stages.items()},
        "files": files,
        "edges": sorted([_dvc(user), _dvc(maker)] for user, makers in needs.items() for maker in makers),
    }


def same_form(answer: dict[str, Any]) -> dict[str, Any]:
    """Gives DVC's answer with the plots of its `dvc.yaml` files as pairs of id and settings."""
    for file in answer["files"].values():
        pairs = []
        for plot in file["plots"]:
            pairs += [(plot, {})] if isinstance(plot, str) else [(name, each or {}) for name, each in plot.items()]
        file["plots"] = pairs
    return answer


def _stage(stage: Stage, root: Path) -> dict[str, Any]:
    cmd = list(stage.cmd)
    return {
        "cmd": cmd[0] if len(cmd) == 1 else cmd,
        "wdir": stage.wdir,
        "deps": [dep.text for dep in stage.deps if dep.kind in _FILE_KINDS],
        "params": {file.text: sorted(file.keys or ()) for file in stage.params},
        "values": {file.text: _values(file, root) for file in stage.params},
        "outs": [_out(out) for out in stage.outs],
        "frozen": stage.frozen,
        "always_changed": stage.always_changed,
        "desc": stage.desc,
        "meta": stage.meta,
        "interpolated": {file.text: sorted(file.keys or ()) for file in stage.interpolated},
    }


def _values(file: ParamFile, root: Path) -> Any:
    values = parse_params((root / file.path).read_bytes(), file.path)
    if file.keys is None:
        return values
    found = {}
    for key in file.keys:
        with suppress(KeyError):
            found[key] = find_param(values, key)
    return found


def _out(out: Out) -> dict[str, Any]:
    return {
        "path": out.text,
        "kind": out.kind.value,
        "cache": out.cache,
        "persist": out.persist,
        "push": out.push,
        "remote": out.remote,
        "desc": out.desc,
        "type": out.type,
        "labels": list(out.labels),
        "meta": dict(out.meta),
        "plot": dict(out.plots[0]) if out.plots else {},
    }


def _dvc(name: str) -> str:
    return name.replace("dvcx.yaml", "dvc.yaml").removesuffix(".dvcx") + (".dvc" if name.endswith(".dvcx") else "")


def _file(place: Any) -> str:
    return str(place.file)
