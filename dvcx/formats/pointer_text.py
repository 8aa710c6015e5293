"""Pointer files as text: a few lines of YAML, written by us, edited and merged by people."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from dvcx.base.errors import DamagedData
from dvcx.base.paths import check_name
from dvcx.formats.conflict_text import has_conflict_markers
from dvcx.model.ids import Kind, parse_object_id
from dvcx.model.pointer import SUFFIX, Pointer

VERSION = 1
MAX_BYTES = 1 << 20
"""A pointer file larger than this (bytes) is refused before it is parsed."""

_KIND_BY_TYPE = {"file": Kind.BLOB, "folder": Kind.TREE}
_KNOWN = ("dvcx", "path", "type", "id", "size", "files", "executable", "frozen", "desc", "labels", "meta", "source")
# Our own files are nearly always these simple lines: reading them takes 3 us instead of YAML's 150 us, which counts
# with thousands of pointers. Anything else goes to the YAML reader.
_SIMPLE = re.compile(
    r"dvcx: 1\npath: ([A-Za-z_][A-Za-z0-9_\-.]*)\ntype: (file|folder)\nid: ([a-z0-9]+:[0-9a-f]+)\nsize: ([0-9]{1,18})\n"
    r"(?:files: ([0-9]{1,15})\n)?(executable: true\n)?\Z"
)
_MOST_DEPTH = 64
_TOP = 3
"""The depth of the top mapping: inside the stream, the document and itself."""
_MOST_NUMBER = 1 << 62
_LONG_NUMBER = re.compile(r"[-+]?(?:[0-9][0-9_:.]{64,}|0[xXbo][0-9a-fA-F_]{64,})\Z")
_TAGS = frozenset(
    {None, *(f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "map", "seq"))}
)
_YAML_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"})


def parse_pointer(data: bytes, where: str) -> Pointer:
    """Reads the pointer file whose path is `where`.

    Raises `DamagedData` when it is not a pointer this dvcx knows (conflict markers are recognised), and `Refused`
    when the name in it is hostile or is not the one that the pointer file stands for.
    """
    if len(data) > MAX_BYTES:
        raise DamagedData(f"{where} is too large to be a pointer ({len(data)} bytes)", _restore(where))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise DamagedData(f"{where} is not UTF-8 text", _restore(where)) from None
    simple = _SIMPLE.match(text)
    if simple and simple[1].lower() not in _YAML_WORDS:
        kind = _KIND_BY_TYPE[simple[2]]
        files = int(simple[5]) if simple[5] is not None else None
        if (files is None) == (kind is Kind.BLOB):
            pointer = Pointer(
                simple[1], parse_object_id(simple[3], kind, where), int(simple[4]), files, simple[6] is not None
            )
            return _checked(pointer, where)
    return _checked(_from_yaml(text, where), where)


def print_pointer(pointer: Pointer) -> str:
    """Gives the text of a pointer file; reading it gives back the same value."""
    lines = [
        f"dvcx: {VERSION}",
        f"path: {_scalar(pointer.name)}",
        f"type: {'folder' if pointer.is_folder else 'file'}",
        f"id: {pointer.id}",
        f"size: {pointer.size}",
    ]
    if pointer.files is not None:
        lines.append(f"files: {pointer.files}")
    if pointer.executable:
        lines.append("executable: true")
    if pointer.frozen:
        lines.append("frozen: true")
    notes: dict[str, object] = {}
    if pointer.desc is not None:
        notes["desc"] = pointer.desc
    if pointer.labels:
        notes["labels"] = list(pointer.labels)
    if pointer.meta:
        notes["meta"] = dict(pointer.meta)
    if pointer.source is not None:
        notes["source"] = dict(pointer.source)
    notes.update(pointer.extra)
    # JSON is YAML: values of any shape are written as JSON, one field a line, so that Git merges them line by line.
    lines.extend(f"{_scalar(key)}: {inline(value)}" for key, value in notes.items())
    return "\n".join(lines) + "\n"


def _scalar(text: str) -> str:
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_\-.]*", text) and text.lower() not in _YAML_WORDS:
        return text
    return quoted(text)


def inline(value: object) -> str:
    """Gives a value as JSON that YAML reads as the same value."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{quoted(str(key))}: {inline(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(inline, value)) + "]"
    if isinstance(value, float):
        text = repr(value)  # YAML takes 1e-05 for a text
        return text if "." in text else text.replace("e", ".0e")
    return json.dumps(value)


def quoted(text: str) -> str:
    """Gives a text as JSON that YAML reads as the same text."""
    # What JSON leaves as it is and YAML takes for a line end, or does not take at all, is escaped as YAML does it.
    return _NOT_SHOWN.sub(_escaped, json.dumps(text, ensure_ascii=False))


def _escaped(match: re.Match[str]) -> str:
    letter = match[0]
    code = ord(letter)
    if letter.isprintable():
        return letter
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


_NOT_SHOWN = re.compile(r"[^ -~]")


