"""Changing `dvcx.yaml` from the command line: checked first, then written, and `dvcx undo` takes it back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dvcx.manifest.manifest import workspace_manifest
from dvcx.model.pipeline import Pipeline
from dvcx.operations.pointers import apply_texts
from dvcx.operations.stage_view import flag_style
from dvcx.pipeline.load import load_pipeline
from dvcx.pipeline.order import producers
from dvcx.pipeline.source import ChangedSource, workspace_source
from dvcx.repo.record import Repo, open_trash


def read_text(repo: Repo, path: str) -> str:
    """Gives the text of a pipeline file, "" when there is none; raises `Refused` for a link."""
    data = workspace_source(repo.root, repo.git).read(path)
    return "" if data is None else data.decode("utf-8-sig", "surrogateescape")


def pipeline_with(repo: Repo, texts: Mapping[str, str]) -> Pipeline:
    """Gives the pipeline of the workspace with other texts in some of its files; its graph is not checked."""
    changed = {path: text.encode("utf-8", "surrogateescape") for path, text in texts.items()}
    source = ChangedSource(workspace_source(repo.root, repo.git), changed)
    return load_pipeline(source, flag_style(repo))


def check_graph(repo: Repo, pipeline: Pipeline) -> None:
    """Raises `DvcxError` for cycles, and for outputs that two stages or pointers claim."""
    manifest = workspace_manifest(repo.root, repo.git)
    producers(pipeline, [path for path, pointer in manifest.pointers.items() if pointer.stage is None])


def write_texts(repo: Repo, operation: str, texts: Mapping[Path, str | None]) -> tuple[str, ...]:
    """Writes files, remembering the old ones for `undo`; gives those that changed. The caller holds the lock."""
    with open_trash(repo).entry(operation, repo.root) as entry:
        return apply_texts(repo, entry, texts)
