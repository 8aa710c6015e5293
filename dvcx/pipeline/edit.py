"""Editing `dvcx.yaml`: stages are added, replaced and taken out by their lines; every other byte stays as it is.

The reader knows where each stage begins, so an edit is a cut in the text. A library that reads and writes YAML with its
comments would lay out the whole file anew, and moves a comment at the end of a list into what comes after it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dvcx.base.errors import DamagedData, Refused, UsageError
from dvcx.formats.stage_text import print_fields
from dvcx.formats.yaml_values import LocatedDict, plain, read_yaml
from dvcx.pipeline.pipeline_file import PipelineFile, read_pipeline_file

_INDENT = 2


def with_stage(text: str, path: str, name: str, fields: Mapping[str, Any]) -> str:
    """Gives the text of the pipeline file `path` with the stage `name`, in place of one of that name or at the end.

    Stages in braces come one below the other then. Raises `Refused` where that would lose a comment or an anchor.
    """
    file = _in_block_style(read_pipeline_file(text.encode(), path))
    text, stages = file.text, _stages(file)
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
    file = _in_block_style(read_pipeline_file(text.encode(), path))
    text, stages = file.text, _stages(file)
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
    file = _in_block_style(read_pipeline_file(text.encode(), path))
    text, stages = file.text, _stages(file)
    if stages is None or name not in stages:
        raise UsageError(f"{path} has no stage {name}", "`dvcx stage list` shows the stages")
    stage = stages[name]
    below = stage.get("do") if isinstance(stage, LocatedDict) and "do" in stage else stage
    if not isinstance(below, LocatedDict) or not below:
        raise _not_block(path)
    lines = _lines(text)
    first = next(iter(below.keys_at.values()))
    if lines[first[0]][: first[1]].strip():  # the stage is in braces
        lines[first[0]] = _in_braces(lines[first[0]], below, field, value)
    elif field in below:
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


def _in_braces(line: str, fields: LocatedDict, field: str, value: Any) -> str:
    """Gives the line on which the `fields` in braces begin with `field` set, or taken out; else the line as it is."""
    printed = "" if value is None else print_fields({field: value}, 0)[0] + ", "
    first = next(iter(fields.keys_at.values()))
    if field not in fields:
        return line[: first[1]] + printed + line[first[1] :]
    row, column = fields.keys_at[field]
    found = re.compile(rf"""["']?{re.escape(field)}["']?\s*:\s*\w+\s*""").match(line, column)
    if row != first[0] or found is None:
        return line
    before, after = line[:column], line[found.end() :]
    if after.startswith(","):
        return before + printed + after[1:].lstrip()
    return (f"{before}{printed[:-2]}" if printed else before.rstrip().removesuffix(",")) + after


def _in_block_style(file: PipelineFile) -> PipelineFile:
    """Gives the file with stages that stand in braces one below the other, if nothing is lost by that."""
    stages = file.top.get("stages")
    if not isinstance(stages, LocatedDict) or not stages or _is_block(file, stages):
        return file
    lines = _lines(file.text)
    start, column = file.top.keys_at["stages"]
    later = [at[0] for at in file.top.keys_at.values() if at[0] > start]
    end = min(later, default=len(lines))
    if column or not lines[start].startswith("stages:") or any("#" in line for line in lines[start:end]):
        return file
    lines[start:end] = print_fields({"stages": plain(stages)}, 0)
    text = _joined(lines, file.text)
    try:
        changed = read_pipeline_file(text.encode(), file.path)
    except DamagedData:  # an alias to what was there
        return file
    return changed if plain(changed.top) == plain(file.top) else file


def _is_block(file: PipelineFile, stages: LocatedDict) -> bool:
    line = file.top.keys_at["stages"][0]
    starts = [at[0] for at in stages.keys_at.values()]
    return line not in starts and len(set(starts)) == len(starts) and all(at[1] for at in stages.keys_at.values())


def _stages(file: PipelineFile) -> LocatedDict | None:
    if file.top.get("stages") is None and "stages" not in file.top:
        return None
    stages = file.top["stages"]
    line = file.top.keys_at["stages"][0]
    if not stages and _lines(file.text)[line].split("#")[0].strip() in ("stages:", "stages: {}"):
        return LocatedDict((line, 0))
    if not isinstance(stages, LocatedDict) or not stages:
        raise _not_block(file.path)
    if not _is_block(file, stages):
        raise _not_block(file.path)
    return stages


def _not_block(path: str) -> Refused:
    return Refused(
        f"{path} has its stages in braces, with comments or anchors that would be lost",
        "write the stages one below the other, as `NAME:` with its fields below it, and try again; or edit it by hand",
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
