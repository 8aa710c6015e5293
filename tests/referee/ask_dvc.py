"""Prints, as JSON, what DVC resolves a project to. Run by the Python of an environment that has DVC, not dvcx."""

from __future__ import annotations

import json
import sys
from typing import Any


def main(folder: str) -> None:
    from dvc.dvcfile import load_file  # type: ignore[import-not-found,unused-ignore]
    from dvc.repo import Repo  # type: ignore[import-not-found,unused-ignore]

    repo = Repo(folder)
    stages: dict[str, Any] = {}
    files: dict[str, Any] = {}
    for stage in repo.index.stages:
        if getattr(stage, "cmd", None):
            stages[stage.addressing] = _stage(repo, stage)
        path = stage.path_in_repo
        if path.endswith("dvc.yaml") and path not in files:
            file = load_file(repo, stage.path)
            files[path] = {
                "params": file.params,
                "metrics": file.metrics,
                "plots": file.plots,
                "artifacts": file.artifacts,
            }
    edges = sorted([user.addressing, maker.addressing] for user, maker in repo.index.graph.edges)
    json.dump({"stages": stages, "files": files, "edges": edges}, sys.stdout, indent=1, default=_as_json)


def _stage(repo: Any, stage: Any) -> dict[str, Any]:
    from dvc.dependency import ParamsDependency  # type: ignore[import-not-found,unused-ignore]

    wdir = repo.fs.relpath(stage.wdir, repo.root_dir)
    params = [dep for dep in stage.deps if isinstance(dep, ParamsDependency)]
    return {
        "cmd": stage.cmd,
        "wdir": "" if wdir == "." else wdir,
        "deps": [dep.def_path for dep in stage.deps if not isinstance(dep, ParamsDependency)],
        "params": {dep.def_path: sorted(set(dep.params)) for dep in params},
        "values": {dep.def_path: dep.read_params() for dep in params},
        "outs": [_out(out) for out in stage.outs],
        "frozen": bool(stage.frozen),
        "always_changed": bool(stage.always_changed),
        "desc": stage.desc,
        "meta": stage.meta,
        "interpolated": {file: sorted(keys) for file, keys in stage.tracked_vars.items()},
    }


def _out(out: Any) -> dict[str, Any]:
    plot = out.plot if isinstance(out.plot, dict) else {}
    return {
        "path": out.def_path,
        "kind": "plot" if out.plot else "metric" if out.metric else "out",
        "cache": out.use_cache,
        "persist": out.persist,
        "push": out.can_push,
        "remote": out.remote,
        "desc": out.annot.desc,
        "type": out.annot.type,
        "labels": out.annot.labels,
        "meta": out.annot.meta,
        "plot": plot,
    }


def _as_json(value: Any) -> Any:
    return sorted(value) if isinstance(value, set) else str(value)


main(sys.argv[1])
