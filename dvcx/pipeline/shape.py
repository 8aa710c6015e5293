"""The shape of a stage in `dvcx.yaml`: which fields it has and what they hold, checked before anything is filled in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dvcx.formats.yaml_values import LocatedDict, LocatedList
from dvcx.pipeline.pipeline_file import At, PipelineFile, check_keys
from dvcx.pipeline.templates import kind_of

_TEXT = (str,)
_FLAG = (bool, str)
OUT_FLAGS: Mapping[str, tuple[type, ...]] = {
    "cache": _FLAG,
    "persist": _FLAG,
    "push": _FLAG,
    "remote": _TEXT,
    "desc": _TEXT,
    "type": _TEXT,
    "labels": (list, str),
    "meta": (object,),
    "glob": _FLAG,
}
PLOT_SETTINGS: Mapping[str, tuple[type, ...]] = {
    "template": _TEXT,
    "x": _TEXT,
    "y": _TEXT,
    "x_label": _TEXT,
    "y_label": _TEXT,
    "title": _TEXT,
    "header": _FLAG,
}
_LIST = (list, str)
STAGE_FIELDS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "cmd": ((str, list), "a command, or a list of them,"),
    "wdir": (_TEXT, "the path of a folder"),
    "deps": (_LIST, "a list of paths"),
    "outs": (_LIST, "a list of paths"),
    "params": (_LIST, "a list of parameters"),
    "metrics": (_LIST, "a list of paths"),
    "plots": (_LIST, "a list of paths"),
    "vars": ((list,), "a list of files and mappings"),
    "frozen": (_FLAG, "true or false"),
    "always_changed": (_FLAG, "true or false"),
    "desc": (_TEXT, "a text"),
    "meta": ((object,), "anything"),
    "resources": ((dict,), "a mapping such as {cpu: 2, memory: 8GiB}"),
    "timeout": ((int, float, str), "a length of time such as 90s or 1h30m"),
    "retries": ((int, str), "a whole number"),
    "mutex": (_LIST, "a name, or a list of them,"),
}
_STAGE_KEYS = dict.fromkeys(("foreach", "matrix", *STAGE_FIELDS))


def check_stage(file: PipelineFile, name: str, stage: LocatedDict, at: At) -> None:
    """Raises `FileProblem` for the first thing in a stage (or below its `do`) that is not what it should be."""
    for key, value in stage.items():
        known = STAGE_FIELDS.get(key)
        if known is None:
            if key == "matrix":
                continue
            if key in ("foreach", "do"):
                hint = "`foreach` goes with `do`, which holds all the rest"
                raise file.problem(stage.keys_at[key], f"{key!r} has no place here", hint)
            check_keys(file, stage, _STAGE_KEYS, f"the stage {name!r}")
            continue
        kinds, expected = known
        if not isinstance(value, kinds) or (type(value) is bool and int in kinds):
            raise file.problem(stage.values_at[key], f"{key!r} is {kind_of(value)}; {expected} was expected")
        if type(value) is str and kinds is _LIST and "${" not in value and key != "mutex":
            raise file.problem(
                stage.values_at[key], f"{key!r} is a text; {expected} was expected", f"write it as [{value}]"
            )
    if "cmd" not in stage:
        raise file.problem(at, f"the stage {name!r} has no `cmd`", "say what to run: cmd: python train.py")
    _check_command(file, name, stage)
    for key in ("outs", "metrics", "plots"):
        if isinstance(stage.get(key), LocatedList):
            _check_outs(file, key, stage[key])
    if isinstance(stage.get("deps"), LocatedList):
        _check_deps(file, stage["deps"])
    if isinstance(stage.get("params"), LocatedList):
        _check_params(file, stage["params"])


def _check_command(file: PipelineFile, name: str, stage: LocatedDict) -> None:
    cmd = stage["cmd"]
    if not cmd or (isinstance(cmd, str) and not cmd.strip()):
        raise file.problem(stage.values_at["cmd"], f"the stage {name!r} has an empty `cmd`")
    if isinstance(cmd, LocatedList):
        _check_texts(file, cmd, "a command")


def _check_texts(file: PipelineFile, parts: LocatedList, expected: str) -> None:
    for part, at in zip(parts, parts.values_at, strict=True):
        if type(part) is not str:
            raise file.problem(at, f"this is {kind_of(part)}; {expected} was expected", _quote(part))


def _quote(value: Any) -> str | None:
    return f'write it in quotes: "{value}"' if isinstance(value, int | float) else None


def _check_deps(file: PipelineFile, deps: LocatedList) -> None:
    for part, at in zip(deps, deps.values_at, strict=True):
        if isinstance(part, LocatedDict):
            for path, flags in part.items():
                if not isinstance(flags, LocatedDict):
                    raise file.problem(
                        part.values_at[path],
                        f"this is {kind_of(flags)}; a mapping of flags was expected",
                        f"a path with a space after a colon needs quotes; else leave the colon out: - {path}",
                    )
                check_keys(file, flags, {"glob": None}, "a dependency")
        elif type(part) is not str:
            raise file.problem(at, f"this is {kind_of(part)}; a path was expected", _quote(part))


def _check_outs(file: PipelineFile, key: str, outs: LocatedList) -> None:
    flags_known = {**OUT_FLAGS, **PLOT_SETTINGS} if key == "plots" else OUT_FLAGS
    for part, at in zip(outs, outs.values_at, strict=True):
        if type(part) is str:
            continue
        if not isinstance(part, LocatedDict):
            raise file.problem(at, f"this is {kind_of(part)}; a path was expected", _quote(part))
        for path, flags in part.items():
            several = flags if key == "plots" and isinstance(flags, LocatedList) else [flags]
            for each in several:
                if not isinstance(each, LocatedDict):
                    raise file.problem(
                        part.values_at[path],
                        f"this is {kind_of(each)}; a mapping of flags was expected",
                        f"such as {{{path}: {{cache: false}}}}, or the path alone",
                    )
                _check_flags(file, each, flags_known, key)


def _check_flags(file: PipelineFile, flags: LocatedDict, known: Mapping[str, tuple[type, ...]], key: str) -> None:
    check_keys(file, flags, known, {"outs": "an output", "metrics": "a metric", "plots": "a plot"}[key])
    for flag, value in flags.items():
        kinds = known[flag]
        if not isinstance(value, kinds):
            wanted = "true or false" if bool in kinds else "a list of texts" if list in kinds else "a text"
            raise file.problem(flags.values_at[flag], f"{flag!r} is {kind_of(value)}; {wanted} was expected")


def _check_params(file: PipelineFile, params: LocatedList) -> None:
    for part, at in zip(params, params.values_at, strict=True):
        if isinstance(part, LocatedDict):
            for path, keys in part.items():
                if keys is None or (isinstance(keys, str) and "${" in keys):
                    continue
                if not isinstance(keys, LocatedList):
                    raise file.problem(
                        part.values_at[path],
                        f"this is {kind_of(keys)}; a list of keys of {path} was expected",
                        f"or nothing, for all of the file: - {path}:",
                    )
                _check_texts(file, keys, "a key")
        elif type(part) is not str:
            raise file.problem(at, f"this is {kind_of(part)}; the key of a parameter was expected", _quote(part))
