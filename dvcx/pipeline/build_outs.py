"""The outputs of a stage: what stands under its `outs`, `metrics` and `plots`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dvcx.formats.yaml_values import LocatedDict, LocatedList
from dvcx.model.stage import Out, OutKind
from dvcx.pipeline.filling import Filler
from dvcx.pipeline.paths import BadPath, is_pattern, out_path
from dvcx.pipeline.pipeline_file import At, as_located_list
from dvcx.pipeline.shape import PLOT_SETTINGS

_KIND_BY_FIELD = {"outs": OutKind.DATA, "metrics": OutKind.METRIC, "plots": OutKind.PLOT}
_BOOLEANS = ("cache", "persist", "push", "glob")


def build_outs(filler: Filler, fields: LocatedDict, wdir: str) -> Iterator[Out]:
    """Gives the outputs that the `fields` of a stage which runs in `wdir` name; raises `FileProblem`."""
    for field, kind in _KIND_BY_FIELD.items():
        if field not in fields:
            continue
        flags_by_path: dict[str, dict[str, Any]] = {}
        places: dict[str, At] = {}
        for entry, at in filler.entries(as_located_list(fields[field], fields.values_at[field])):
            if isinstance(entry, LocatedDict):
                for path, flags in entry.items():
                    text = filler.text(path, entry.keys_at[path])
                    places.setdefault(text, entry.keys_at[path])
                    flags_by_path.setdefault(text, {}).update(_flags(filler, flags, entry.values_at[path]))
            else:
                text = entry if type(entry) is str else filler.text(entry, at)
                places.setdefault(text, at)
                flags_by_path.setdefault(text, {})
        for text, flags in flags_by_path.items():
            yield _out(filler, (text, wdir, kind), flags, places[text])


def _out(filler: Filler, what: tuple[str, str, OutKind], flags: dict[str, Any], at: At) -> Out:
    text, wdir, kind = what
    try:
        path = out_path(wdir, text)
    except BadPath as problem:
        raise filler.file.problem(at, str(problem)) from None
    place = filler.file.place(at)
    if not flags:  # nearly always
        return Out(text, path, kind, is_pattern(path), place=place)
    return Out(
        text,
        path,
        kind,
        is_pattern=flags.get("glob", is_pattern(path)),
        cache=flags.get("cache", True),
        persist=flags.get("persist", False),
        push=flags.get("push", True),
        remote=flags.get("remote"),
        desc=flags.get("desc"),
        type=flags.get("type"),
        labels=tuple(flags.get("labels", ())),
        meta=flags.get("meta") or {},
        plots=tuple(flags.get("plots", ())),
        place=place,
    )


def _flags(filler: Filler, flags: Any, at: At) -> dict[str, Any]:
    """Gives the filled flags of an output, with the ways to draw it under `plots`."""
    several = flags if isinstance(flags, LocatedList) else [flags]
    found: dict[str, Any] = {}
    plots = []
    for each in several:
        settings: dict[str, Any] = {}
        for key, value in each.items():
            where = each.values_at[key]
            filled = filler.deep(value, where)
            if key == "labels":
                filled = [filler.text(label, where) for label in (filled if isinstance(filled, list) else [filled])]
            elif (key in _BOOLEANS or key == "header") and not isinstance(filled, bool):
                raise filler.file.problem(where, f"this is {filled!r}; true or false was expected")
            elif key == "meta" and not isinstance(filled, dict | None):
                raise filler.file.problem(where, f"this is {filled!r}; a mapping was expected")
            elif key != "meta" and key not in _BOOLEANS and key != "header":
                filled = filler.text(filled, where)
            (settings if key in PLOT_SETTINGS else found)[key] = filled
        if settings:
            plots.append(settings)
    if plots:
        found["plots"] = plots
    return found
