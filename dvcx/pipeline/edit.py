"""Editing `dvcx.yaml`: stages are added, replaced and taken out by their lines; every other byte stays as it is.

The reader knows where each stage begins, so an edit is a cut in the text. A library that reads and writes YAML with its
comments would lay out the whole file anew, and moves a comment at the end of a list into what comes after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dvcx.base.errors import DamagedData, Refused, UsageError
from dvcx.formats.stage_text import print_fields
from dvcx.formats.yaml_values import LocatedDict, plain, read_yaml
from dvcx.pipeline.pipeline_file import PipelineFile, read_pipeline_file

_INDENT = 2


def with_stage(text: str, path: str, name: str, fields: Mapping[str, Any]) -> str:
    """Gives the text of the pipeline file `path` with the stage `name`, in place of one of that name or at the end.

    Raises `Refused` for a file whose stages are not in block style, one below the other.
    """
    file = read_pipeline_file(text.encode(), path)
    stages = _stages(file)
    if stages is None:
        lines = [*_lines(text), "stages:", *_printed(name, fields, _INDENT)]
        return _checked(file, _joined(lines, text), name, fields)
    lines = _lines(text)
    if name in stages:
        start, end = _span(file, stages, name)
        lines[start:end] = _printed(name, fields, stages.keys_at[name][1])
    else:
        last = next(reversed(stages), None)
        if last is None:
            at = file.top.keys_at["stages"][0]
            lines[at : at + 1] = ["stages:", *_printed(name, fields, _INDENT)]
        else:
            _, end = _span(file, stages, last)
            gap = [""] if _has_gaps(stages, lines) else []
            lines[end:end] = [*gap, *_printed(name, fields, stages.keys_at[last][1])]
    return _checked(file, _joined(lines, text), name, fields)


def without_stage(text: str, path: str, name: str) -> str:
    """Gives the text of the pipeline file `path` without the stage `name`; raises as `with_stage`, and `UsageError`."""
    file = read_pipeline_file(text.encode(), path)
    stages = _stages(file)
    if stages is None or name not in stages:
        raise UsageError(f"{path} has no stage {name}", "`dvcx stage list` shows the stages")
    lines = _lines(text)
    start, end = _span(file, stages, name)
    while start > 0 and lines[start - 1].strip().startswith("#") and _indent(lines[start - 1]) == _indent(lines[start]):
        start -= 1  # a comment right above speaks of this stage
    if start > 0 and not lines[start - 1].strip() and (end >= len(lines) or not lines[end].strip()):
        start -= 1
    lines[start:end] = []
    if start < len(lines) and not lines[start].strip() and start == file.top.keys_at["stages"][0] + 1:
        del lines[start]
    return _checked(file, _joined(lines, text), name, None)


def with_field(text: str, path: str, name: str, field: str, value: Any) -> str:
    """Gives the text of the pipeline file `path` with one `field` of the stage `name` set to a single value.

    None takes the field out. Raises as `without_stage`, and `Refused` for fields of more than a line.
    """
    file = read_pipeline_file(text.encode(), path)
    stages = _stages(file)
    if stages is None or name not in stages:
        raise UsageError(f"{path} has no stage {name}", "`dvcx stage list` shows the stages")
    stage = stages[name]
    below = stage.get("do") if isinstance(stage, LocatedDict) and "do" in stage else stage
    if not isinstance(below, LocatedDict) or not below:
        raise _not_block(path)
    lines = _lines(text)
    first = next(iter(below.keys_at.values()))
    if field in below:
        at = below.keys_at[field][0]
        lines[at : at + 1] = [] if value is None else print_fields({field: value}, below.keys_at[field][1])
    elif value is not None:
        lines[first[0] : first[0]] = print_fields({field: value}, first[1])
    fields = plain(below)
    fields.pop(field, None)
    if value is not None:
        fields[field] = value
    whole = {**plain(stage), "do": fields} if "do" in stage else fields
    return _checked(file, _joined(lines, text), name, whole)


def _stages(file: PipelineFile) -> LocatedDict | None:
    if file.top.get("stages") is None and "stages" not in file.top:
        return None
    stages = file.top["stages"]
    line = file.top.keys_at["stages"][0]
    if not stages and _lines(file.text)[line].split("#")[0].strip() in ("stages:", "stages: {}"):
        return LocatedDict((line, 0))
    if not isinstance(stages, LocatedDict) or not stages:
        raise _not_block(file.path)
    starts = [at[0] for at in stages.keys_at.values()]
    if line in starts or len(set(starts)) != len(starts) or any(at[1] == 0 for at in stages.keys_at.values()):
        raise _not_block(file.path)
    return stages


def _not_block(path: str) -> Refused:
    return Refused(
        f"{path} has its stages on one line or in braces, where dvcx does not edit",
        "write them one below the other, or make this change by hand",
    )


def _span(file: PipelineFile, stages: LocatedDict, name: str) -> tuple[int, int]:
    """Gives the first line of a stage and the one after its last; comments right above the next belong to that."""
    start, column = stages.keys_at[name]
    lines = _lines(file.text)
    later = [at[0] for at in stages.keys_at.values() if at[0] > start]
    later += [at[0] for at in file.top.keys_at.values() if at[0] > start]
    end = min(later, default=len(lines))
    while end > start + 1 and _ends_before(lines[end - 1], column):
        end -= 1
    return start, end


def _ends_before(line: str, column: int) -> bool:
    text = line.strip()
    return not text or (text.startswith("#") and _indent(line) <= column) or text in ("...", "---")


def _has_gaps(stages: LocatedDict, lines: list[str]) -> bool:
    """Tells whether empty lines stand between the stages, above their comments."""
    for number, _ in list(stages.keys_at.values())[1:]:
        above = number - 1
        while lines[above].strip().startswith("#"):
            above -= 1
        if not lines[above].strip():
            return True
    return False


def _printed(name: str, fields: Mapping[str, Any], indent: int) -> list[str]:
    return print_fields({name: fields}, indent)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _lines(text: str) -> list[str]:
    lines = text.replace("\r\n", "\n").split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def _joined(lines: list[str], text: str) -> str:
    end = "\r\n" if "\r\n" in text else "\n"
    return end.join([*lines, ""])


def _checked(file: PipelineFile, text: str, name: str, fields: Mapping[str, Any] | None) -> str:
    """Gives `text` if it says what the file said, apart from the one stage; raises `Refused` rather than damage it."""
    expected = plain(file.top)
    stages = dict(expected.get("stages") or {})
    stages.pop(name, None)
    if fields is not None:
        stages[name] = plain_json(fields)
    try:
        found = plain(read_yaml(text.encode(), file.path) or {})
    except DamagedData:  # such as an alias to what is gone
        found = {}
    if {**expected, "stages": stages} != {**found, "stages": found.get("stages") or {}}:
        raise Refused(
            f"{file.path} is written in a way that dvcx cannot edit without changing more than it should",
            "make this change by hand",
        )
    return text


def plain_json(value: Any) -> Any:
    """Gives a value with plain dictionaries and lists in it, tuples too."""
    if isinstance(value, Mapping):
        return {key: plain_json(inner) for key, inner in value.items()}
    return [plain_json(inner) for inner in value] if isinstance(value, list | tuple) else value
