"""From a stage as it stands in `dvcx.yaml` to the `Stage` that it means in a context."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from dvcx.formats.yaml_values import LocatedDict
from dvcx.model.stage import DEFAULT_PARAMS, Dep, DepKind, ParamFile, Stage, stage_address
from dvcx.pipeline.build_outs import build_outs
from dvcx.pipeline.context import Context, Origin, load_file
from dvcx.pipeline.filling import Filler
from dvcx.pipeline.flags import FlagStyle
from dvcx.pipeline.paths import BadPath, dep_meaning, is_pattern, locate
from dvcx.pipeline.pipeline_file import At, PipelineFile, as_located_list
from dvcx.pipeline.quantities import seconds, size_in_bytes
from dvcx.pipeline.templates import TemplateError, has_holes, kind_of


@dataclass(frozen=True, slots=True)
class Definition:
    """A stage as written: its name, the fields (those below `do` of a `foreach`), where its name stands."""

    file: PipelineFile
    name: str
    fields: LocatedDict
    at: At


def build_stage(
    definition: Definition,
    context: Context,
    style: FlagStyle,
    read: Callable[[str], Any | None],
    generated: str | None = None,
) -> Stage:
    """Gives the stage of a checked definition; `generated` is the name of one of those that it generates.

    `read` gives the values in a file of parameters by its project path, None when there is none. Raises `FileProblem`.
    """
    file, fields = definition.file, definition.fields
    filler = Filler(file, context, style)
    wdir = _wdir(filler, fields)
    if "vars" in fields:
        filler.context = add_vars(file, context, fields, wdir, read)
    name = generated or definition.name
    return Stage(
        address=stage_address(file.path, name),
        name=name,
        file=file.path,
        cmd=tuple(_commands(filler, fields)),
        wdir=wdir,
        deps=tuple(_deps(filler, fields, wdir)),
        outs=tuple(build_outs(filler, fields, wdir)),
        params=_params(filler, fields, wdir) if "params" in fields else (),
        frozen=_flag(filler, fields, "frozen"),
        always_changed=_flag(filler, fields, "always_changed"),
        resources=_resources(filler, fields) if "resources" in fields else {},
        timeout=_timeout(filler, fields) if "timeout" in fields else None,
        retries=_retries(filler, fields) if "retries" in fields else 0,
        mutex=_mutex(filler, fields) if "mutex" in fields else (),
        desc=filler.text(fields["desc"], fields.values_at["desc"]) if "desc" in fields else None,
        meta=filler.deep(fields["meta"], fields.values_at["meta"]) if "meta" in fields else None,
        group=stage_address(file.path, definition.name) if generated is not None else None,
        interpolated=filler.parameters(),
        place=file.place(definition.at),
    )


def add_vars(
    file: PipelineFile, context: Context, fields: LocatedDict, folder: str, read: Callable[[str], Any | None]
) -> Context:
    """Gives the context with what the `vars` of `fields` bring; raises `FileProblem`."""
    parts = as_located_list(fields["vars"], fields.values_at["vars"])
    for part, at in zip(parts, parts.values_at, strict=True):
        if not isinstance(part, str | LocatedDict):
            raise file.problem(at, f"this is {kind_of(part)}; the path of a file or a mapping was expected")
        if _any_holes(part):
            raise file.problem(at, "`vars` cannot have ${} in them: they are what templates are filled from")
        try:
            if isinstance(part, str):
                context = load_file(context, part, folder, read)
            else:
                context = context.merged(part, Origin(None, (), f"`vars` in line {at[0] + 1}"))
        except TemplateError as error:
            raise file.problem(at, error.problem, error.hint) from None
    return context


def _any_holes(value: Any) -> bool:
    if isinstance(value, str):
        return has_holes(value)
    if isinstance(value, LocatedDict):
        return any(_any_holes(key) or _any_holes(inner) for key, inner in value.items())
    return isinstance(value, list) and any(map(_any_holes, value))


def _wdir(filler: Filler, fields: LocatedDict) -> str:
    if not fields.get("wdir"):
        return filler.file.folder
    at = fields.values_at["wdir"]
    path = locate(filler.file.folder, filler.text(fields["wdir"], at))
    if path.startswith(("/", "../")) or path == "..":
        raise filler.file.problem(at, "`wdir` leads out of the project", "a stage runs in a folder of the project")
    return path


def _commands(filler: Filler, fields: LocatedDict) -> Iterator[str]:
    cmd, at = fields["cmd"], fields.values_at["cmd"]
    parts = as_located_list(cmd, at)
    for part, where in zip(parts, parts.values_at, strict=True):
        value = filler.value(part, where, in_command=True)
        for each in value if isinstance(value, list | tuple) and isinstance(cmd, list) else [value]:
            text = filler.text(each, where) if not isinstance(each, str) else each
            if not text.strip():
                raise filler.file.problem(where, "this command is empty")
            if "\0" in text:
                raise filler.file.problem(where, "a command cannot contain a NUL character")
            yield text


def _deps(filler: Filler, fields: LocatedDict, wdir: str) -> Iterator[Dep]:
    if "deps" not in fields:
        return
    seen: set[str] = set()
    for entry, at in filler.entries(as_located_list(fields["deps"], fields.values_at["deps"])):
        for text, glob in _dep_texts(filler, entry, at):
            if text in seen:
                continue
            seen.add(text)
            try:
                kind, path = dep_meaning(wdir, text)
            except BadPath as problem:
                raise filler.file.problem(at, str(problem)) from None
            pattern = kind in (DepKind.FILE, DepKind.OUTSIDE) and is_pattern(path) if glob is None else glob
            yield Dep(text, path, kind, pattern, filler.file.place(at))


def _dep_texts(filler: Filler, entry: Any, at: At) -> Iterator[tuple[str, bool | None]]:
    if isinstance(entry, LocatedDict):
        for path, flags in entry.items():
            where = flags.values_at.get("glob", at)
            yield filler.text(path, at), as_flag(filler, flags["glob"], where) if "glob" in flags else None
    else:
        yield (entry if type(entry) is str else filler.text(entry, at)), None


def _params(filler: Filler, fields: LocatedDict, wdir: str) -> tuple[ParamFile, ...]:
    keys: dict[str, dict[str, None]] = {}
    whole: set[str] = set()
    places: dict[str, At] = {}
    for entry, at in filler.entries(as_located_list(fields["params"], fields.values_at["params"])):
        if not isinstance(entry, LocatedDict):
            places.setdefault(DEFAULT_PARAMS, at)
            keys.setdefault(DEFAULT_PARAMS, {})[filler.text(entry, at)] = None
            continue
        for name, wanted in entry.items():
            text = filler.text(name, entry.keys_at[name])
            places.setdefault(text, entry.keys_at[name])
            known = keys.setdefault(text, {})
            if not wanted:
                whole.add(text)
                continue
            parts = as_located_list(wanted, entry.values_at[name])
            known.update((filler.text(key, where), None) for key, where in filler.entries(parts))
    found = []
    for text, named in keys.items():
        at = places[text]
        try:
            kind, path = dep_meaning(wdir, text)
        except BadPath as problem:
            raise filler.file.problem(at, str(problem)) from None
        if kind not in (DepKind.FILE, DepKind.OUTSIDE):
            raise filler.file.problem(at, f"{text} is no file; parameters come from files")
        found.append(ParamFile(text, path, None if text in whole else tuple(named), filler.file.place(at)))
    return tuple(found)


def as_flag(filler: Filler, value: Any, at: At) -> bool:
    """Gives a field that is true or false; raises `FileProblem` for anything else."""
    found = filler.value(value, at)
    if not isinstance(found, bool):
        raise filler.file.problem(at, f"this is {found!r}; true or false was expected")
    return found


def _flag(filler: Filler, fields: LocatedDict, key: str) -> bool:
    return key in fields and as_flag(filler, fields[key], fields.values_at[key])


def _resources(filler: Filler, fields: LocatedDict) -> dict[str, float]:
    found: dict[str, float] = {}
    resources: LocatedDict = fields["resources"]
    for key, value in resources.items():
        at = resources.values_at[key]
        amount = filler.value(value, at)
        is_number = isinstance(amount, int | float) and not isinstance(amount, bool)
        try:
            found[str(key)] = size_in_bytes(amount) if key == "memory" else float(amount if is_number else "none")
        except ValueError:
            wanted = "a size such as 8GiB" if key == "memory" else "a number"
            raise filler.file.problem(at, f"{amount!r} is not {wanted}") from None
        if not 0 <= found[str(key)] < 1e18:
            raise filler.file.problem(at, f"{amount!r} is not an amount that a stage can take")
    return found


def _timeout(filler: Filler, fields: LocatedDict) -> float:
    at = fields.values_at["timeout"]
    value = filler.value(fields["timeout"], at)
    try:
        return seconds(value)
    except ValueError:
        raise filler.file.problem(at, f"{value!r} is not a length of time", "such as 90s, 1.5h or 1h30m") from None


def _retries(filler: Filler, fields: LocatedDict) -> int:
    at = fields.values_at["retries"]
    value = filler.value(fields["retries"], at)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 1000:
        raise filler.file.problem(at, f"{value!r} is not a number of retries", "a whole number from 0 to 1000")
    return value


def _mutex(filler: Filler, fields: LocatedDict) -> tuple[str, ...]:
    parts = as_located_list(fields["mutex"], fields.values_at["mutex"])
    return tuple(dict.fromkeys(filler.text(part, at) for part, at in filler.entries(parts)))