def _from_yaml(text: str, where: str) -> Pointer:
    fields = load_mapping(text, where)
    version = fields.get("dvcx")
    if not isinstance(version, int) or isinstance(version, bool):
        raise DamagedData(f"{where} has no `dvcx: {VERSION}` line, so it is not a pointer", _restore(where))
    if version > VERSION:
        raise DamagedData(f"{where} has pointer format {version}; this dvcx reads up to {VERSION}", "upgrade dvcx")
    kind = _KIND_BY_TYPE.get(str(fields.get("type")))
    if kind is None:
        raise DamagedData(f"{where}: `type` must be file or folder, not {fields.get('type')!r}", _restore(where))
    labels = _typed(fields, "labels", list, where) or []
    return Pointer(
        name=_required(fields, "path", str, where),
        id=parse_object_id(_required(fields, "id", str, where), kind, where),
        size=_count(_required(fields, "size", int, where), "size", where),
        files=_count(_required(fields, "files", int, where), "files", where) if kind is Kind.TREE else None,
        executable=bool(_typed(fields, "executable", bool, where)),
        desc=_typed(fields, "desc", str, where),
        labels=tuple(str(label) for label in labels),
        meta=_typed(fields, "meta", dict, where) or {},
        source=_typed(fields, "source", dict, where),
        frozen=bool(_typed(fields, "frozen", bool, where)),
        extra={key: value for key, value in fields.items() if key not in _KNOWN},
    )


def load_mapping(text: str, where: str) -> Mapping[str, Any]:
    """Reads YAML whose top is a mapping, without aliases, so that no file can unfold into more than it holds.

    Raises `DamagedData` that names `where`, with the line where that is known.
    """
    if has_conflict_markers(text):
        what = where.removesuffix(SUFFIX)
        raise DamagedData(
            f"{where} contains conflict markers from a merge",
            f"decide with `dvcx resolve --ours {what}` (or --theirs, or --both), then `git add {where}`"
            if what != where
            else f"choose one side with `dvcx resolve --ours {where}` (or --theirs), then `git add {where}`",
        )
    import yaml  # 30 ms that commands on plain pointers do not pay

    try:
        _check_events(yaml.parse(text, Loader=yaml.CSafeLoader), where)
        fields = _as_json(yaml.load(text, Loader=yaml.CSafeLoader))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" (line {mark.line + 1})" if mark else ""
        problem = getattr(error, "problem", None) or error.__class__.__name__
        raise DamagedData(f"{where} is not valid YAML{line}: {problem}", _restore(where)) from error
    if not isinstance(fields, dict):
        raise DamagedData(f"{where} is not a mapping of names to values", _restore(where))
    return fields


def _check_events(events: Iterable[Any], where: str) -> None:
    """Raises `DamagedData` for what would cost more than its length to build, before anything is built.

    PyYAML builds nested values by recursion in C, which ends the process when they are deep, and long numbers in
    quadratic time. Of a field that stands there twice, as after a merge by lines, it takes the last one without a word.
    """
    depth = 0
    fields: set[str] = set()
    is_field = True
    for event in events:
        if depth == _TOP and not type(event).__name__.endswith("EndEvent"):
            name = getattr(event, "value", "")
            if is_field and name in fields:
                raise DamagedData(f"{where} has the field `{name}` twice", _restore(where))
            fields.update([name] if is_field else [])
            is_field = not is_field
        if type(event).__name__ == "AliasEvent":
            raise DamagedData(f"{where}: YAML aliases are not accepted here", _restore(where))
        if getattr(event, "tag", None) not in _TAGS:
            raise DamagedData(f"{where}: the YAML tag {event.tag!r} is not accepted here", _restore(where))
        depth += type(event).__name__.endswith("StartEvent") - type(event).__name__.endswith("EndEvent")
        if depth > _MOST_DEPTH:
            raise DamagedData(f"{where} is nested more than {_MOST_DEPTH} levels deep", _restore(where))
        if _LONG_NUMBER.match(getattr(event, "value", "")) and event.implicit[0]:
            raise DamagedData(f"{where} has a number that is too long", _restore(where))


def _as_json(value: Any) -> Any:
    """Gives a value as it will be written back: keys and dates as texts. Raises `ValueError` for infinity and NaN."""
    if isinstance(value, dict):
        return {str(_as_json(key)): _as_json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_as_json(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(value)
    return value.isoformat() if isinstance(value, date) else value


def _checked(pointer: Pointer, where: str) -> Pointer:
    check_name(pointer.name, where)
    expected = where.rsplit("/", 1)[-1].removesuffix(SUFFIX)
    if pointer.name != expected:
        raise DamagedData(
            f"{where} stands for {pointer.name!r}, but a pointer's file name says what it stands for: {expected!r}",
            f"move data with `dvcx move`, or restore the file with `git checkout -- {where}`",
        )
    return pointer


def _typed(fields: Mapping[str, Any], key: str, kind: type, where: str) -> Any:
    value = fields.get(key)
    if value is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
        raise DamagedData(f"{where}: `{key}` must be of type {kind.__name__}, not {value!r}", _restore(where))
    return value


def _required(fields: Mapping[str, Any], key: str, kind: type, where: str) -> Any:
    value = _typed(fields, key, kind, where)
    if value is None:
        raise DamagedData(f"{where} has no `{key}` field", _restore(where))
    return value


def _count(value: int, key: str, where: str) -> int:
    if not 0 <= value <= _MOST_NUMBER:
        raise DamagedData(f"{where}: `{key}` is {'negative' if value < 0 else 'too large'}", _restore(where))
    return value


def _restore(where: str) -> str:
    return f"restore the file with `git checkout -- {where}`"
