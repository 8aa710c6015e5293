"""What a `dvcx.yaml` declares beside its stages: parameter files, metrics, plots, artifacts, datasets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dvcx.formats.yaml_values import LocatedDict, LocatedList
from dvcx.model.pipeline import Artifact, TopFile, TopPlot
from dvcx.model.stage import ParamFile
from dvcx.pipeline.filling import Filler
from dvcx.pipeline.paths import locate
from dvcx.pipeline.pipeline_file import At, check_keys, check_kind
from dvcx.pipeline.templates import kind_of

_PLOT_SETTINGS: Mapping[str, object] = dict.fromkeys(("x", "y", "x_label", "y_label", "title", "template"))
_ARTIFACT_FIELDS: Mapping[str, object] = dict.fromkeys(("path", "type", "desc", "labels", "meta"))
_ARTIFACT_TEXTS = ("path", "type", "desc")


def top_params(filler: Filler) -> Iterator[ParamFile]:
    """Gives the files under the top-level `params`; raises `FileProblem`."""
    for text, at in _paths(filler, "params"):
        yield ParamFile(text, locate(filler.file.folder, text), None, filler.file.place(at))


def top_metrics(filler: Filler) -> Iterator[TopFile]:
    """Gives the files under the top-level `metrics`; raises `FileProblem`."""
    for text, at in _paths(filler, "metrics"):
        yield TopFile(text, locate(filler.file.folder, text), filler.file.place(at))


def top_plots(filler: Filler) -> Iterator[TopPlot]:
    """Gives the plots under the top-level `plots`; raises `FileProblem`."""
    for entry, at in _entries(filler, "plots"):
        if not isinstance(entry, LocatedDict):
            yield _plot(filler, filler.text(entry, at), {}, at)
            continue
        for name, settings in entry.items():
            where = entry.keys_at[name]
            if settings is not None and not isinstance(settings, LocatedDict):
                raise filler.file.problem(
                    entry.values_at[name], f"this is {kind_of(settings)}; a mapping of settings was expected"
                )
            if settings:
                check_keys(filler.file, settings, _PLOT_SETTINGS, "a plot")
            filled = filler.deep(settings, where) if settings else {}
            yield _plot(filler, filler.text(name, where), filled, where)


def _plot(filler: Filler, name: str, settings: Mapping[str, Any], at: At) -> TopPlot:
    file = filler.file
    return TopPlot(name, file.path, locate(file.folder, name), settings, file.place(at))


def top_artifacts(filler: Filler) -> Iterator[Artifact]:
    """Gives the artifacts; raises `FileProblem`."""
    file, top = filler.file, filler.file.top
    if top.get("artifacts") is None:
        return
    artifacts = check_kind(file, top, "artifacts", LocatedDict, "a mapping of names")
    for written, fields in artifacts.items():
        at = artifacts.keys_at[written]
        name = filler.text(written, at)
        if not isinstance(fields, LocatedDict):
            raise file.problem(
                artifacts.values_at[written], f"this is {kind_of(fields)}; the fields of an artifact were expected"
            )
        check_keys(file, fields, _ARTIFACT_FIELDS, f"the artifact {name!r}")
        if "path" not in fields:
            raise file.problem(at, f"the artifact {name!r} has no `path`")
        for key in _ARTIFACT_TEXTS:
            if key in fields:
                check_kind(file, fields, key, str, "a text")
        found = filler.deep(fields, at)
        yield Artifact(
            name,
            file.path,
            locate(file.folder, filler.text(fields["path"], fields.values_at["path"])),
            found.get("type"),
            found.get("desc"),
            tuple(map(str, found.get("labels") or ())),
            found.get("meta") or {},
            file.place(at),
        )


def top_datasets(filler: Filler) -> Any:
    """Gives what stands under `datasets`, with templates filled; None when there is nothing."""
    top = filler.file.top
    if top.get("datasets") is None:
        return None
    return filler.deep(top["datasets"], top.values_at["datasets"])


def _paths(filler: Filler, key: str) -> Iterator[tuple[str, At]]:
    for entry, at in _entries(filler, key):
        yield filler.text(entry, at), at


def _entries(filler: Filler, key: str) -> Iterator[tuple[Any, At]]:
    top = filler.file.top
    if top.get(key) is not None:
        yield from filler.entries(check_kind(filler.file, top, key, LocatedList, "a list"))
