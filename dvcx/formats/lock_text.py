"""`dvcx.lock` as text: YAML in which every stage, dependency, parameter and output has lines of its own, to be merged.

What stands below a path is one line of JSON, which is YAML too:

    dvcx: 1
    stages:
      train:
        cmd: python train.py
        deps:
          data/train: {"type": "folder", "id": "blake3:...", "size": 1200, "files": 3}
        params:
          params.yaml:
            lr: 0.1
        outs:
          model.pt: {"id": "blake3:...", "size": 512}
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dvcx.base.errors import DamagedData
from dvcx.formats.pointer_text import inline, load_mapping, quoted
from dvcx.model.ids import Kind, parse_object_id
from dvcx.model.run_record import Recorded, RunRecord, StageLock

VERSION = 1
MAX_BYTES = 64 << 20
"""A lock file larger than this (bytes) is refused: some 200,000 stages."""
_MOST_YAML = 8 << 20
"""The most bytes of a file that somebody wrote otherwise than we do: reading those takes a hundred times as long."""

_HEAD = b"dvcx: 1\nstages:\n"
_BETWEEN = re.compile(rb"\n(?=  [^ ])")
_PLAIN = re.compile(r"[A-Za-z_](?:[A-Za-z0-9_\-./@+=, ]*[A-Za-z0-9_\-./@+=])?")
_WORD = re.compile(r"(?i)(y|n|yes|no|on|off|true|false|null|nan|inf)")
# Indentation, a key as we write it, and what follows it on the line.
_LINE = re.compile(
    r'( *)(?:([A-Za-z_](?:[A-Za-z0-9_\-./@+=, ]*[A-Za-z0-9_\-./@+=])?)|("(?:[^"\\]|\\.)*")):(?: (.*))?\Z'
)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+(?:e[-+][0-9]+)?)?\Z")
_RECORDED = frozenset({"type", "id", "size", "files", "executable", "value", "cache", "push", "remote"})
_RECORD = ("cmd", "deps", "params", "outs")


def parse_lock(data: bytes, where: str) -> StageLock:
    """Reads the lock file whose path is `where`.

    Raises `DamagedData` when it is not a lock file this dvcx knows; conflict markers are recognised.
    """
    if len(data) > MAX_BYTES:
        raise DamagedData(f"{where} is too large ({len(data)} bytes)", _again(where))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise DamagedData(f"{where} is not UTF-8 text", _again(where)) from None
    fields: Mapping[str, Any]
    try:
        fields = _read_own(text)
    except _Unusual:
        if len(data) > _MOST_YAML:
            raise DamagedData(f"{where} is not as dvcx writes it, and too large to be read so", _again(where)) from None
        fields = load_mapping(text, where)
    except _Twice as twice:
        raise DamagedData(f"{where} has `{twice}` twice, as after a merge: keep one", _again(where)) from None
    return _lock(fields, where)


def split_lock(data: bytes) -> list[bytes] | None:
    """Gives the texts of the records in a lock file, as `lock_of` takes them; None for what we may not have written."""
    head, found, body = data.partition(_HEAD)
    if head or not found or not body.endswith(b"\n"):
        return None
    return [each + b"\n" for each in _BETWEEN.split(body[:-1])]


def lock_of(records: Iterable[bytes]) -> bytes | None:
    """Gives a lock file with some records that `split_lock` gave; None when one of them is not as we write it."""
    text = b"".join(records)
    data = _HEAD + text if text else b"dvcx: 1\nstages: {}\n"
    try:
        top = _read_own(data.decode("utf-8"))
    except (UnicodeDecodeError, _Unusual, _Twice):
        return None
    return data if top.keys() == {"dvcx", "stages"} else None


def print_lock(lock: StageLock) -> str:
    """Gives the text of a lock file, stages by name; reading it gives back the same value."""
    return join_records((print_record(name, lock.records[name]) for name in sorted(lock.records)), lock.extra)


def join_records(texts: Iterator[str], extra: Mapping[str, Any]) -> str:
    """Gives the text of a lock file from what `print_record` gave for each stage, in order."""
    more = "".join(f"{_key(key)}: {inline(value)}\n" for key, value in extra.items())
    stages = "".join(texts)
    return f"dvcx: {VERSION}\n{more}" + (f"stages:\n{stages}" if stages else "stages: {}\n")


def print_record(name: str, record: RunRecord) -> str:
    """Gives the lines of one stage."""
    cmd = _scalar(record.cmd[0]) if len(record.cmd) == 1 else inline(record.cmd)
    lines = [f"  {_key(name)}:", f"    cmd: {cmd}"]
    for field, items in (("deps", record.deps), ("outs", record.outs)):
        if items:
            lines.append(f"    {field}:")
            for item in sorted(items, key=lambda each: each.text):
                lines += _recorded_lines(item)
        if field == "deps" and record.params:
            lines.append("    params:")
            for file in sorted(record.params):
                values = record.params[file]
                lines.append(f"      {_key(file)}:" + ("" if values else " {}"))
                lines += (f"        {_key(key)}: {inline(values[key])}" for key in sorted(values))
    lines += (f"    {_key(key)}: {inline(value)}" for key, value in record.extra.items())
    return "\n".join(lines) + "\n"


def _recorded_lines(item: Recorded) -> Iterator[str]:
    if item.members is None:
        yield f"      {_key(item.text)}: {inline(_fields_of(item))}"
        return
    yield f"      {_key(item.text)}:" + ("" if item.members else " {}")
    for member in sorted(item.members, key=lambda each: each.text):
        yield f"        {_key(member.text)}: {inline(_fields_of(member))}"


def _fields_of(item: Recorded) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if item.id is not None:
        if item.id.kind is Kind.TREE:
            fields["type"] = "folder"
        fields["id"] = str(item.id)
        if item.size is not None:
            fields["size"] = item.size
        if item.files is not None:
            fields["files"] = item.files
        if item.executable:
            fields["executable"] = True
    else:
        fields["value"] = item.value
    if not item.cache:
        fields["cache"] = False
    if not item.push:
        fields["push"] = False
    if item.remote is not None:
        fields["remote"] = item.remote
    fields.update(item.extra)
    return fields


def _key(text: str) -> str:
    return _scalar(text)


def _scalar(text: str) -> str:
    return text if _PLAIN.fullmatch(text) and not _WORD.fullmatch(text) else quoted(text)


class _Unusual(Exception):
    """The text is not as we write it: the YAML reader decides."""


class _Twice(Exception):
    """Something that has a name stands there twice."""


def _read_own(text: str) -> dict[str, Any]:
    """Reads the text as `print_lock` writes it, in a fiftieth of the time that YAML takes; `_Unusual` for all else."""
    top: dict[str, Any] = {}
    open_maps: list[dict[str, Any]] = [top]
    if not text.endswith("\n"):
        raise _Unusual
    for line in text[:-1].split("\n"):
        found = _LINE.match(line)
        if found is None:
            raise _Unusual
        indent, plain, escaped, value = found.groups()
        level = len(indent) >> 1
        if level >= len(open_maps) or len(indent) & 1:
            raise _Unusual
        key = plain if escaped is None else _json(escaped)
        if escaped is None and _WORD.fullmatch(plain):
            raise _Unusual
        del open_maps[level + 1 :]
        inside = open_maps[level]
        if key in inside:
            raise _Twice(key)
        if value is None:
            deeper: dict[str, Any] = {}
            inside[key] = deeper
            open_maps.append(deeper)
        else:
            inside[key] = _value(value)
    return top


def _value(text: str) -> Any:
    first = text[:1]
    if first in '{["':
        return _json(text)
    if _NUMBER.match(text):
        return json.loads(text)
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _PLAIN.fullmatch(text) and not _WORD.fullmatch(text):
        return text
    raise _Unusual


_CONSTANTS = {"true": True, "false": False, "null": None}


def _json(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_not_json)
    except (ValueError, RecursionError):
        raise _Unusual from None


def _not_json(text: str) -> None:
    raise ValueError(text)


def _lock(fields: Mapping[str, Any], where: str) -> StageLock:
    version = fields.get("dvcx")
    if not isinstance(version, int) or isinstance(version, bool):
        raise DamagedData(f"{where} has no `dvcx: {VERSION}` line, so it is not a lock file", _again(where))
    if version > VERSION:
        raise DamagedData(f"{where} has lock format {version}; this dvcx reads up to {VERSION}", "upgrade dvcx")
    stages = _mapping(fields.get("stages"), "stages", where)
    records = {str(name): _record(_mapping(value, str(name), where), where) for name, value in stages.items()}
    return StageLock(records, {key: value for key, value in fields.items() if key not in ("dvcx", "stages")})


def _record(fields: Mapping[str, Any], where: str) -> RunRecord:
    cmd = fields.get("cmd", [])
    lines = [cmd] if isinstance(cmd, str) else cmd
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise DamagedData(f"{where}: `cmd` must be a text or a list of texts, not {cmd!r}", _again(where))
    params = _mapping(fields.get("params"), "params", where)
    return RunRecord(
        cmd=tuple(lines),
        deps=_all_recorded(fields, "deps", where),
        params={file: _mapping(values, file, where) for file, values in params.items()},
        outs=_all_recorded(fields, "outs", where),
        extra={key: value for key, value in fields.items() if key not in _RECORD},
    )


def _all_recorded(fields: Mapping[str, Any], field: str, where: str) -> tuple[Recorded, ...]:
    items = _mapping(fields.get(field), field, where)
    return tuple(_recorded(text, _mapping(value, text, where), where) for text, value in items.items())


def _recorded(text: str, fields: Mapping[str, Any], where: str) -> Recorded:
    # A pattern may have made files of these names, too: then a mapping stands there.
    if not any(key in fields and not isinstance(fields[key], dict) for key in ("id", "value")):
        members = tuple(_recorded(each, _mapping(value, each, where), where) for each, value in fields.items())
        if any(member.members is not None for member in members):
            raise DamagedData(f"{where}: {text!r} has neither an id nor members", _again(where))
        return Recorded(text, members=members)
    folder = fields.get("type") == "folder"
    id_text = fields.get("id")
    found = None
    if id_text is not None:
        found = parse_object_id(str(id_text), Kind.TREE if folder else Kind.BLOB, where)
    remote, value = fields.get("remote"), fields.get("value")
    return Recorded(
        text,
        id=found,
        size=_count(fields, "size", where),
        files=_count(fields, "files", where) if folder else None,
        executable=fields.get("executable") is True,
        value=None if value is None else str(value),
        cache=fields.get("cache") is not False,
        push=fields.get("push") is not False,
        remote=None if remote is None else str(remote),
        extra={key: value for key, value in fields.items() if key not in _RECORDED},
    )


def _count(fields: Mapping[str, Any], key: str, where: str) -> int | None:
    value = fields.get(key)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 1 << 62:
        raise DamagedData(f"{where}: `{key}` must be a number of at least 0, not {value!r}", _again(where))
    return value


def _mapping(value: Any, what: str, where: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise DamagedData(f"{where}: {what!r} must have names with values below it, not {value!r:.60}", _again(where))
    return value


def _again(where: str) -> str:
    return f"restore it with `git checkout -- {where}`; or remove it: `dvcx repro` writes it anew"
